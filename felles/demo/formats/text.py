"""A letter as plain text in UTF-8."""

import textwrap

from felles.demo.formats.letter import Letter

MIME_TYPE = "text/plain"


def write(letter: Letter) -> bytes:
    """Return the letter as text, with lines as mail has them."""
    lines = [*letter.head, "", letter.title, "=" * len(letter.title)]
    for heading, text in letter.sections:
        lines += ["", heading, *textwrap.wrap(text, 76)]
    lines += ["", letter.signature, ""]
    return "\r\n".join(lines).encode()
