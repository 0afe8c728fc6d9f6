"""Questions: any stored query, with a few of its parameters."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.registry.model.asking import BY_ID, NEEDED, SELECTING
from tests.registry.model.proposing import (
    CODES,
    NOBODY,
    PATIENTS,
    PATTERNS,
    REFERENCES,
    TIMES,
    TITLES,
    UNKNOWN,
    Draw,
    one,
    some,
)
from tests.registry.model.things import DOCUMENT, FOLDER, LINK, RELATIONSHIPS, SET, Model

Slots = dict[str, list[list[str]]]

STATUSES = [
    *(("Approved",), ("Deprecated",), ("Approved", "Deprecated")),
    *(("Approved", "Deprecated"), ("Submitted", "Approved")),
]
BY_DOCUMENT: dict[str, Any] = {
    "$XDSDocumentEntryClassCode": some(CODES, 1),
    "$XDSDocumentEntryEventCodeList": some(CODES, 1),
    "$XDSDocumentEntryAuthorPerson": some(PATTERNS, 1),
    "$XDSDocumentEntryCreationTimeFrom": one(TIMES),
    "$XDSDocumentEntryCreationTimeTo": one(TIMES),
    "$XDSDocumentEntryServiceStartTimeFrom": one(TIMES),
    "$XDSDocumentEntryServiceStartTimeTo": one(TIMES),
}
BY_CONTENT: dict[str, Any] = {
    "$XDSDocumentEntryFormatCode": some(CODES, 1),
    "$XDSDocumentEntryConfidentialityCode": some(CODES, 1),
    "$XDSDocumentEntryType": some(["stable", "on-demand"], 1),
}
BY_AVAILABILITY = {"$XDSDocumentEntryDocumentAvailability": some(["Online", "Offline"], 1)}
BY_REFERENCE = {"$XDSDocumentEntryReferenceIdList": some([*REFERENCES, "4711%", "%referral"], 1)}
LEVEL = {"$MetadataLevel": one(["1", "2", "2"])}
LINK_STATUS = {"$XDSAssociationStatus": st.sampled_from(STATUSES)}
BY_SET: dict[str, Any] = {
    "$XDSSubmissionSetContentType": some(CODES, 1),
    "$XDSSubmissionSetAuthorPerson": one(PATTERNS),
    "$XDSSubmissionSetSubmissionTimeFrom": one(TIMES),
}
EXCLUDABLE = [
    *("ClassCode", "EventCodeList", "AuthorPerson", "FormatCode", "ConfidentialityCode"),
    *("Type", "ReferenceIdList"),
]
REPEATABLE = ("EventCodeList", "ConfidentialityCode", "ReferenceIdList", "FolderCodeList")


def question(draw: Draw, model: Model) -> tuple[str, Slots]:
    """Return a query and what it is asked with; seldom something is missing or too much."""
    name = draw(st.sampled_from(sorted(ASKING)))
    asked = ASKING[name](_Asker(draw, model))
    match draw(st.integers(0, 30)):
        case 29 if name in NEEDED:
            asked.pop(draw(st.sampled_from(NEEDED[name])), None)
        case 29 if name in BY_ID:
            asked = {each: slots for each, slots in asked.items() if each not in SELECTING}
        case 30 if name in BY_ID:
            kind = next(each for each in asked if each in SELECTING).removesuffix("EntryUUID")
            kind = kind.removesuffix("UniqueId").removesuffix("LogicalID")
            asked = {**asked, f"{kind}EntryUUID": [[UNKNOWN]], f"{kind}UniqueId": [["2.25.404"]]}
        case _:
            pass
    return name, asked


class _Asker:
    """Draws parameters; `model` is looked at for ids that exist."""

    def __init__(self, draw: Draw, model: Model) -> None:
        self.draw, self.model = draw, model

    def filters(self, *choices: dict[str, Any]) -> Slots:
        """Return up to two of the filters; some stand twice, and then both must fit."""
        possible = {name: strategy for each in choices for name, strategy in each.items()}
        names = st.lists(st.sampled_from(sorted(possible)), max_size=2, unique=True)
        asked = {}
        for name in self.draw(names):
            slots = 1 + (name.endswith(REPEATABLE) and self.draw(st.booleans()))
            asked[name] = [list(self.draw(possible[name])) for _ in range(slots)]
        return asked

    def patients(self, name: str, *, many: bool = False) -> Slots:
        everyone = [*(each.patient for each in self.model.all(DOCUMENT)), *PATIENTS, NOBODY]
        chosen = some(everyone, 1) if many else one(everyone)
        return {name: [list(self.draw(chosen))]}

    def statuses(self, *kinds: str) -> Slots:
        statuses = st.sampled_from(STATUSES)
        return {f"$XDS{kind}Status": [list(self.draw(statuses))] for kind in kinds}

    def by_id(self, kind: str, *, many: bool, logical: bool = False) -> Slots:
        """Return one of the parameters that pick things, with ids that mostly exist."""
        fields = {"EntryUUID": "id", "UniqueId": "unique_id"}
        if logical:
            fields["LogicalID"] = "logical_id"
        which = self.draw(st.sampled_from(sorted(fields)))
        return {f"$XDS{kind}{which}": [self.ids(fields[which], kind, most=3 if many else 1)]}

    def ids(self, field: str, *kinds: str, most: int = 3) -> list[str]:
        there = [getattr(each, field) for each in self.model.all(*kinds)] or [UNKNOWN]
        return list(
            self.draw(st.lists(st.sampled_from(there), min_size=1, max_size=most, unique=True))
        )

    def related(self) -> Slots:
        types = st.lists(st.sampled_from(sorted(RELATIONSHIPS)), min_size=1, unique=True)
        by_id = self.by_id(DOCUMENT, many=False)
        of_type = {"$XDSDocumentEntryType": BY_CONTENT["$XDSDocumentEntryType"]}
        others = self.filters(of_type, LINK_STATUS, LEVEL)
        return {**by_id, "$AssociationTypes": [self.draw(types)], **others}

    def folder_times(self) -> dict[str, Any]:
        times = sorted({each.updated for each in self.model.all(FOLDER)} | {"2026"})
        name = "$XDSFolderLastUpdateTime"
        return {f"{name}From": one(times), f"{name}To": one(times)}

    def folders(self) -> dict[str, Any]:
        return {"$XDSFolderCodeList": some(CODES, 1), **self.folder_times()}

    def excluding(self) -> Slots:
        asked = self.documents(BY_REFERENCE)
        twin = self.draw(st.sampled_from(EXCLUDABLE))
        name = f"$XDSDocumentEntry{twin}"
        strategy = {**BY_DOCUMENT, **BY_CONTENT, **BY_REFERENCE}[name]
        asked.pop(name, None)
        return {**asked, f"{name}Exclude": [list(self.draw(strategy))]}

    def documents(self, *others: dict[str, Any]) -> Slots:
        return {
            **self.patients("$XDSDocumentEntryPatientId"),
            **self.statuses(DOCUMENT),
            **self.filters(BY_DOCUMENT, BY_CONTENT, BY_AVAILABILITY, LEVEL, *others),
        }

    def documents_of_many(self) -> Slots:
        patients = self.patients("$XDSDocumentEntryPatientId", many=True)
        classes = {"$XDSDocumentEntryClassCode": [list(self.draw(some(CODES, 1)))]}
        either = self.draw(st.sampled_from([patients, classes, {**patients, **classes}]))
        return {**self.filters(BY_DOCUMENT, BY_CONTENT), **self.statuses(DOCUMENT), **either}

    def folders_of_many(self) -> Slots:
        patients = self.patients("$XDSFolderPatientId", many=True)
        codes = {"$XDSFolderCodeList": [list(self.draw(some(CODES, 1)))]}
        either = self.draw(st.sampled_from([patients, codes, {**patients, **codes}]))
        return {**self.filters(self.folder_times()), **self.statuses(FOLDER), **either}

    def reference(self) -> Slots:
        return {name: [list(self.draw(strategy))] for name, strategy in BY_REFERENCE.items()}


ASKING: dict[str, Callable[[_Asker], Slots]] = {
    "FindDocuments": _Asker.documents,
    "FindDocumentsByReferenceId": lambda a: {**a.documents(), **a.reference()},
    "FindDocumentsByTitle": lambda a: {
        **a.documents(),
        "$XDSDocumentEntryTitle": [list(a.draw(some(["Epikrise", "%100 _", TITLES[2]], 1)))],
    },
    "FindDocumentsExclude": _Asker.excluding,
    "FindSubmissionSets": lambda a: {
        **a.patients("$XDSSubmissionSetPatientId"),
        **a.statuses(SET),
        **a.filters(BY_SET),
    },
    "FindFolders": lambda a: {
        **a.patients("$XDSFolderPatientId"),
        **a.statuses(FOLDER),
        **a.filters(a.folders(), LEVEL),
    },
    "GetAll": lambda a: {
        **a.patients("$patientId"),
        **a.statuses(DOCUMENT, SET, FOLDER),
        **a.filters(BY_CONTENT, LINK_STATUS, LEVEL),
    },
    "GetDocuments": lambda a: {
        **a.by_id(DOCUMENT, many=True, logical=True),
        **a.filters(LEVEL),
    },
    "GetFolders": lambda a: {**a.by_id(FOLDER, many=True, logical=True), **a.filters(LEVEL)},
    "GetAssociations": lambda a: {
        "$uuid": [a.ids("id", DOCUMENT, FOLDER, SET, LINK)],
        **a.filters(LINK_STATUS, LEVEL),
    },
    "GetDocumentsAndAssociations": lambda a: {
        **a.by_id(DOCUMENT, many=True),
        **a.filters(LINK_STATUS, LEVEL),
    },
    "GetSubmissionSets": lambda a: {"$uuid": [a.ids("id", DOCUMENT, FOLDER)], **a.filters(LEVEL)},
    "GetSubmissionSetAndContents": lambda a: {
        **a.by_id(SET, many=False),
        **a.filters(BY_CONTENT, LEVEL),
    },
    "GetFolderAndContents": lambda a: {
        **a.by_id(FOLDER, many=False),
        **a.filters(BY_CONTENT, LINK_STATUS, LEVEL),
    },
    "GetFoldersForDocument": lambda a: {
        **a.by_id(DOCUMENT, many=False),
        **a.filters(LINK_STATUS, LEVEL),
    },
    "GetRelatedDocuments": _Asker.related,
    "FindDocumentsForMultiplePatients": _Asker.documents_of_many,
    "FindFoldersForMultiplePatients": _Asker.folders_of_many,
    "FindDocumentsByReferenceIdForMultiplePatients": lambda a: {
        **a.documents_of_many(),
        **a.reference(),
    },
}
"""How each query is asked."""

MULTI_PATIENT = {name for name in ASKING if name.endswith("MultiplePatients")}
"""The queries of ITI-51."""
