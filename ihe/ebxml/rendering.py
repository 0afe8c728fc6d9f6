r"""Registry objects as bytes: rendered once, filled in whenever they are asked for.

Building the ebRIM of one entry takes about as long as parsing it, joining stored bytes takes a
thousandth of that. So the registry keeps each object as a *template*: its element as bytes, with a
hole wherever a value can change after registration. The holes are bytes that XML itself cannot
hold, so no metadata can look like one.

| hole | stands for | can change by |
|---|---|---|
| `\x01` | the whole attribute ` home="…"`, or nothing | where the object is asked for |
| `\x02` | the status URN | replacement, update |
| `\x03` | the patient id | a merge |
| `\x04` | lastUpdateTime of a Folder | what joins the Folder |

docs/decisions/0002-registry-objects-rendered-once.md says what this costs and brings.

Ids of Classifications and ExternalIdentifiers follow from the object's own id and their position
(`ihe.ebxml.element`), so that an object is rendered the same every time.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from ihe import xml
from ihe.datatypes import CX, DTM, HomeCommunityId
from ihe.ebxml.element import Sheet, write_node
from ihe.ebxml.fields import SHAPES
from ihe.ebxml.metadata import read_object
from ihe.ebxml.text import Hole
from ihe.ebxml.text import attribute as a
from ihe.model import Association, Folder, ObjectRef, RegistryObject
from ihe.vocabulary import RIM, Status

_HOME: Final = Hole("\x01")
_STATUS: Final = Hole("\x02")
_PATIENT: Final = Hole("\x03")
_TIME: Final = Hole("\x04")

_NO_HOLES: Final[Mapping[str, Hole | None]] = {}


def render(obj: RegistryObject | ObjectRef) -> bytes:
    """Return an object as one `rim:` element, UTF-8; the prefix is declared by what is around it.

    Raises
    ------
    UnwritableText
        A value holds a character that XML cannot.
    """
    if isinstance(obj, ObjectRef):
        home = f' home="{a(obj.home_community_id)}"' if obj.home_community_id else ""
        return f'<rim:ObjectRef id="{a(obj.entry_uuid)}"{home}/>'.encode()
    return _write(obj).encode()


def template(obj: RegistryObject) -> bytes:
    """Return the object's element with holes; the values that they stand for are left out.

    Raises
    ------
    UnwritableText
        A value holds a character that XML cannot.
    """
    holes: dict[str, Hole | None] = {"availability_status": None, "home_community_id": None}
    if not isinstance(obj, Association) and obj.patient_id is not None:
        holes["patient_id"] = _PATIENT
    if isinstance(obj, Folder):
        holes["last_update_time"] = _TIME
    return _write(obj, f'{_HOME} status="{_STATUS}"', holes).encode()


def fill(
    stored: bytes,
    *,
    status: Status,
    patient_id: CX | None = None,
    home: HomeCommunityId | None = None,
    last_update_time: DTM | None = None,
) -> bytes:
    """Return a template's element with its holes filled.

    A value that the template has no hole for is not used.

    Raises
    ------
    ValueError
        The template has a hole for the patient id, or for a Folder's lastUpdateTime, and no value
        was given for it.
    UnwritableText
        A value holds a character that XML cannot.
    """
    filled = stored.replace(b"\x01", _home(home), 1).replace(b"\x02", status.encode(), 1)
    if patient_id is not None:
        filled = filled.replace(b"\x03", _escaped(patient_id), 1)
    if last_update_time is not None:
        filled = filled.replace(b"\x04", a(last_update_time).encode(), 1)
    if b"\x03" in filled or b"\x04" in filled:
        raise ValueError("a patient id or a lastUpdateTime is missing to fill the template with")
    return filled


@lru_cache(maxsize=64)
def _home(home: HomeCommunityId | None) -> bytes:
    return b"" if home is None else f' home="{a(home)}"'.encode()


@lru_cache(maxsize=1024)
def _escaped(patient_id: CX) -> bytes:
    return a(patient_id).encode()


def read_filled(element: bytes) -> RegistryObject:
    """Return the object of an element that `render` or `fill` wrote.

    Raises
    ------
    ValueError
        The element is something else.
    """
    whole = b'<rim:RegistryObjectList xmlns:rim="' + RIM.encode() + b'">' + element
    (child,) = xml.parse(whole + b"</rim:RegistryObjectList>")
    return read_object(child)


def _write(
    obj: RegistryObject, head: str = "", holes: Mapping[str, Hole | None] = _NO_HOLES
) -> str:
    """Return the element; `head` goes first into it, `holes` replace the values of fields."""
    shape = SHAPES[type(obj)]
    sheet = Sheet(obj.entry_uuid)
    sheet.head.append(head)
    if shape.object_type:
        sheet.head.append(f' objectType="{shape.object_type}"')
    if shape.label is not None:
        sheet.classifications.append(write_node(sheet, shape.label))
    for name, place in shape.places.items():
        place.put(sheet, holes[name] if name in holes else getattr(obj, name))
    return sheet.element(shape.tag)
