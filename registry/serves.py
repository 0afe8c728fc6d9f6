"""What the Document Registry serves."""

from typing import Final

from hub.serving import served_by
from ihe.transactions import (
    ITI_18,
    ITI_42,
    ITI_44_ADD,
    ITI_44_MERGE,
    ITI_44_REVISE,
    ITI_51,
    ITI_57,
    ITI_61,
    ITI_62,
    ITI_92,
)
from registry import iti18, iti42, iti44, iti51, iti57, iti61, iti62, iti92
from registry.dry import dry

SERVES: Final = (
    served_by(ITI_18, iti18.handle),
    served_by(ITI_42, iti42.handle, validate=dry(iti42.handle)),
    served_by(ITI_44_ADD, iti44.handle_record),
    served_by(ITI_44_REVISE, iti44.handle_record),
    served_by(ITI_44_MERGE, iti44.handle_merge),
    served_by(ITI_51, iti51.handle),
    served_by(ITI_57, iti57.handle, validate=dry(iti57.handle)),
    served_by(ITI_61, iti61.handle, validate=dry(iti61.handle)),
    served_by(ITI_62, iti62.handle, validate=dry(iti62.handle)),
    served_by(ITI_92, iti92.handle, validate=dry(iti92.handle)),
)
