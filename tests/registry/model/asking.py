"""The stored queries of ITI-18 and ITI-51, by looking at everything there is.

```text
asked    {"$XDSDocumentEntryStatus": [["Approved", "Deprecated"]], …}
          name of the parameter       one list for each Slot: one of its values must fit
```

A parameter restricts the kind of thing that its name begins with. Those of `SELECTING` say which
things a query starts from, and do not restrict what it finds on the way.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from tests.registry.model.things import (
    APPROVED,
    DEPRECATED,
    DOCUMENT,
    FOLDER,
    HAS_MEMBER,
    LINK,
    SET,
    Model,
    Thing,
)

Asked = Mapping[str, list[list[str]]]

PREFIXES = {
    "$XDSDocumentEntry": DOCUMENT,
    "$XDSSubmissionSet": SET,
    "$XDSFolder": FOLDER,
    "$XDSAssociation": LINK,
}
TYPE = "$XDSDocumentEntryType"
LEVEL = "$MetadataLevel"
IDS = ("EntryUUID", "UniqueId", "LogicalID")
SELECTING = {"$uuid", *(prefix + each for prefix in PREFIXES for each in IDS)}
WITHOUT_TYPE = {"GetDocuments", "GetDocumentsAndAssociations", "GetFoldersForDocument"}
BY_UUID = {"GetAssociations", "GetSubmissionSets"}
BY_ID = {
    *("GetDocuments", "GetFolders", "GetDocumentsAndAssociations", "GetSubmissionSetAndContents"),
    *("GetFolderAndContents", "GetFoldersForDocument", "GetRelatedDocuments"),
}
OF_PATIENT = ("$XDSDocumentEntryPatientId", "$XDSDocumentEntryStatus")
NEEDED = {
    "FindDocuments": OF_PATIENT,
    "FindDocumentsExclude": OF_PATIENT,
    "FindDocumentsByReferenceId": (*OF_PATIENT, "$XDSDocumentEntryReferenceIdList"),
    "FindDocumentsByTitle": (*OF_PATIENT, "$XDSDocumentEntryTitle"),
    "FindSubmissionSets": ("$XDSSubmissionSetPatientId", "$XDSSubmissionSetStatus"),
    "FindFolders": ("$XDSFolderPatientId", "$XDSFolderStatus"),
    "GetAll": ("$patientId", *(f"$XDS{each}Status" for each in (DOCUMENT, SET, FOLDER))),
    "GetRelatedDocuments": ("$AssociationTypes",),
    "FindDocumentsForMultiplePatients": ("$XDSDocumentEntryStatus",),
    "FindFoldersForMultiplePatients": ("$XDSFolderStatus",),
    "FindDocumentsByReferenceIdForMultiplePatients": (
        "$XDSDocumentEntryStatus",
        "$XDSDocumentEntryReferenceIdList",
    ),
}
"""What queries cannot be asked without; those of `BY_ID` need one of their ids, and no two."""
OWN_FOLDER_STATUS = {"FindFolders", "GetAll", "FindFoldersForMultiplePatients"}


def answer(model: Model, query: str, asked: Asked) -> list[Thing]:
    """Return what a query finds, each thing once."""
    return list({each.id: each for each in _Question(model, query, asked).find()}.values())


def refusals(model: Model, query: str, asked: Asked) -> set[str]:
    """Return the error codes of a question: first those of its form, then of its patients."""
    ids = [name for name in asked if name in SELECTING]
    needed = [*NEEDED.get(query, ()), *(("$uuid",) if query in BY_UUID else ())]
    if any(not _has_value(name, asked) for name in needed) or (query in BY_ID and not ids):
        return {"XDSStoredQueryMissingParam"}
    if len(ids) > 1:
        return {"XDSStoredQueryParamNumber"}
    patients = {
        id
        for name, slots in asked.items()
        if name.lower().endswith("patientid")
        for values in slots
        for id in values
    }
    unknown = any(model.patients.get(each, "unknown") is not None for each in patients)
    return {"XDSUnknownPatientId"} if unknown and model.refuses_unknown else set()


def _has_value(name: str, asked: Asked) -> bool:
    """Tell whether a parameter says something; a status that is none is passed over."""
    values = [value for slots in asked.get(name, []) for value in slots]
    return any(each in (APPROVED, DEPRECATED) or not name.endswith("Status") for each in values)


def several_patients(found: Iterable[Thing]) -> bool:
    """Tell whether an answer must not show whole objects (but in ITI-51)."""
    return len({each.patient for each in found if each.kind != LINK}) > 1


class _Question:
    def __init__(self, model: Model, query: str, asked: Asked) -> None:
        self.model, self.query, self.asked = model, query, asked

    def find(self) -> Iterator[Thing]:
        match self.query:
            case "FindSubmissionSets":
                yield from self.those(SET)
            case "FindFolders" | "FindFoldersForMultiplePatients":
                yield from self.those(FOLDER)
            case "GetFolders" | "GetDocuments":
                yield from self.selected(FOLDER if self.query == "GetFolders" else DOCUMENT)
            case "GetAll":
                found = self.those(DOCUMENT, SET, FOLDER)
                yield from found
                yield from self.touching(found)
            case "GetAssociations":
                ids = self.asked["$uuid"][0]
                yield from (
                    each for each in self.those(LINK) if {each.source, each.target} & {*ids}
                )
            case "GetDocumentsAndAssociations":
                yield from self.selected(DOCUMENT)
                yield from self.touching(self.selected(DOCUMENT))
            case "GetSubmissionSets":
                yield from self.submission_sets()
            case "GetSubmissionSetAndContents":
                yield from self.submission_set_and_contents()
            case "GetFolderAndContents":
                yield from self.folder_and_contents()
            case "GetFoldersForDocument":
                memberships = self.members(target=self.selected(DOCUMENT))
                folders = {each.source for each in memberships}
                yield from (each for each in self.those(FOLDER) if each.id in folders)
            case "GetRelatedDocuments":
                yield from self.related_documents()
            case _:  # FindDocuments and its kin
                yield from self.those(DOCUMENT)

    # --- queries that follow links -----------------------------------------------------------

    def submission_sets(self) -> Iterator[Thing]:
        """The sets that hold the given things, and these memberships."""
        sets = {each.id for each in self.those(SET)}
        for link in self.those(LINK):
            asked_for = link.type == HAS_MEMBER and link.target in self.asked["$uuid"][0]
            if asked_for and link.source in sets:
                yield link
                yield self.model.things[link.source]

    def submission_set_and_contents(self) -> Iterator[Thing]:
        """A set and what it holds; of links, those with both ends in the answer."""
        sets = self.selected(SET)
        holding = self.members(source=sets)
        held = {each.target for each in holding}
        found = [each for each in self.those(DOCUMENT, FOLDER) if each.id in held]
        objects = {each.id for each in (*sets, *found)}
        inner = [
            each
            for each in self.those(LINK)
            if each.id in held and {each.source, each.target} <= objects
        ]
        shown = {each.id for each in (*found, *inner)}
        yield from (*sets, *found, *inner)
        yield from (each for each in holding if each.target in shown)

    def folder_and_contents(self) -> Iterator[Thing]:
        folders = self.selected(FOLDER)
        memberships = self.members(source=folders)
        held = {each.target for each in memberships}
        documents = {each.id: each for each in self.those(DOCUMENT) if each.id in held}
        yield from (*folders, *documents.values())
        yield from (each for each in memberships if each.target in documents)

    def related_documents(self) -> Iterator[Thing]:
        """The links of the given types between the given document and others, and both ends."""
        given = {each.id: each for each in self.selected(DOCUMENT)}
        others = {each.id: each for each in self.those(DOCUMENT)} | given
        for link in self.those(LINK):
            ends = {link.source, link.target}
            of_type = link.type in self.asked["$AssociationTypes"][0]
            if of_type and ends & given.keys() and ends <= others.keys():
                yield link
                yield from (others[each] for each in ends)

    # --- parts -------------------------------------------------------------------------------

    def those(self, *kinds: str) -> list[Thing]:
        """Return the things that the query may see and that fit its parameters."""
        return [
            each for each in self.model.all(*kinds) if self.is_visible(each) and self.fits(each)
        ]

    def selected(self, kind: str) -> list[Thing]:
        """Return the things that the query starts from."""
        (name,) = (each for each in self.asked if each in SELECTING)
        attribute = {"EntryUUID": "id", "UniqueId": "unique_id", "LogicalID": "logical_id"}
        field = next(attribute[each] for each in IDS if name.endswith(each))
        chosen = [
            each
            for each in self.model.all(kind)
            if getattr(each, field) in self.asked[name][0] and self.is_visible(each)
        ]
        related = self.query == "GetRelatedDocuments"  # whose filters are about the others
        return [each for each in chosen if related or self.fits(each)]

    def members(
        self, *, source: list[Thing] | None = None, target: list[Thing] | None = None
    ) -> list[Thing]:
        sources = {each.id for each in source or ()}
        targets = {each.id for each in target or ()}
        return [
            each
            for each in self.those(LINK)
            if each.type == HAS_MEMBER and (each.source in sources or each.target in targets)
        ]

    def touching(self, found: list[Thing]) -> list[Thing]:
        ids = {each.id for each in found}
        return [each for each in self.those(LINK) if ids & {each.source, each.target}]

    def is_visible(self, thing: Thing) -> bool:
        """At level 1 nothing shows that a consumer without Metadata Update would not expect."""
        if self.asked.get(LEVEL) == [["2"]]:
            return True
        match thing.kind:
            case "DocumentEntry":
                offline = thing.says.get("documentAvailability") == ("Offline",)
                return self.model.is_newest(thing) and not offline
            case "Folder":
                shown = thing.status == APPROVED or self.query in OWN_FOLDER_STATUS
                return self.model.is_newest(thing) and shown
            case "Association":
                return thing.status == APPROVED
            case _:
                return True

    def fits(self, thing: Thing) -> bool:
        says_type = bool({TYPE, f"{TYPE}Exclude"} & self.asked.keys())
        if thing.on_demand and not says_type and self.query not in WITHOUT_TYPE:
            return False  # who wants on-demand documents says so
        return all(
            _meets(thing, name, values)
            for name, slots in self.asked.items()
            if name not in SELECTING and _is_about(name, thing)
            for values in slots
        )


def _is_about(name: str, thing: Thing) -> bool:
    if name == "$patientId":
        return thing.kind != LINK
    return any(name.startswith(prefix) and thing.kind == PREFIXES[prefix] for prefix in PREFIXES)


def _meets(thing: Thing, name: str, values: list[str]) -> bool:
    """Tell whether a thing fits one Slot."""
    if name.endswith("Exclude"):
        return not _meets(thing, name.removesuffix("Exclude"), values)
    if name.endswith("From"):  # inside; times are compared as texts, and none at all fits
        times = _said(thing, name.removesuffix("From"))
        return not times or any(time >= values[0] for time in times)
    if name.endswith("To"):  # outside
        times = _said(thing, name.removesuffix("To"))
        return not times or any(time < values[0] for time in times)
    said = _said(thing, name)
    if name.endswith(("AuthorPerson", "ReferenceIdList", "Title")):
        return any(_like(pattern, text) for pattern in values for text in said)
    return any(text in values for text in said)


def _said(thing: Thing, name: str) -> tuple[str, ...]:
    """Return what a thing has for a parameter."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    match name.removeprefix("$"):
        case "PatientId" | "patientId":
            return (thing.patient,)
        case "Status":
            return (thing.status,)
        case "Type":
            return ("on-demand" if thing.on_demand else "stable",)
        case "LastUpdateTime":
            return (thing.updated,)
        case "DocumentAvailability":
            return thing.says.get("documentAvailability") or ("Online",)
        case attribute:
            return thing.says.get(attribute[0].lower() + attribute[1:], ())


def _like(pattern: str, text: str) -> bool:
    """`%` is any run of characters, `_` is one."""
    parts = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(parts.get(c, re.escape(c)) for c in pattern), text, re.DOTALL))
