"""A stored query as it came, made into conditions on registry objects.

```text
AdhocQueryRequest ─▶ literals of each Slot ─▶ typed values ─▶ conditions by kind = StoredQuery
                          │ malformed             │ no code      │ missing, too many, exclusive
                          └──────────── one RegistryError each, all in one XdsFailure
```

Unknown Slots are passed over, as the Framework asks, and named in `StoredQuery.ignored`. A Slot
without any value says nothing and counts as absent; so does an empty text where one is needed.

References
----------
ITI TF-2 3.18.4.1.2.3 (parameters), 3.18.4.1.3 (errors); Metadata Update 3.18.4.1.2.3.5.1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from ihe.datatypes import CX, DTM, MalformedValue
from ihe.errors import ErrorCode, RegistryError, XdsFailure, registry_error
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.model import Slot
from ihe.queries.catalogue import CATALOGUE, QueryDefinition
from ihe.queries.literals import MAX_VALUES, Literal, MalformedLiteral, parse_literals
from ihe.queries.naming import near_misses
from ihe.queries.parameters import Group, Parameter, ParameterType
from ihe.queries.values import (
    CodePair,
    is_pattern,
    parse_association_type,
    parse_code,
    parse_pattern,
    parse_text,
    parse_uuid,
    shown,
)
from ihe.state import AnyCode, AnyOf, Between, Condition, Kind, Like, Newest, Not, any_of
from ihe.vocabulary import DocumentAvailability, DocumentEntryType, Status, StoredQueryId

Value: TypeAlias = str | CodePair
T = ParameterType

MAX_PROBLEMS: Final = 100
"""Problems that one failure lists, so that the answer to nonsense stays small."""
MAX_PATTERNS: Final = 1000
"""Texts in a Slot of which some have wildcards: each is tried on each object."""
MAX_SLOTS: Final = 100
"""Slots of one parameter: each is a condition of its own, joined to the others by AND."""
_MAX_HINTS: Final = 50
"""Unknown Slots that are looked at for a parameter that was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuery:
    """A stored query that can be answered.

    Parameters
    ----------
    definition
        Which query it is.
    return_type
        Whole objects, or references.
    patient_ids
        The patients that it names, 0..*.
    selection
        What picks the objects that it starts from, of the kind `definition.starts_from`; empty
        when `conditions` say it all.
    conditions
        What objects of each kind must meet, ready for `State.find`; those of the metadata level
        are among them.
    metadata_level
        1 or 2 (Metadata Update 3.18.4.1.2.3.5.1).
    ignored
        Names of the Slots that the query does not know.
    """

    definition: QueryDefinition
    return_type: ReturnType
    patient_ids: tuple[CX, ...]
    selection: tuple[Condition, ...]
    conditions: Mapping[Kind, tuple[Condition, ...]]
    metadata_level: int
    ignored: tuple[str, ...]

    def visible(self, kind: Kind) -> tuple[Condition, ...]:
        """Return what the metadata level alone asks of objects of a kind."""
        return _visible(self.definition.id, self.metadata_level, kind)


def parse_query(
    request: AdhocQueryRequest, *, transaction: int, lenient: bool = False
) -> StoredQuery:
    """Return what a request asks for.

    Parameters
    ----------
    transaction
        ITI number of the transaction that carried it: 18, 38 or 51.
    lenient
        Let a code without a coding scheme match any scheme, instead of refusing it.

    Raises
    ------
    XdsFailure
        It cannot be answered; every problem that was found is in it.
    """
    definition = find_definition(request.query_id, transaction)
    parsing = _Parsing(definition, lenient)
    parsing.check_return_type(request.return_type)
    slots: dict[str, list[Slot]] = {}
    for slot in request.parameters:
        slots.setdefault(slot.name, []).append(slot)
    for parameter in definition.parameters:
        if parameter.name in slots:
            parsing.parse(parameter, slots.pop(parameter.name))
    ignored = tuple(slots)
    parsing.check_presence(ignored)
    if parsing.problems:
        raise XdsFailure(_at_most(MAX_PROBLEMS, parsing.problems))
    return _stored_query(parsing, ReturnType(request.return_type), ignored)


def _at_most(most: int, problems: list[RegistryError]) -> list[RegistryError]:
    """Return the problems, or the first of very many and how many were left out."""
    if len(problems) <= most:
        return problems
    rest = f"{len(problems) - most} further problems are left out"
    return [*problems[:most], registry_error(ErrorCode.REGISTRY_ERROR, rest)]


