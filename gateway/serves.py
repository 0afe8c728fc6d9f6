"""What the gateway serves: to other communities, and to the consumers of its own."""

from typing import Final

from gateway import iti18, iti38, iti39, iti43
from hub.serving import served_by
from ihe.transactions import ITI_18, ITI_38, ITI_39, ITI_43

RESPONDING: Final = (
    served_by(ITI_38, iti38.handle),
    served_by(ITI_39, iti39.handle),
)
INITIATING: Final = (
    served_by(ITI_18, iti18.handle),
    served_by(ITI_43, iti43.handle),
)
