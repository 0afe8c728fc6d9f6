"""How large a document may be, counted while it comes in: nothing is kept of one too large."""

from typing import Final

from hub.parts import OpenSink, PartSink, StagedContent
from ihe.errors import FaultCode, SoapFault

_TOO_LARGE: Final = 413


def limited(open_sink: OpenSink, limit: int) -> OpenSink:
    """Return what stages documents of at most `limit` octets."""
    return lambda: _Limited(open_sink(), limit)


class _Limited:
    """A sink that refuses to grow beyond a limit; implements `PartSink`."""

    def __init__(self, sink: PartSink, limit: int) -> None:
        self._sink, self._limit, self._left = sink, limit, limit

    def write(self, data: bytes) -> None:
        """Take the next bytes; raise `SoapFault` when there are too many."""
        self._left -= len(data)
        if self._left < 0:
            raise SoapFault(
                FaultCode.SENDER,
                f"a document is larger than {self._limit} octets, the most that is taken here",
                http_status=_TOO_LARGE,
            )
        self._sink.write(data)

    def finish(self) -> StagedContent:
        """Say that the document is whole."""
        return self._sink.finish()

    def discard(self) -> None:
        """Forget what came so far."""
        self._sink.discard()
