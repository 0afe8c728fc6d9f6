"""What the Document Repository serves."""

from typing import Final

from hub.serving import served_by
from ihe.transactions import ITI_41, ITI_43, ITI_86
from repository import iti41, iti43, iti86

SERVES: Final = (
    served_by(ITI_41, iti41.handle, validate=iti41.validate),
    served_by(ITI_43, iti43.handle),
    served_by(ITI_86, iti86.handle),
)
