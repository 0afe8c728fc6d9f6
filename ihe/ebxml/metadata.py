"""Reads registry objects out of a rim:RegistryObjectList.

Faults of the structure never stop the reading: each is put down with the rule that it breaks
(`Submission.problems`), and as much as can be understood is kept, so that all that is wrong with a
submission is told at once. What the values themselves show (a missing attribute, a wrong time) is
left to `ihe.rules`.

References
----------
ITI TF-3 4.2.1 (containers and their labels), 4.2.3.1.5 (ids), 4.2.3.1.6 (Slots).
"""

from dataclasses import replace
from typing import Any, Final, TypeVar

from lxml.etree import _Element

from ihe.datatypes import HomeCommunityId, is_symbolic, is_uuid_urn
from ihe.ebxml.element import (
    CLASSIFICATION,
    DESCRIPTION,
    EXTERNAL_IDENTIFIER,
    NAME,
    Source,
    local_name,
    named,
    problem,
    tag_of,
    unexpected,
)
from ihe.ebxml.fields import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SHAPES, SUBMISSION_SET, Shape
from ihe.ebxml.places import SCHEMES
from ihe.errors import RegistryError
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

OBJECT_REF: Final = f"{{{RIM}}}ObjectRef"
_EXTRINSIC_OBJECT: Final = f"{{{RIM}}}{DOCUMENT_ENTRY.tag}"
_ASSOCIATION: Final = f"{{{RIM}}}{ASSOCIATION.tag}"
_OBJECTS: Final = frozenset(f"{{{RIM}}}{shape.tag}" for shape in SHAPES.values())
_IDENTIFIED: Final = (*_OBJECTS, CLASSIFICATION, EXTERNAL_IDENTIFIER)
_NODES: Final = frozenset(map(str, Node))
T = TypeVar("T", bound=RegistryObject)


def read_submission(listed: _Element) -> Submission:
    """Read the objects of a submission, with every structural fault.

    ObjectRef elements, which older senders add, say nothing and are passed over.
    """
    problems: list[RegistryError] = []
    _check_ids(listed, problems)
    labels = _sibling_labels(listed, problems)
    found: dict[type, list[Any]] = {kind: [] for kind in SHAPES}
    for number, element in enumerate(listed, 1):
        tag = tag_of(element)
        if tag in _OBJECTS:
            source = _source(element, number, problems)
            source.nodes += labels.pop(source.id, ())
            made = _read(source)
            if made is not None:
                found[type(made)].append(_with_id(made, number))
        elif tag and tag not in {OBJECT_REF, CLASSIFICATION}:
            where = f"RegistryObjectList/{named(element)}"
            problems.append(problem("A2", unexpected(tag), where))
    for classified in labels:
        context = f"found '{classified}', expected the id of a RegistryPackage of the submission"
        where = f"Classification/@classifiedObject[{classified}]"
        problems.append(problem("B18", context, where))
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
            source.nodes += labels.get(source.id, ())
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


# --- one object ----------------------------------------------------------------------------------


def _source(element: _Element, number: int, problems: list[RegistryError]) -> Source:
    name = local_name(element)
    return Source(element, f"{name}[{element.get('id') or number}]", problems)


def _read(source: Source) -> RegistryObject | None:
    """Read the object that `source` is; None when it cannot be told what it is."""
    if source.element.tag == _EXTRINSIC_OBJECT:
        return _make(DOCUMENT_ENTRY, source)
    if source.element.tag == _ASSOCIATION:
        return _make(ASSOCIATION, source)
    is_set, is_folder = Node.SUBMISSION_SET in source.nodes, Node.FOLDER in source.nodes
    if is_set == is_folder:
        labels = "both labels" if is_set else "no label"
        source.report(
            "B2",
            f"found {labels} on a RegistryPackage, expected that of a SubmissionSet"
            f" ({Node.SUBMISSION_SET}) or of a Folder ({Node.FOLDER})",
        )
        return None
    return _make(SUBMISSION_SET, source) if is_set else _make(FOLDER, source)


