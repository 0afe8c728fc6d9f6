"""Where the attachments of an incoming message go while they stream in.

```text
socket ─▶ MIME parts ─▶ PartSink.write … finish ─▶ StagedContent ─▶ handler keeps it
                          │ message broken off        │ nobody kept it
                          └─▶ discard                 └─▶ discard
```

A message is read before anybody knows whether it is any good, so its documents are only *staged*.
Whoever handles the message takes what it wants; what is left over is thrown away at the end of the
call, whatever the end was.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ihe.messages import DigestedContent


class StagedContent(DigestedContent, Protocol):
    """A whole attachment that nobody has kept yet."""

    def discard(self) -> None:
        """Forget the bytes, unless somebody kept them; may be called again."""
        ...


class PartSink(Protocol):
    """One attachment while it comes in."""

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        Unavailable
            They cannot be kept (disk full, store away); the sink is to be discarded.
        """
        ...

    def finish(self) -> StagedContent:
        """Say that the attachment is whole; no `write` follows."""
        ...

    def discard(self) -> None:
        """Forget what came so far; may be called again, and after `finish`."""
        ...


OpenSink: TypeAlias = Callable[[], PartSink]
"""Opens a sink for the next attachment."""