def definition_of(query_id: str) -> QueryDefinition | None:
    """Return the stored query with this id; None for an id that is not known."""
    try:
        return CATALOGUE.get(parse_uuid(query_id))
    except MalformedValue:
        return None


def name_of(query_id: str) -> str | None:
    """Return the Framework's name of a stored query; None for an id that is not known."""
    definition = definition_of(query_id)
    return definition.title if definition else None


def find_definition(query_id: str, transaction: int) -> QueryDefinition:
    """Return the stored query with this id.

    Raises
    ------
    XdsFailure
        XDSUnknownStoredQuery: there is none, or not in this transaction.
    """
    definition = definition_of(query_id)
    if definition is None:
        found = f"there is no stored query with the id '{shown(query_id)}'"
        raise XdsFailure.of(ErrorCode.UNKNOWN_STORED_QUERY, found, "AdhocQuery/@id")
    if transaction not in definition.transactions:
        where = _listed([f"ITI-{number}" for number in definition.transactions], "or")
        found = f"{definition.title} is answered in {where}, this is ITI-{transaction}"
        raise XdsFailure.of(ErrorCode.UNKNOWN_STORED_QUERY, found, "AdhocQuery/@id")
    return definition


# --- parsing the Slots ---------------------------------------------------------------------------


class _Parsing:
    """What is known of a request so far: values by parameter, and problems."""

    def __init__(self, definition: QueryDefinition, lenient: bool) -> None:
        self.definition = definition
        self.problems: list[RegistryError] = []
        self.given: dict[str, list[list[Value]]] = {}  # by name, a list for each Slot
        self._faulty: set[str] = set()
        self._parsers = _LENIENT if lenient else _STRICT

    def problem(self, code: ErrorCode, context: str, name: str) -> None:
        self._faulty.add(name)
        self.problems.append(registry_error(code, context, name))

    def check_return_type(self, return_type: str) -> None:
        if return_type not in tuple(ReturnType):
            expected = " or ".join(ReturnType)
            found = f"returnType is '{shown(return_type)}', expected {expected}"
            self.problem(ErrorCode.REGISTRY_ERROR, found, "ResponseOption/@returnType")

    def parse(self, parameter: Parameter, slots: Sequence[Slot]) -> None:
        """Parse the Slots of one parameter, in order."""
        name, texts = parameter.name, list[str]()
        if len(slots) > MAX_SLOTS:
            found = f"{name} stands in {len(slots)} Slots, at most {MAX_SLOTS} are accepted"
            self.problem(ErrorCode.REGISTRY_ERROR, found, name)
            return
        for number, slot in enumerate(slots, 1):
            where = name if len(slots) == 1 else f"{name}, Slot {number}"
            literals = self._literals(slot, where)
            if parameter.required or parameter.selects:
                # an empty text fills nothing that is needed; elsewhere it is a value that is wrong
                literals = [each for each in literals if each[1].text]
            texts += [literal.text for _, literal in literals]
            if values := self._values(parameter, literals):
                self.given.setdefault(name, []).append(values)
        if len(texts) > 1 and not parameter.many:
            found = f"{name} takes one value, found {len(texts)}"
            self.problem(ErrorCode.STORED_QUERY_PARAM_NUMBER, found, name)
        elif len(slots) > 1 and not parameter.repeatable:
            found = (
                f"{name} stands in {len(slots)} Slots, expected one Slot: "
                "this parameter cannot be combined by AND"
            )
            self.problem(ErrorCode.STORED_QUERY_PARAM_NUMBER, found, name)
        if texts and name not in self.given and name not in self._faulty:
            found = ", ".join(f"'{text}'" for text in texts)
            expected = f"expected {_expected(parameter)}"
            found = f"{name} has no known value: found {shown(found)}, {expected}"
            self.problem(ErrorCode.STORED_QUERY_MISSING_PARAM, found, name)

    def _literals(self, slot: Slot, where: str) -> list[tuple[str, Literal]]:
        """Return the literals of one Slot, each with the Value that it stands in, in words."""
        found: list[tuple[str, Literal]] = []
        as_list: set[bool] = set()
        for number, text in enumerate(slot.values, 1):
            place = where if len(slot.values) == 1 else f"{where}, Value {number}"
            try:
                literals = parse_literals(text)
            except MalformedLiteral as error:
                context = f"{place}, character {error.position}: {error}"
                self.problem(ErrorCode.REGISTRY_ERROR, context, slot.name)
                continue
            found += [(place, each) for each in literals.items]
            if len(found) > MAX_VALUES:
                context = f"{where} has more than {MAX_VALUES} values"
                self.problem(ErrorCode.REGISTRY_ERROR, context, slot.name)
                return []
            if literals.items:
                as_list.add(literals.is_list)
        if len(as_list) > 1:
            context = f"{where}: some Values are lists and some are not, expected all of one form"
            self.problem(ErrorCode.REGISTRY_ERROR, context, slot.name)
        return found

    def _values(self, parameter: Parameter, literals: Sequence[tuple[str, Literal]]) -> list[Value]:
        """Return the values of literals, without those that are faulty or to be passed over."""
        parse, values = self._parsers[parameter.type], list[Value]()
        for place, literal in literals:
            try:
                value = parse(literal.text)
            except MalformedValue as error:
                context = f"{place}, character {literal.position}: {error}"
                self.problem(ErrorCode.REGISTRY_ERROR, context, parameter.name)
                continue
            if value is not None:
                values.append(value)
        self._check_patterns(parameter, values)
        return values

    def _check_patterns(self, parameter: Parameter, values: Sequence[Value]) -> None:
        if parameter.type is not T.PATTERN or len(values) <= MAX_PATTERNS:
            return
        if any(is_pattern(value) for value in values if isinstance(value, str)):
            found = f"{parameter.name} has {len(values)} values and some are patterns"
            expected = f"expected at most {MAX_PATTERNS}, or none with a wildcard (% or _)"
            self.problem(ErrorCode.REGISTRY_ERROR, f"{found}, {expected}", parameter.name)

    def check_presence(self, ignored: Sequence[str]) -> None:
        """Check that what is needed is there, and that what excludes each other is not."""
        for parameter in self.definition.parameters:
            if parameter.required and not self._is_there(parameter.name):
                self._missing(f"{parameter.name} is missing", [parameter.name], ignored)
        for group in self.definition.groups:
            self._check_group(group, ignored)

    def _check_group(self, group: Group, ignored: Sequence[str]) -> None:
        there = [name for name in group.names if self._is_there(name)]
        if len(there) < group.least:
            self._missing(f"one of {_listed(group.names, 'or')} is needed", group.names, ignored)
        elif len(there) > group.most:
            found = f"{_listed(there, 'and')} exclude each other, expected one of them"
            self.problem(ErrorCode.STORED_QUERY_PARAM_NUMBER, found, there[-1])

    def _missing(self, what: str, names: Sequence[str], ignored: Sequence[str]) -> None:
        meant = [hint for name in names for hint in near_misses(name, ignored[:_MAX_HINTS])]
        hint = f"; found instead: {', '.join(dict.fromkeys(meant))}" if meant else ""
        location = names[0] if len(names) == 1 else ""
        self.problem(ErrorCode.STORED_QUERY_MISSING_PARAM, what + hint, location)

    def _is_there(self, name: str) -> bool:
        """Tell whether a parameter was given; one that is faulty was meant to be."""
        return name in self.given or name in self._faulty


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]


