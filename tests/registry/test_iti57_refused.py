"""ITI-57: what an update must not ask for; each defect is told, and nothing changes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from ihe.datatypes import OID, SHA1, Identifier
from ihe.errors import ErrorCode
from ihe.model import (
    Submission,
)
from ihe.state import Kind
from ihe.vocabulary import AssociationType, Severity, Status, SubmissionSetStatus
from tests import samples
from tests.registry.scene import Scene
from tests.registry.updating import (
    NEW,
    NEW_FOLDER,
    in_folder,
    links_to,
    send,
    status_change,
    submitted,
    update,
    version_of,
)

T, E = AssociationType, ErrorCode


class Defect(NamedTuple):
    """An update with one defect; `make` registers beforehand what it is about."""

    rule: str
    name: str
    code: ErrorCode
    make: Callable[[Scene], Submission]


def _folder_version(scene: Scene, **changes: Any) -> Submission:
    folder, membership, _ = in_folder(scene, 5)
    (record,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    if changes.pop("deprecated", False):
        link = status_change(folder, Status.APPROVED, Status.DEPRECATED)
        assert send(scene, update(scene, links=(link,))).ok
    assert membership
    return update(scene, replace(scene.value(record), entry_uuid=NEW_FOLDER, version=None))


def _without_member(scene: Scene) -> Submission:
    return replace(update(scene, version_of(scene, 1)), associations=())


def _by_reference(scene: Scene) -> Submission:
    whole = update(scene, version_of(scene, 1))
    (member,) = whole.associations
    by_reference = replace(member, submission_set_status=SubmissionSetStatus.REFERENCE)
    return replace(whole, associations=(by_reference,))


def _change(**changes: Any) -> Callable[[Scene], Submission]:
    return lambda scene: update(scene, version_of(scene, 1, **changes))


def _status(old: str, new: str, target: str = "") -> Callable[[Scene], Submission]:
    def make(scene: Scene) -> Submission:
        return update(scene, links=(status_change(target or scene.entry(1).entry_uuid, old, new),))

    return make


def _of_set(scene: Scene) -> Submission:
    (member,) = links_to(scene, scene.entry(1).entry_uuid)
    link = status_change(member.entry_uuid, Status.APPROVED, Status.DEPRECATED)
    return update(scene, links=(link,))


def _status_of_the_set(scene: Scene) -> Submission:
    (member,) = links_to(scene, scene.entry(1).entry_uuid)
    return _status(APPROVED, DEPRECATED, str(member.source))(scene)


def _status_left_out(scene: Scene) -> Submission:
    link = status_change(scene.entry(1).entry_uuid, APPROVED, DEPRECATED, original_status=None)
    return update(scene, links=(link,))


def _older(scene: Scene) -> Submission:
    old = scene.entry(1).entry_uuid
    assert send(scene, update(scene, version_of(scene, 1))).ok
    return update(scene, links=(status_change(old, Status.DEPRECATED, Status.APPROVED),))


def _link(source: str, target: str) -> Callable[[Scene], Submission]:
    def make(scene: Scene) -> Submission:
        ids = {"1": scene.entry(1).entry_uuid}
        if "2" in {source, target}:
            ids["2"] = scene.document(2)
        link = samples.relationship(T.XFRM, ids.get(source, source), ids.get(target, target))
        return update(scene, links=submitted(link))

    return make


def _to_deprecated(scene: Scene) -> Submission:
    old = scene.entry(1).entry_uuid
    assert scene.relate(T.RPLC, 2, old).ok
    other = scene.document(3)
    return update(scene, links=submitted(samples.relationship(T.XFRM, other, old)))


def _said_already(scene: Scene) -> Submission:
    assert scene.relate(T.APND, 2, scene.entry(1).entry_uuid).ok
    link = samples.relationship(T.APND, scene.entry(2).entry_uuid, scene.entry(1).entry_uuid)
    return update(scene, links=submitted(link))


def _unsubmitted(scene: Scene) -> Submission:
    link = samples.relationship(T.XFRM, scene.entry(1).entry_uuid, scene.document(2))
    return update(scene, links=(link,))


def _submits_nothing(scene: Scene) -> Submission:
    link = samples.relationship(T.XFRM, NEW, NEW, entry_uuid=samples.uuid(404))
    return update(scene, links=submitted(link)[1:])


def _foreign_link(scene: Scene) -> Submission:
    assert scene.submit(
        samples.entry(2, patient_id=samples.OTHER_PATIENT),
        submission_set=replace(scene.new_set(), patient_id=samples.OTHER_PATIENT),
    ).ok
    link = samples.relationship(T.XFRM, scene.entry(1).entry_uuid, scene.entry(2).entry_uuid)
    return update(scene, links=submitted(link))


def _moved_with_folder(scene: Scene) -> Submission:
    in_folder(scene, 6)
    chosen = replace(scene.new_set(), patient_id=samples.OTHER_PATIENT)
    moved = version_of(scene, 6, patient_id=samples.OTHER_PATIENT)
    return update(scene, moved, submission_set=chosen)


def _two_versions(scene: Scene) -> Submission:
    return update(scene, version_of(scene, 1), version_of(scene, 1, entry_uuid=samples.uuid(7009)))


def _two_statuses(scene: Scene) -> Submission:
    uuid = scene.entry(1).entry_uuid
    link = status_change(uuid, Status.APPROVED, Status.DEPRECATED)
    return update(scene, links=(link, replace(link, entry_uuid="again")))


def _two_memberships(scene: Scene) -> Submission:
    whole = update(scene, version_of(scene, 1))
    first = replace(whole.associations[0], entry_uuid="first", previous_version="7")
    return replace(whole, associations=(first, *whole.associations))


def _set_named_as_a_document(scene: Scene) -> Submission:
    unique_id = OID(str(scene.entry(1).unique_id))
    scene.document(2)
    chosen = replace(scene.new_set(), unique_id=unique_id)
    return update(scene, version_of(scene, 2), submission_set=chosen)


def _said_twice(scene: Scene) -> Submission:
    link = samples.relationship(T.XFRM, scene.entry(1).entry_uuid, scene.document(2))
    again = replace(link, entry_uuid="again")
    return update(scene, links=(*submitted(link), *submitted(again)))


def _disagreeing(scene: Scene) -> Submission:
    assert scene.relate(T.APND, 2, scene.entry(1).entry_uuid).ok
    chosen = scene.new_set()
    other = version_of(scene, 2, entry_uuid=samples.uuid(7003))
    one = update(scene, version_of(scene, 1), propagate="yes", submission_set=chosen)
    two = update(scene, other, propagate="no", submission_set=chosen)
    return replace(
        one,
        entries=(*one.entries, *two.entries),
        associations=(*one.associations, *two.associations),
    )


def _joined_and_updated(end: str, propagate: str, **changes: Any) -> Callable[[Scene], Submission]:
    """Return what joins a document that is updated at once, by its old or its new id."""

    def make(scene: Scene) -> Submission:
        source = {"old": scene.entry(1).entry_uuid, "new": NEW}[end]
        link = samples.relationship(T.XFRM, source, scene.document(2))
        chosen = replace(scene.new_set(), **changes)
        new = version_of(scene, 1, **changes)
        return update(scene, new, propagate=propagate, links=submitted(link), submission_set=chosen)

    return make


def _joined_and_deprecated(scene: Scene) -> Submission:
    link = status_change(scene.entry(1).entry_uuid, APPROVED, DEPRECATED)
    assert send(scene, update(scene, links=(link,))).ok
    return _joined_and_updated("new", "no")(scene)


APPROVED, DEPRECATED = Status.APPROVED, Status.DEPRECATED
DEFECTS = [
    Defect("G1", "no logicalID", E.INVALID_REQUEST, lambda s: update(s, replace(version_of(s, 1), logical_id=None))),
    Defect("G1", "a first version", E.INVALID_REQUEST, lambda s: update(s, replace(version_of(s, 1), logical_id=NEW))),
    Defect("G2", "no membership", E.METADATA_UPDATE_OPERATION, _without_member),
    Defect("G2", "a membership by reference", E.METADATA_UPDATE_OPERATION, _by_reference),
    Defect("G3", "no PreviousVersion", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous=None)),
    Defect("G3", "PreviousVersion is a word", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous="one")),
    Defect("G6", "PreviousVersion of the future", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous="2")),
    Defect("G3", "PreviousVersion without end", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous="9" * 5000)),
    Defect("G4", "unknown logical object", E.UNRESOLVED_REFERENCE, lambda s: update(s, replace(version_of(s, 1), logical_id=samples.uuid(404)))),
    Defect("G5", "another uniqueId", E.METADATA_IDENTIFIER, _change(unique_id=Identifier("2.25.4"))),
    Defect("G5", "another objectType", E.METADATA_IDENTIFIER, _change(object_type=samples.on_demand_entry(1).object_type)),
    Defect("F5", "other content", E.NON_IDENTICAL_HASH, _change(hash=SHA1("0" * 40))),
    Defect("C1", "an attribute is missing", E.REGISTRY_METADATA, _change(class_code=None)),
    Defect("G9", "propagation maybe", E.METADATA_UPDATE_OPERATION, lambda s: update(s, version_of(s, 1), propagate="maybe")),
    Defect("G15", "two versions at once", E.METADATA_UPDATE_OPERATION, _two_versions),
    Defect("G8", "a Deprecated folder", E.METADATA_UPDATE, lambda s: _folder_version(s, deprecated=True)),
    Defect("G10", "a status that is none", E.METADATA_UPDATE_OPERATION, _status(APPROVED, "Blocked")),
    Defect("G10", "no change of status", E.METADATA_UPDATE_OPERATION, _status(APPROVED, APPROVED)),
    Defect("G10", "status of nothing", E.METADATA_UPDATE_OPERATION, _status(APPROVED, DEPRECATED, samples.uuid(404))),
    Defect("G10", "status of a set", E.METADATA_UPDATE_OPERATION, _status_of_the_set),
    Defect("G10", "no OriginalStatus", E.METADATA_UPDATE_OPERATION, _status_left_out),
    Defect("G11", "another status now", E.METADATA_UPDATE, _status(DEPRECATED, APPROVED)),
    Defect("G15", "two statuses at once", E.METADATA_UPDATE_OPERATION, _two_statuses),
    Defect("G13", "status of a membership in a set", E.METADATA_UPDATE, _of_set),
    Defect("G12", "status of an older version", E.METADATA_UPDATE, _older),
    Defect("G14", "an association that nothing submits", E.METADATA_UPDATE_OPERATION, _unsubmitted),
    Defect("G14", "a trigger that submits nothing", E.METADATA_UPDATE_OPERATION, _submits_nothing),
    Defect("G14", "nothing at all", E.METADATA_UPDATE_OPERATION, update),
    Defect("G14b", "an association to nothing", E.UNRESOLVED_REFERENCE, _link("1", samples.uuid(404))),
    Defect("G14c", "an association to a Deprecated document", E.METADATA_UPDATE, _to_deprecated),
    Defect("G14c", "an association that is there already", E.METADATA_UPDATE, _said_already),
    Defect("G14c", "an association that is there twice", E.METADATA_UPDATE, _said_twice),
    Defect("G14", "two memberships", E.METADATA_UPDATE_OPERATION, _two_memberships),
    Defect("F4", "a set named as a document", E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, _set_named_as_a_document),
    Defect("G9c", "joined updates that disagree", E.METADATA_UPDATE_OPERATION, _disagreeing),
    Defect("G14d", "an association to what is carried over", E.METADATA_UPDATE_OPERATION, _joined_and_updated("new", "yes")),
    Defect("G14d", "an association of what is carried over", E.METADATA_UPDATE_OPERATION, _joined_and_updated("old", "yes")),
    Defect("G14c", "an association of an old version", E.METADATA_UPDATE, _joined_and_updated("old", "no")),
    Defect("G14c", "an association of a Deprecated version", E.METADATA_UPDATE, _joined_and_deprecated),
    Defect("G16", "an association of what moves away", E.PATIENT_ID_RECONCILIATION, _joined_and_updated("new", "no", patient_id=samples.OTHER_PATIENT)),
    Defect("G16", "an association between patients", E.PATIENT_ID_RECONCILIATION, _foreign_link),
    Defect("G16", "a patient other than the set's", E.PATIENT_ID_RECONCILIATION, _change(patient_id=samples.OTHER_PATIENT)),
    Defect("G16", "away from the patient of its folder", E.PATIENT_ID_RECONCILIATION, _moved_with_folder),
]  # fmt: skip  # one defect a line

ALSO = {
    "PreviousVersion without end": {"A2b"},
    "two versions at once": {"F3"},
    "two memberships": {"G6"},
}
"""More rules that a defect breaks, where it cannot be had alone."""


@pytest.mark.parametrize("defect", DEFECTS, ids=[each.name for each in DEFECTS])
def test_what_is_wrong_is_told_and_nothing_changes(scene: Scene, defect: Defect) -> None:
    scene.document(1)
    scene.add_patients(samples.OTHER_PATIENT)
    submission = defect.make(scene)
    before = scene.everything()
    response = send(scene, submission)
    assert (defect.rule, defect.code) in {(e.rule, e.code) for e in response.errors}
    assert {e.rule for e in response.errors} - {defect.rule} == ALSO.get(defect.name, set())
    for error in response.errors:
        assert error.severity == Severity.ERROR
        assert "expected" in error.context
    assert scene.everything() == before
