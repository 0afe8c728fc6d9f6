r"""The Minimal Lower Layer Protocol: where a message begins and ends on a connection.

```text
0x0B  message  0x1C 0x0D
```

Line ends between frames are passed over, since some senders put one behind each. Everything else
there means that the two sides no longer agree where a message begins, and ends the connection.
"""

from typing import Final

from ihe.errors import HubError

START: Final = 0x0B
END: Final = 0x1C
_BETWEEN: Final = b"\r\n"


class FramingError(HubError):
    """What comes is no frame; the connection cannot go on."""


def framed(message: bytes) -> bytes:
    """Return the frame of a message."""
    return bytes((START,)) + message + bytes((END, _BETWEEN[0]))


class Frames:
    """Takes a connection's octets as they come, and gives whole messages.

    Parameters
    ----------
    limit
        Octets of one message, at the most; no more of it is ever held than that and one piece.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._searched = 0

    @property
    def is_within(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._held)

    def feed(self, data: bytes) -> None:
        """Take octets; whole messages are then to be taken by `take`."""
        self._held += data

    def take(self) -> bytes | None:
        """Return the next whole message, None when more octets are needed.

        Raises
        ------
        FramingError
            Octets stand outside a frame, or a message is too long.
        """
        if not self._searched:
            self._begin()
        if not self._held:
            return None
        end = self._held.find(END, max(1, self._searched))
        length = (end if end >= 0 else len(self._held)) - 1
        if length > self._limit:
            raise FramingError(f"a message of more than {self._limit} octets")
        again = self._held.find(START, max(1, self._searched), end if end >= 0 else None)
        if again >= 0:
            raise FramingError("a message begins inside another one")
        if end < 0:
            self._searched = len(self._held)
            return None
        message = bytes(self._held[1:end])
        del self._held[: end + 1]
        self._searched = 0
        return message

    def _begin(self) -> None:
        """Pass over line ends, up to the octet that begins a message."""
        passed = 0
        while passed < len(self._held) and self._held[passed] in _BETWEEN:
            passed += 1
        del self._held[:passed]
        if self._held and self._held[0] != START:
            raise FramingError(f"octet {self._held[0]:#04x}, expected a message: 0x0B … 0x1C 0x0D")