# --- values --------------------------------------------------------------------------------------

_Parser: TypeAlias = Callable[[str], Value | None]

_MEMBERS: Final[Mapping[ParameterType, tuple[str, ...]]] = {
    T.STATUS: tuple(Status),
    T.DOCUMENT_ENTRY_TYPE: tuple(DocumentEntryType),
    T.DOCUMENT_AVAILABILITY: tuple(DocumentAvailability),
    T.METADATA_LEVEL: ("1", "2"),
}


def _expected(parameter: Parameter) -> str:
    members = _MEMBERS.get(parameter.type, ())
    return _listed(members, "or") if members else parameter.type.value


def _member(type_: ParameterType) -> _Parser:
    members = _MEMBERS[type_]

    def parse(text: str) -> str:
        if text not in members:
            expected = _listed(members, "or")
            raise MalformedValue(f"found '{shown(text)}', expected {expected}")
        return text

    return parse


def _status(text: str) -> str | None:
    """Return a status; None for one that is not known, to be passed over (3.18.4.1.2.3.6)."""
    return text if text in _MEMBERS[T.STATUS] else None


def _parsers(*, lenient: bool) -> Mapping[ParameterType, _Parser]:
    return {
        T.PATIENT_ID: lambda text: CX.parse(text).canonical,
        T.STATUS: _status,
        T.CODE: lambda text: parse_code(text, lenient=lenient),
        T.TIME_FROM: DTM.parse,
        T.TIME_TO: DTM.parse,
        T.PATTERN: parse_pattern,
        T.TEXT: parse_text,
        T.ENTRY_UUID: parse_uuid,
        T.ASSOCIATION_TYPE: parse_association_type,
        T.DOCUMENT_ENTRY_TYPE: _member(T.DOCUMENT_ENTRY_TYPE),
        T.DOCUMENT_AVAILABILITY: _member(T.DOCUMENT_AVAILABILITY),
        T.METADATA_LEVEL: _member(T.METADATA_LEVEL),
    }