def _make(shape: Shape[T], source: Source) -> T:
    values = {name: place.take(source) for name, place in shape.places.items()}
    _check_known(source, shape)
    return shape.kind(**values)


def _check_known(source: Source, shape: Shape[Any]) -> None:
    """Report what stands on an object that it does not belong on."""
    for of_scheme in (source.schemes, source.identifiers):
        for scheme in of_scheme:
            if scheme not in shape.schemes:
                _report_scheme(source, scheme, named(of_scheme[scheme][0]))
    for node in source.nodes:
        if node in shape.nodes:
            continue
        if node in _NODES:
            context = f"found the classificationNode {node}, expected it on another kind of object"
            source.report("B19", context)
        else:
            context = f"found the classificationNode '{node}', which is not kept"
            source.report("B19b", f"{context}, expected the Framework's alone")
    if shape is ASSOCIATION and (source.name or source.description):
        for child in source.element:
            if child.tag in {NAME, DESCRIPTION}:
                source.refuse(child)


def _report_scheme(source: Source, scheme: str, where: str) -> None:
    if name := SCHEMES.get(scheme):
        context = f"found the scheme {scheme}, which is {name}, expected it on that kind of object"
        source.report("B19", context, where)
    else:
        context = f"found the scheme '{scheme}', which is not kept, expected the Framework's alone"
        source.report("B19b", context, where)


def _with_id(made: T, number: int) -> T:
    """Give an object without an id a symbolic one, so that the rest can go on."""
    if made.entry_uuid:
        return made
    return replace(made, entry_uuid=f"object-{number}-without-id")


# --- the list ------------------------------------------------------------------------------------


def _sibling_labels(listed: _Element, problems: list[RegistryError]) -> dict[str, list[str]]:
    """Return the classification nodes that stand beside the objects, by the object's id."""
    labels: dict[str, list[str]] = {}
    for element in listed:
        if element.tag != CLASSIFICATION:
            continue
        node, scheme = element.get("classificationNode"), element.get("classificationScheme")
        classified = element.get("classifiedObject", "").strip()
        if not node or scheme:
            found = f"the scheme '{scheme}'" if scheme else "no classificationNode"
            context = f"found {found}, expected a classificationNode alone beside the objects"
            problems.append(problem("B19", context, named(element)))
        elif not classified:
            context = "found no classifiedObject, expected the id of an object"
            problems.append(problem("B18", context, f"{named(element)}/@classifiedObject"))
        else:
            labels.setdefault(classified, []).append(node)
    return labels


def _check_ids(listed: _Element, problems: list[RegistryError]) -> None:
    """Report ids that are missing, and what is wrong with those of helpers (ITI TF-3 4.2.3.1.5).

    Ids of two objects are compared by `ihe.rules`, which sees the objects of every kind of message.
    """
    seen: dict[str, bool] = {}  # whether none but objects have the id
    for element in listed.iter(*_IDENTIFIED):
        own_id = element.get("id", "").strip()
        if not own_id:
            context = f"found no id of this {local_name(element)}, expected one"
            problems.append(problem("A3", context, _place_of(element)))
            continue
        is_object = element.tag in _OBJECTS
        if own_id in seen and not (is_object and seen[own_id]):
            context = f"found the id '{own_id}' more than once, expected one of its own"
            problems.append(problem("A4b", context, _place_of(element)))
        seen[own_id] = is_object and seen.get(own_id, True)
        if not is_object and not is_symbolic(own_id) and not is_uuid_urn(own_id):
            context = f"found '{own_id}', expected urn:uuid: and a UUID in lower case"
            problems.append(problem("A5b", context, _place_of(element)))


def _place_of(element: _Element) -> str:
    """Return where an id stands: a helper is named with its object, which it may share an id of."""
    own, parent = f"{named(element)}/@id", element.getparent()
    if parent is None or tag_of(parent) not in _OBJECTS:
        return own
    return f"{named(parent)}/{own}"
