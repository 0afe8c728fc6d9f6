"""What the machine's steps are made of: few values each, so that things meet again and again."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests import samples
from tests.registry.model.things import (
    APPROVED,
    DOCUMENT,
    FOLDER,
    HAS_MEMBER,
    LINK,
    ORIGINAL,
    SET,
    Model,
    Submission,
    Thing,
)

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

PATIENTS = [f"{number}^^^&2.16.578.1.12.4.1.4.1&ISO" for number in ("P1", "P2", "P3", "P4", "P5")]
NOBODY = "P9^^^&2.16.578.1.12.4.1.4.1&ISO"
CODES = ["A^^1.2.3", "B^^1.2.3", "A^^1.2.4"]
TIMES = ["2004", "200412", "20041224", "20050101120000"]
PERSONS = ["^Ås^Kari", "^O'Brien^Ola", "^As_^Kari"]
PATTERNS = ["%", "^Ås%", "%'%", "^As_^Kari", "_s%", "%kari"]
TITLES = ["Epikrise", "Epikrise 100 %", "Prøvesvar"]
REFERENCES = [
    "4711^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:order",
    "R1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:referral",
]
CONTENTS = ["x", "y", "zz"]
UNKNOWN = samples.uuid(0xFFFF)


def some(values: Sequence[T], least: int = 0) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True).map(tuple)


def one(values: Sequence[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.sampled_from(values).map(lambda value: (value,))


document_says = st.fixed_dictionaries(
    {
        "classCode": one(CODES),
        "formatCode": one(CODES),
        "eventCodeList": some(CODES),
        "confidentialityCode": some(CODES, 1),
        "authorPerson": some(PERSONS),
        "referenceIdList": some(REFERENCES),
        "title": one(TITLES),
        "serviceStartTime": st.sampled_from([(), ("2004",), ("20041224",)]),
        "creationTime": one(TIMES),
        "documentAvailability": st.sampled_from([(), (), ("Online",), ("Offline",)]),
    }
)
set_says = st.fixed_dictionaries(
    {"contentType": one(CODES), "submissionTime": one(TIMES[3:]), "authorPerson": some(PERSONS)}
)
folder_says = st.fixed_dictionaries({"codeList": some(CODES, 1)})


def of_demand(says: dict[str, Any]) -> dict[str, Any]:
    """Return what an on-demand document can say of itself: not when it was made."""
    return {k: v for k, v in says.items() if k not in ("creationTime", "documentAvailability")}


class Numbers:
    """Gives the things of a run their uniqueIds and ids."""

    def __init__(self) -> None:
        self.last = 0

    def unique_id(self) -> str:
        self.last += 1
        return f"2.25.7.{self.last}"

    def id(self, draw: Draw) -> str:
        """Return a UUID that the sender has made, or a symbolic id."""
        self.last += 1
        given = draw(st.booleans())
        return samples.uuid(0x10000 + self.last) if given else f"Symbol{self.last}"


def pick(draw: Draw, things: Sequence[Thing], wanted: Callable[[Thing], bool]) -> str:
    """Return the id of a thing: mostly a wanted one, now and then another, or one of nothing."""
    good = [each.id for each in things if wanted(each)]
    bad = [each.id for each in things if not wanted(each)]
    luck = draw(st.integers(0, 9))
    if luck == 9 or not (good or bad):
        return UNKNOWN
    return str(draw(st.sampled_from(bad if bad and (luck >= 7 or not good) else good)))


def new_set(draw: Draw, numbers: Numbers, patient: str) -> Thing:
    return Thing(
        kind=SET,
        id=numbers.id(draw),
        patient=patient,
        unique_id=numbers.unique_id(),
        says=draw(set_says),
    )


def new_document(
    draw: Draw, numbers: Numbers, model: Model, patient: str, *, on_demand: bool = False
) -> Thing:
    """Return a document: a new one, or one that was registered before under its uniqueId."""
    old = [each for each in model.all(DOCUMENT) if each.on_demand or each.content]
    again = old and draw(st.integers(0, 7)) == 0
    unique_id = draw(st.sampled_from(old)).unique_id if again else numbers.unique_id()
    says = draw(document_says)
    return Thing(
        kind=DOCUMENT,
        id=numbers.id(draw),
        patient=patient,
        unique_id=unique_id,
        says=of_demand(says) if on_demand else says,
        on_demand=on_demand,
        content="" if on_demand else draw(st.sampled_from(CONTENTS)),
    )


def new_folder(draw: Draw, numbers: Numbers, patient: str) -> Thing:
    return Thing(
        kind=FOLDER,
        id=numbers.id(draw),
        patient=patient,
        unique_id=numbers.unique_id(),
        says=draw(folder_says),
    )


def new_link(
    draw: Draw, numbers: Numbers, type: str, ends: tuple[str, str], membership: str = ""
) -> Thing:
    fields: dict[str, Any] = {"type": type, "source": ends[0], "target": ends[1]}
    return Thing(kind=LINK, id=numbers.id(draw), membership=membership, **fields)


def complete(draw: Draw, numbers: Numbers, chosen: Thing, *brings: Thing) -> Submission:
    """Return the submission in which the set holds all that is to be held."""
    held = [
        new_link(
            draw, numbers, HAS_MEMBER, (chosen.id, each.id), ORIGINAL * (each.kind == DOCUMENT)
        )
        for each in brings
        if each.kind != LINK or (each.type == HAS_MEMBER and each.source != chosen.id)
    ]
    return Submission(chosen, (*brings, *held))


def is_good(thing: Thing) -> bool:
    return thing.status == APPROVED