_STRICT: Final = _parsers(lenient=False)
_LENIENT: Final = _parsers(lenient=True)


# --- conditions ----------------------------------------------------------------------------------


def _stored_query(
    parsing: _Parsing, return_type: ReturnType, ignored: tuple[str, ...]
) -> StoredQuery:
    definition, given = parsing.definition, parsing.given
    (level,) = (int(str(v)) for slot in given.get("$MetadataLevel", [["1"]]) for v in slot)
    selection: list[Condition] = []
    conditions = {kind: [*_visible(definition.id, level, kind)] for kind in Kind}
    for parameter in definition.parameters:
        for values in given.get(parameter.name, ()):
            condition = _condition(parameter, values)
            if parameter.selects:
                selection.append(condition)
                continue
            for kind in parameter.restricts:
                conditions[kind].append(condition)
    if _stable_only(definition, given):
        stable = any_of("object_type", DocumentEntryType.STABLE)
        conditions[Kind.DOCUMENT_ENTRY].append(stable)
    patients = [
        CX(v)
        for parameter in definition.parameters
        if parameter.type is T.PATIENT_ID
        for slot in given.get(parameter.name, ())
        for v in slot
    ]
    return StoredQuery(
        definition=definition,
        return_type=return_type,
        patient_ids=tuple(dict.fromkeys(patients)),
        selection=tuple(selection),
        conditions={kind: tuple(each) for kind, each in conditions.items()},
        metadata_level=level,
        ignored=ignored,
    )


def _condition(parameter: Parameter, values: Sequence[Value]) -> Condition:
    """Return the condition of one Slot."""
    texts = [value for value in values if isinstance(value, str)]
    held: AnyOf | AnyCode | Like
    match parameter.type:
        case T.TIME_FROM:
            return Between(parameter.attribute, start=DTM(texts[0]))
        case T.TIME_TO:
            return Between(parameter.attribute, stop=DTM(texts[0]))
        case T.CODE:
            pairs = frozenset(value for value in values if not isinstance(value, str))
            held = AnyCode(parameter.attribute, pairs)
        case T.PATTERN:
            held = Like(parameter.attribute, frozenset(texts))
        case _:
            held = AnyOf(parameter.attribute, frozenset(texts))
    return Not(held) if parameter.excludes else held


def _stable_only(definition: QueryDefinition, given: Mapping[str, object]) -> bool:
    """Tell whether on-demand entries stay out because nobody asked for them (3.18.4.1.2.3.6.2)."""
    about_type = [p.name for p in definition.parameters if p.type is T.DOCUMENT_ENTRY_TYPE]
    return bool(about_type) and not any(name in given for name in about_type)


@cache
def _visible(query_id: StoredQueryId, level: int, kind: Kind) -> tuple[Condition, ...]:
    """Return what a metadata level asks of objects of a kind.

    Level 1, the default, shows consumers that know no Metadata Update what they would see without
    it. It holds in the queries without $MetadataLevel as well.
    """
    if level > 1:
        return ()
    approved = any_of("availability_status", Status.APPROVED)
    match kind:
        case Kind.DOCUMENT_ENTRY:
            online = any_of("document_availability", DocumentAvailability.ONLINE)
            return (Newest(), online)
        case Kind.FOLDER:
            # where $XDSFolderStatus can ask for Deprecated folders, it alone decides
            asked = any(
                parameter.type is T.STATUS and Kind.FOLDER in parameter.restricts
                for parameter in CATALOGUE[query_id].parameters
            )
            return (Newest(),) if asked else (Newest(), approved)
        case Kind.ASSOCIATION:
            return (approved,)
        case Kind.SUBMISSION_SET:
            return ()
