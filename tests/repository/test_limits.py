"""A document that is too large is refused while it comes in."""

import pytest

from ihe.errors import SoapFault
from repository.blobs.memory import MemoryBlobs
from repository.limits import limited


def test_a_document_of_exactly_the_limit_is_taken() -> None:
    sink = limited(MemoryBlobs().open, 10)()
    sink.write(b"12345")
    sink.write(b"67890")
    assert sink.finish().size == 10


def test_one_octet_more_is_refused_and_nothing_stays() -> None:
    blobs = MemoryBlobs()
    sink = limited(blobs.open, 10)()
    sink.write(b"1234567890")
    with pytest.raises(SoapFault, match="larger than 10 octets") as refused:
        sink.write(b"1")
    assert refused.value.status == 413
    sink.discard()
    assert list(blobs.list()) == []
