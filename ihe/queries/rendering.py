"""From values to the Slots of a request: the other direction of `ihe.queries.parsing`.

References
----------
ITI TF-2 3.18.4.1.2.3.5 (how values are written, and what repeated Slots mean).
"""

from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar

from ihe.datatypes import CX, DTM, HomeCommunityId
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.model import Slot
from ihe.queries.catalogue import CATALOGUE
from ihe.queries.literals import render_list, render_text
from ihe.queries.parameters import Parameter, ParameterType
from ihe.queries.values import parse_code
from ihe.state import Kind
from ihe.vocabulary import StoredQueryId

V = TypeVar("V")
T = ParameterType


class AllOf(Generic[V]):
    """Groups of values: of each group, the object must have one."""

    __slots__ = ("groups",)

    def __init__(self, *groups: Iterable[V]) -> None:
        self.groups = tuple(tuple(group) for group in groups)


def render_query(query_id: StoredQueryId, given: Mapping[str, object]) -> AdhocQueryRequest:
    """Return the request for a stored query, from values by keyword.

    What the functions of `ihe.queries.building` are made of; for queries that have no function.
    `return_type` and `home_community_id` apart, a keyword is the attribute that the parameter
    restricts, with `_from` or `_to` for a bound and `_exclude` for what drops; or
    `metadata_level`, `uuid`, `document_entry_type`, `association_type`, and a status with the kind
    of object before it. A value is one, several, or an `AllOf`; None and no value at all leave the
    parameter out.

    Raises
    ------
    MalformedValue
        A patient id, time or code does not have its form.
    ValueError
        The query has no such keyword, or the parameter takes one value or no `AllOf`.
    """
    options = {"return_type", "home_community_id"}
    parameters = {_keyword(each): each for each in CATALOGUE[query_id].parameters}
    if unknown := given.keys() - parameters.keys() - options:
        raise ValueError(f"{CATALOGUE[query_id].title} cannot be asked with {sorted(unknown)}")
    slots = [
        slot
        for keyword, parameter in parameters.items()
        for slot in _slots(parameter, given.get(keyword))
    ]
    home = given.get("home_community_id")
    return AdhocQueryRequest(
        query_id=query_id,
        parameters=tuple(slots),
        return_type=ReturnType(str(given.get("return_type", ReturnType.LEAF_CLASS))),
        home_community_id=HomeCommunityId(home) if home else None,
    )


_STATUS: Final = {
    Kind.DOCUMENT_ENTRY: "document_entry_status",
    Kind.SUBMISSION_SET: "submission_set_status",
    Kind.FOLDER: "folder_status",
    Kind.ASSOCIATION: "association_status",
}


def _keyword(parameter: Parameter) -> str:
    match parameter.type:
        case T.METADATA_LEVEL:
            return "metadata_level"
        case T.STATUS:
            return _STATUS[parameter.restricts[0]]
        case T.TIME_FROM:
            return f"{parameter.attribute}_from"
        case T.TIME_TO:
            return f"{parameter.attribute}_to"
        case T.ASSOCIATION_TYPE:
            return "association_type"
        case T.DOCUMENT_ENTRY_TYPE:
            keyword = "document_entry_type"
        case _:
            keyword = "uuid" if parameter.name == "$uuid" else parameter.attribute
    return f"{keyword}_exclude" if parameter.excludes else keyword


def _slots(parameter: Parameter, value: object) -> list[Slot]:
    """Return the Slots that say `value`: none, one, or one for each group of an AllOf."""
    if isinstance(value, AllOf):
        if not parameter.repeatable:
            raise ValueError(f"{parameter.name} cannot be combined by AND")
        return [slot for group in value.groups for slot in _slots(parameter, group)]
    literals = [_literal(parameter.type, each) for each in _each(value)]
    if not literals:
        return []
    if parameter.many:
        return [Slot(parameter.name, render_list(literals))]
    if len(literals) > 1:
        raise ValueError(f"{parameter.name} takes one value, found {len(literals)}")
    return [Slot(parameter.name, tuple(literals))]


def _each(value: object) -> Iterable[object]:
    """Return the values of one, several or none; a text is one."""
    if value is None:
        return ()
    return value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _literal(type_: ParameterType, value: object) -> str:
    """Return a value as it is written in a rim:Value."""
    text = str(value)
    match type_:
        case T.TIME_FROM | T.TIME_TO:
            return DTM.parse(text)
        case T.METADATA_LEVEL:
            return text
        case T.CODE:
            parse_code(text)
        case T.PATIENT_ID:
            CX.parse(text)
        case _:
            pass
    return render_text(text)
