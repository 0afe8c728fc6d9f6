"""Reads registry objects out of a rim:RegistryObjectList.

Faults of the structure never stop the reading: each is put down with the rule that it breaks
(`Submission.problems`), and as much as can be understood is kept, so that all that is wrong with a
submission is told at once.

References
----------
ITI TF-3 4.2.1 (containers and their labels), 4.2.3.1.5 (ids), 4.2.3.1.6 (Slots).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

from lxml.etree import _Element

from ihe.datatypes import HomeCommunityId, is_symbolic, is_uuid_urn
from ihe.ebxml import fields
from ihe.ebxml.element import (
    CLASSIFICATION,
    EXTERNAL_IDENTIFIER,
    Source,
    local_name,
    tag_of,
)
from ihe.ebxml.fields import Table, known_schemes
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.model import (
    Association,
    DocumentEntry,
    Folder,
    ObjectRef,
    RegistryObject,
    Submission,
    SubmissionSet,
)
from ihe.vocabulary import RIM, Node

EXTRINSIC_OBJECT: Final = f"{{{RIM}}}ExtrinsicObject"
REGISTRY_PACKAGE: Final = f"{{{RIM}}}RegistryPackage"
ASSOCIATION: Final = f"{{{RIM}}}Association"
OBJECT_REF: Final = f"{{{RIM}}}ObjectRef"
_OBJECTS: Final = frozenset({EXTRINSIC_OBJECT, REGISTRY_PACKAGE, ASSOCIATION})
_IDENTIFIED: Final = (*_OBJECTS, CLASSIFICATION, EXTERNAL_IDENTIFIER)
_SCHEMES: Final = {
    id(table): known_schemes(table)
    for table in (
        fields.DOCUMENT_ENTRY,
        fields.SUBMISSION_SET,
        fields.FOLDER,
        fields.ASSOCIATION,
    )
}
_NODES: Final[dict[type, frozenset[str]]] = {
    DocumentEntry: frozenset({Node.LIMITED_DOCUMENT_ENTRY}),
    SubmissionSet: frozenset({Node.SUBMISSION_SET, Node.LIMITED_SUBMISSION_SET}),
    Folder: frozenset({Node.FOLDER, Node.LIMITED_FOLDER}),
    Association: frozenset(),
}
T = TypeVar("T", bound=RegistryObject)


def read_submission(listed: _Element) -> Submission:
    """Read the objects of a submission, with every structural fault.

    ObjectRef elements, which older senders add, say nothing and are passed over.
    """
    problems: list[RegistryError] = []
    _check_ids(listed, problems)
    labels = _sibling_labels(listed, problems)
    found: dict[type, list[Any]] = {
        DocumentEntry: [],
        SubmissionSet: [],
        Folder: [],
        Association: [],
    }
    for number, element in enumerate(listed, 1):
        tag = tag_of(element)
        if tag in _OBJECTS:
            source = _source(element, number, problems)
            own_id = element.get("id", "")
            source.nodes += labels.pop(own_id, ())
            made = _read(source)
            if made is not None:
                found[type(made)].append(_with_id(made, number))
        elif tag and tag not in {OBJECT_REF, CLASSIFICATION}:
            problems.append(_problem("A2", f"{tag} is not expected here", "RegistryObjectList"))
    for classified in labels:
        context = f"the Classification is about '{classified}', an object of it is expected"
        problems.append(_problem("B18", context, f"Classification/@classifiedObject[{classified}]"))
    return Submission(
        submission_sets=tuple(found[SubmissionSet]),
        entries=tuple(found[DocumentEntry]),
        folders=tuple(found[Folder]),
        associations=tuple(found[Association]),
        problems=tuple(problems),
    )


def read_found(listed: _Element) -> tuple[RegistryObject | ObjectRef, ...]:
    """Read the objects of a query's answer, in their order; what cannot be read is left out.

    A partner's answer is taken as it is: its structural faults are the partner's own.
    """
    labels = _sibling_labels(listed, [])
    found: list[RegistryObject | ObjectRef] = []
    for number, element in enumerate(listed, 1):
        if element.tag == OBJECT_REF:
            found.append(read_object_ref(element))
        elif tag_of(element) in _OBJECTS:
            source = _source(element, number, [])
            source.nodes += labels.get(element.get("id", ""), ())
            if (made := _read(source)) is not None:
                found.append(made)
    return tuple(found)


def read_object(element: _Element) -> RegistryObject:
    """Read one object that the hub itself has written; raise `ValueError` when it is none."""
    made = _read(_source(element, 1, [])) if tag_of(element) in _OBJECTS else None
    if made is None:
        raise ValueError(f"{tag_of(element)} is no registry object")
    return made


def read_object_ref(element: _Element) -> ObjectRef:
    """Read a rim:ObjectRef."""
    home = element.get("home", "").strip()
    return ObjectRef(element.get("id", "").strip(), HomeCommunityId(home) if home else None)


def _source(element: _Element, number: int, problems: list[RegistryError]) -> Source:
    name = local_name(element)
    return Source(element, f"{name}[{element.get('id') or number}]", problems)


def _read(source: Source) -> RegistryObject | None:
    """Read the object that `source` is; None when it cannot be told what it is."""
    if source.element.tag == EXTRINSIC_OBJECT:
        return _make(DocumentEntry, fields.DOCUMENT_ENTRY, source)
    if source.element.tag == ASSOCIATION:
        return _make(Association, fields.ASSOCIATION, source)
    is_set, is_folder = Node.SUBMISSION_SET in source.nodes, Node.FOLDER in source.nodes
    if is_set == is_folder:
        labels = "both labels" if is_set else "no label"
        source.report(
            "B2",
            f"the RegistryPackage has {labels}, expected that of a SubmissionSet"
            f" ({Node.SUBMISSION_SET}) or of a Folder ({Node.FOLDER})",
        )
        return None
    if is_set:
        return _make(SubmissionSet, fields.SUBMISSION_SET, source)
    return _make(Folder, fields.FOLDER, source)


def _make(kind: type[T], table: Table, source: Source) -> T:
    values = {name: place.take(source) for name, place in table.items()}
    _check_known(source, _SCHEMES[id(table)], _NODES[kind])
    return kind(**values)


def _check_known(source: Source, schemes: frozenset[str], nodes: frozenset[str]) -> None:
    """Report Classifications and ExternalIdentifiers that do not belong on the object."""
    kind = local_name(source.element)
    for scheme in (*source.schemes, *source.identifiers):
        if scheme in schemes:
            continue
        if name := fields.SCHEMES.get(scheme):
            context = f"the scheme {scheme} is expected on {name}, found on this {kind}"
            source.report("B19", context)
        else:
            source.report("B19b", f"the scheme {scheme} is not expected and not kept")
    for node in source.nodes:
        if node in nodes:
            continue
        if node in set(Node):
            source.report("B19", f"the classificationNode {node} is not expected on this {kind}")
        else:
            source.report("B19b", f"the classificationNode {node} is not expected and not kept")


def _with_id(made: T, number: int) -> T:
    """Give an object without an id a symbolic one, so that the rest can go on."""
    if made.entry_uuid:
        return made
    return replace(made, entry_uuid=f"object-{number}-without-id")


def _sibling_labels(listed: _Element, problems: list[RegistryError]) -> dict[str, list[str]]:
    """Return the classification nodes that stand beside the objects, by the object's id."""
    labels: dict[str, list[str]] = {}
    for element in listed.iterchildren(CLASSIFICATION):
        node = element.get("classificationNode")
        if node is None:
            where = f"Classification[{element.get('id', '')}]"
            context = "a Classification beside the objects has a classificationNode; none found"
            problems.append(_problem("B19", context, where))
        else:
            labels.setdefault(element.get("classifiedObject", ""), []).append(node)
    return labels


