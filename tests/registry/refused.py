"""What breaks each rule, and how a registry answers it: every negative sample, gathered.

```text
tests/ihe/test_rules.py, …_registered.py, …_norway.py   values      ─▶ ITI-42, ITI-61
tests/ihe/test_rules_reading.py                         XML ─▶ read ─▶ ITI-42
tests/registry/test_iti57_refused.py                    a scene     ─▶ ITI-57
tests/registry/test_iti92.py                            a scene     ─▶ ITI-92
here: patients (F2, N7), removals (H)                               ─▶ ITI-42, ITI-62
```

Each is a good message with one change, sent to the handler that a message from outside comes to.

`python -m tests.registry.refused` writes the listing of all answers anew (tests/golden).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from hub.call import Call
from ihe.messages import RegistryResponse, RemoveObjectsRequest
from ihe.model import ObjectRef, RegistryObject, Submission
from ihe.rules import RULES, Profile, Strictness
from ihe.state import Kind, Record
from registry import iti62
from registry.patients import PatientMode, PatientPolicy
from tests import samples
from tests.ihe import test_rules, test_rules_norway, test_rules_reading, test_rules_registered
from tests.registry import test_iti57_refused, test_iti92, updating
from tests.registry.scene import Scene

LISTING: Final = Path(__file__).resolve().parent.parent / "golden" / "refused.md"
FOR_PRODUCTION: Final = Profile(strictness={"N7": Strictness.REJECT})


Prepared: TypeAlias = tuple[Scene, Callable[[], RegistryResponse]]
"""A registry, and what sends it a message."""


class Sample(NamedTuple):
    """What breaks `rule`, named by its defect; and `also` these, where it cannot be had alone."""

    rule: str
    name: str
    prepare: Callable[[], Prepared]
    also: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        return f"{self.rule} {self.name}"


def gather() -> Iterator[Sample]:
    """Yield every negative sample, sorted as the rules are."""
    found = [*_submissions(), *_updates(), *_patients(), *_removals()]
    yield from sorted(found, key=lambda each: [*RULES].index(each.rule))


def send(scene: Scene, submission: Submission, *, on_demand: bool = False) -> RegistryResponse:
    return scene.send_on_demand(submission) if on_demand else scene.send(submission)


WITH_CONTENT: Final = {"folder of another patient": {"F16c"}}
"""More rules that a submission breaks when the registry is asked too."""


def of_submission(
    submission: Submission, profile: Profile, content: Sequence[RegistryObject] = ()
) -> Callable[[], Prepared]:
    """Return what prepares a registry that holds `content`, and sends it a submission."""

    def prepare() -> Prepared:
        scene = Scene(profile=profile)
        if content:
            scene.add_patients(samples.PATIENT, samples.OTHER_PATIENT)
            scene.store.write(lambda writer: writer.add(content))
        return scene, lambda: send(scene, submission, on_demand=profile.on_demand)

    return prepare


def _submissions() -> Iterator[Sample]:
    for each in test_rules.DEFECTS:
        prepare = of_submission(each.submission, each.profile, test_rules.CONTENT)
        also = test_rules.ALSO.get(each.name, set()) | WITH_CONTENT.get(each.name, set())
        yield Sample(each.rule, each.name, prepare, frozenset(also))
    for read in test_rules_reading.DEFECTS:
        submission = test_rules_reading.read(read.text)
        of_reading = frozenset(test_rules_reading.ALSO.get(read.name, ()))
        yield Sample(read.rule, read.name, of_submission(submission, Profile()), of_reading)
    for registered in test_rules_registered.DEFECTS:
        prepare = of_submission(
            registered.submission, registered.profile, test_rules_registered.CONTENT
        )
        yield Sample(registered.rule, registered.name, prepare)
    for number in test_rules_norway.DEFECTS:
        profile = Profile(strictness={number.rule: Strictness.REJECT})
        yield Sample(number.rule, number.name, of_submission(number.submission, profile))
    of_test_series = of_submission(test_rules_norway.RIGHT, FOR_PRODUCTION)
    yield Sample("N7", "person of a test series", of_test_series)


def _updates() -> Iterator[Sample]:
    for each in test_iti57_refused.DEFECTS:
        also = frozenset(test_iti57_refused.ALSO.get(each.name, ()))
        yield Sample(each.rule, each.name, _of_update(each.make, updating.send, {}), also)
    for restricted in test_iti92.DEFECTS:
        options = {"home_community_id": samples.HOME}
        prepare = _of_update(restricted.make, test_iti92.send, options)
        yield Sample(restricted.rule, f"{restricted.name} (ITI-92)", prepare)


def _of_update(
    make: Callable[[Scene], Submission],
    send_update: Callable[[Scene, Submission], RegistryResponse],
    options: dict[str, Any],
) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        scene = Scene(**options)
        scene.document(1)
        scene.add_patients(samples.OTHER_PATIENT)
        submission = make(scene)
        return scene, lambda: send_update(scene, submission)

    return prepare


def _patients() -> Iterator[Sample]:
    def sent(scene: Scene) -> Prepared:
        return scene, lambda: scene.send(samples.submission())

    def merged() -> Prepared:
        scene = Scene()
        scene.add_patients(samples.PATIENT, samples.OTHER_PATIENT)
        scene.store.write(lambda w: w.merge_patient(samples.PATIENT, samples.OTHER_PATIENT))
        return sent(scene)

    def unknown() -> Prepared:
        return sent(Scene(patients=PatientPolicy(PatientMode.CHECKED)))

    def foreign() -> Prepared:
        return sent(Scene(patients=PatientPolicy(authorities=frozenset({"1.2.3"}))))

    yield Sample("F2", "patient that no feed has made known", unknown)
    yield Sample("F2", "patient that was merged away", merged)
    yield Sample("F2", "patient of an authority that is not taken", foreign)


def _removals() -> Iterator[Sample]:
    def removal(which: Callable[[Scene, Record], str]) -> Callable[[], Prepared]:
        def prepare() -> Prepared:
            scene = Scene()
            scene.document(1)
            (member,) = scene.find(Kind.ASSOCIATION, "target", scene.entry(1).entry_uuid)
            request = RemoveObjectsRequest((ObjectRef(which(scene, member)),))
            call = Call(at=scene.at, trace_id="0" * 32)
            return scene, lambda: iti62.handle(request, call, scene.registry)

        return prepare

    yield Sample("H2", "an id that nothing has", removal(lambda *_: samples.uuid(404)))
    yield Sample(
        "H3", "a document without its membership", removal(lambda s, _: s.entry(1).entry_uuid)
    )
    yield Sample("H4", "the membership without its document", removal(lambda _, m: m.entry_uuid))


# --- the listing ---------------------------------------------------------------------------------


def listing() -> str:
    """Return every answer, as a developer of a sender reads it."""
    lines = [_HEAD]
    told = ""
    for sample in gather():
        rule = RULES[sample.rule]
        if sample.rule != told:
            told = sample.rule
            lines += ["", f"## {rule.id}: {rule.says}", ""]
        _, answer = sample.prepare()
        lines += [f"**{sample.name}**", ""]
        lines += [
            f"- {each.severity.rpartition(':')[2]} `{each.code}` at `{each.location}`:"
            f" {each.context}"
            for each in answer().errors
        ]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


_HEAD: Final = """<!-- Made by `python -m tests.registry.refused`; see tests/golden/README.md. -->

# What is refused, and how

Each negative sample of each rule (docs/rules.md) with the whole answer of a registry to it: the
severity and errorCode, the location and the codeContext of every RegistryError."""


if __name__ == "__main__":
    LISTING.write_text(listing(), encoding="utf-8")
