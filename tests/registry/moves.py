"""What one of two rivals does: a step on a registry that holds document 1 in folder 1."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from hub.call import Call
from ihe.datatypes import CX, OID, SHA1
from ihe.errors import ErrorCode, registry_error
from ihe.messages import RegistryResponse, RemoveObjectsRequest, SubmitObjectsRequest
from ihe.model import ObjectRef
from ihe.state import Kind, Record
from ihe.vocabulary import AssociationType, Status, SubmissionSetStatus
from registry import iti62, iti92
from registry.identities import NotMerged, merge_ids
from tests import samples
from tests.registry import updating
from tests.registry.scene import Scene
from tests.registry.updating import at_home, status_change, update, version_of

Step: TypeAlias = Callable[[Scene], RegistryResponse]


def relates(kind: AssociationType, number: int) -> Step:
    """Register a document in a relationship to document 1."""
    return lambda scene: scene.relate(kind, number, scene.entry(1).entry_uuid)


def registers(
    number: int = 2, *, content: str = "", chosen: str = "", patient: CX = samples.PATIENT
) -> Step:
    """Register a document; of this content, or in a set of this uniqueId, if given."""

    def step(scene: Scene) -> RegistryResponse:
        entry = samples.entry(number, patient_id=patient)
        if content:
            entry = replace(entry, hash=SHA1(content * 40))
        one = replace(scene.new_set(), patient_id=patient)
        if chosen:
            one = replace(one, unique_id=OID(chosen))
        return scene.submit(entry, submission_set=one)

    return step


def refers(number: int) -> Step:
    """Register a document, with a reference to document 1 in its set."""

    def step(scene: Scene) -> RegistryResponse:
        chosen = scene.new_set()
        reference = samples.member(
            chosen.entry_uuid,
            scene.entry(1).entry_uuid,
            submission_set_status=SubmissionSetStatus.REFERENCE,
        )
        return scene.submit(samples.entry(number), submission_set=chosen, links=(reference,))

    return step


def files(number: int) -> Step:
    """Register a document in folder 1, by a set that refers to the membership."""

    def step(scene: Scene) -> RegistryResponse:
        entry, chosen = samples.entry(number), scene.new_set()
        inside = samples.member(
            folder_of(scene), entry.entry_uuid, entry_uuid="inside", submission_set_status=None
        )
        of_set = samples.member(chosen.entry_uuid, inside.entry_uuid, submission_set_status=None)
        return scene.submit(entry, submission_set=chosen, links=(inside, of_set))

    return step


def updates(number: int) -> Step:
    """Give document 1 a new version, as ITI-57 does."""

    def step(scene: Scene) -> RegistryResponse:
        new = version_of(scene, 1, entry_uuid=samples.uuid(number))
        return updating.send(scene, update(scene, new))

    return step


def updates_again(scene: Scene) -> RegistryResponse:
    """Give document 1 its third version."""
    new = version_of(scene, 1, of=versions_of(scene)[-1], entry_uuid=samples.uuid(73))
    return updating.send(scene, update(scene, new, previous="2"))


def updates_restricted(number: int) -> Step:
    """Give document 1 a new version, as ITI-92 does."""

    def step(scene: Scene) -> RegistryResponse:
        new = version_of(scene, 1, entry_uuid=samples.uuid(number))
        request = SubmitObjectsRequest(at_home(update(scene, new)))
        return iti92.handle(request, call(scene), scene.registry)

    return step


def deprecates(scene: Scene) -> RegistryResponse:
    """Set document 1 Deprecated."""
    link = status_change(scene.entry(1).entry_uuid, Status.APPROVED, Status.DEPRECATED)
    return updating.send(scene, update(scene, links=(link,)))


def removes_all(scene: Scene) -> RegistryResponse:
    """Remove everything that there was beforehand."""
    request = RemoveObjectsRequest(tuple(ObjectRef(each.entry_uuid) for each in scene.everything()))
    return iti62.handle(request, call(scene), scene.registry)


def removes_newest(scene: Scene) -> RegistryResponse:
    """Remove the newest version of document 1, with what leads to it."""
    return removes(scene, versions_of(scene)[-1].entry_uuid)


def removes_from_set(number: int) -> Step:
    """Remove the membership of document 1 in one of the two sets that it is in."""

    def step(scene: Scene) -> RegistryResponse:
        links = scene.find(Kind.ASSOCIATION, "target", scene.entry(1).entry_uuid)
        of_sets = [each for each in links if each.source != folder_of(scene)]
        return removes(scene, of_sets[number].entry_uuid)

    return step


def removes_folder(scene: Scene) -> RegistryResponse:
    """Remove folder 1 and its memberships, and leave document 1."""
    return removes(scene, folder_of(scene))


def removes(scene: Scene, entry_uuid: str) -> RegistryResponse:
    """Remove an object with the associations that touch it, and those that lead to these."""
    from_it = {each.entry_uuid for each in scene.find(Kind.ASSOCIATION, "source", entry_uuid)}
    to_it = {each.entry_uuid for each in scene.find(Kind.ASSOCIATION, "target", entry_uuid)}
    gone = {entry_uuid} | from_it | to_it
    gone |= {each.entry_uuid for each in scene.find(Kind.ASSOCIATION, "target", *gone)}
    request = RemoveObjectsRequest(tuple(map(ObjectRef, sorted(gone))))
    return iti62.handle(request, call(scene), scene.registry)


def merges(scene: Scene) -> RegistryResponse:
    """Merge the patient of document 1 into the other."""
    return _merged(scene, subsumed=0)


def merges_back(scene: Scene) -> RegistryResponse:
    """Merge the other patient into that of document 1."""
    return _merged(scene, subsumed=1)


def _merged(scene: Scene, subsumed: int) -> RegistryResponse:
    ids = samples.PATIENT, samples.OTHER_PATIENT
    try:
        merge_ids(ids[subsumed], ids[1 - subsumed], scene.registry.store)
    except NotMerged as problem:
        return RegistryResponse.of([registry_error(ErrorCode.UNKNOWN_PATIENT_ID, str(problem))])
    return RegistryResponse.of([])


def call(scene: Scene) -> Call:
    return Call(at=scene.at, trace_id="0" * 32)


def versions_of(scene: Scene) -> list[Record]:
    """Return the versions of document 1."""
    found = scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.1")
    return sorted(found, key=lambda each: each.version)


def folder_of(scene: Scene) -> str:
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    return folder.entry_uuid