def _check_ids(listed: _Element, problems: list[RegistryError]) -> None:
    """Report ids that are missing, and what is wrong with those of helpers (ITI TF-3 4.2.3.1.5).

    Ids of two objects are compared by `ihe.rules`, which sees the objects of every kind of message.
    """
    seen: dict[str, bool] = {}  # whether none but objects have the id
    for element in _identified(listed):
        own_id = element.get("id")
        name = local_name(element)
        where = f"{name}[{own_id or ''}]/@id"
        if not own_id:
            problems.append(_problem("A3", f"{name} has no id, one is expected", where))
            continue
        is_object = element.tag in _OBJECTS
        if own_id in seen and not (is_object and seen[own_id]):
            context = f"the id '{own_id}' is used more than once, one of its own is expected"
            problems.append(_problem("A4b", context, where))
        seen[own_id] = is_object and seen.get(own_id, True)
        if not is_object and not is_symbolic(own_id) and not is_uuid_urn(own_id):
            context = f"found '{own_id}', expected urn:uuid: and a UUID in lower case"
            problems.append(_problem("A5b", context, where))


def _identified(listed: _Element) -> Iterator[_Element]:
    return listed.iter(*_IDENTIFIED)


def _problem(rule: str, context: str, location: str) -> RegistryError:
    return registry_error(ErrorCode.REGISTRY_METADATA, context, location, rule=rule)
