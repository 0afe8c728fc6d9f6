"""The little Markdown that the generated pages are made of."""

from collections.abc import Iterable, Sequence
from typing import Final

MADE_BY: Final = "<!-- Made by `python -m docs.generate`: change the code, not this page. -->"


def page(title: str, *parts: str) -> str:
    """Return a page that begins with who makes it."""
    return "\n\n".join((MADE_BY, f"# {title}", *parts)) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown on one line."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |".replace("|  |", "| |") for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
