"""Query answers on their way through a gateway: looked at, not taken apart.

A gateway has to know of each object which community, patient and object it is, and hands the rest
on as it came. Reading every attribute and writing it again would cost ten times the parse and could
lose what the gateway does not understand; here each object stays one ebRIM element.

References
----------
ITI TF-2 3.38.4.1.3 (what a gateway adds and passes on).
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element

from ihe.datatypes import CX, HomeCommunityId
from ihe.ebxml.element import local_name
from ihe.ebxml.requests import expect
from ihe.ebxml.responses import read_errors, read_status
from ihe.errors import RegistryError
from ihe.messages import Parts
from ihe.vocabulary import (
    QUERY,
    RIM,
    DocumentEntryScheme,
    FolderScheme,
    ResponseStatus,
    SubmissionSetScheme,
)

_PATIENT_SCHEMES: Final = frozenset(
    {DocumentEntryScheme.PATIENT_ID, SubmissionSetScheme.PATIENT_ID, FolderScheme.PATIENT_ID}
)
_LIST: Final = f"{{{RIM}}}RegistryObjectList"
_EXTERNAL_IDENTIFIER: Final = f"{{{RIM}}}ExternalIdentifier"


@dataclass(frozen=True, slots=True)
class RelayedObject:
    """One object of an answer.

    Parameters
    ----------
    tag
        Local name of its element: ExtrinsicObject, RegistryPackage, Association or ObjectRef.
    entry_uuid, home_community_id, patient_id
        As the answer gives them; an Association and an ObjectRef have no patient.
    element
        The element itself.
    """

    tag: str
    entry_uuid: str
    home_community_id: HomeCommunityId | None
    patient_id: CX | None
    element: _Element

    def rendered(self, home: HomeCommunityId | None = None) -> bytes:
        """Return the element as bytes that stand alone, with `home` set if one is given."""
        if home is not None:
            self.element.set("home", home)
        return etree.tostring(self.element, with_tail=False)


@dataclass(frozen=True, slots=True)
class RelayedQueryResponse:
    """query:AdhocQueryResponse with its objects as they came."""

    status: ResponseStatus | str
    errors: tuple[RegistryError, ...] = ()
    objects: tuple[RelayedObject, ...] = ()


def read_relayed_query_response(element: _Element, _parts: Parts) -> RelayedQueryResponse:
    """Read an AdhocQueryResponse without taking its objects apart.

    Raises
    ------
    SoapFault
        The element is something else.
    """
    expect(element, f"{{{QUERY}}}AdhocQueryResponse")
    listed = element.find(_LIST)
    objects = () if listed is None else tuple(map(_object, listed.iterchildren(f"{{{RIM}}}*")))
    return RelayedQueryResponse(read_status(element), read_errors(element), objects)


def _object(element: _Element) -> RelayedObject:
    home = element.get("home", "").strip()
    return RelayedObject(
        tag=local_name(element),
        entry_uuid=element.get("id", ""),
        home_community_id=HomeCommunityId(home) if home else None,
        patient_id=_patient(element),
        element=element,
    )


def _patient(element: _Element) -> CX | None:
    for identifier in element.iterchildren(_EXTERNAL_IDENTIFIER):
        if identifier.get("identificationScheme") in _PATIENT_SCHEMES:
            return CX(identifier.get("value", ""))
    return None
