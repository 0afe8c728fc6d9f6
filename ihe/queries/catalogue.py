"""The stored queries as data: one entry for each, in the order of the Framework.

An entry says what a query is asked with and what it returns; `ihe.queries.parsing` knows no query
by name. What a query that follows associations does with the objects is a function of the registry
(`registry.iti18`).

The last three are not in the Framework's text: FindDocumentsExclude is CP-ITI-1323,
FindDocumentsByTitle is gematik's, and the third carries reference ids into ITI-51.

References
----------
ITI TF-2 3.18.4.1.2.3.7, 3.51.4.1.2; Metadata Update 3.18.4.1.2.3.5.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ihe.queries.parameters import (
    CONTENT_FILTERS,
    ENTRIES,
    ENTRIES_OR_LOGICAL,
    ENTRY,
    ENTRY_STATUS,
    ENTRY_TYPE,
    EXCLUDABLE,
    FIND_DOCUMENTS,
    FIND_FOLDERS,
    FOLDER,
    FOLDERS,
    LEVEL,
    LINK,
    LINK_STATUS,
    ONE_ENTRY,
    ONE_FOLDER,
    ONE_SET,
    REFERENCE_ID,
    SET,
    Group,
    Parameter,
    at_least_one,
    code,
    exactly_one,
    of_several_patients,
    patient,
    pattern,
    period,
    status,
    twin,
    uuid,
)
from ihe.queries.parameters import (
    ParameterType as T,
)
from ihe.state import Kind
from ihe.vocabulary import StoredQueryId


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDefinition:
    """One stored query.

    Parameters
    ----------
    id, title
        Its UUID and the Framework's name.
    clause
        Where it is defined.
    transactions
        ITI numbers of the transactions that may carry it.
    returns
        Kinds of the objects that it returns, in the order of the answer.
    starts_from
        Kind of the objects that its `selects` parameters pick.
    parameters, groups
        What it may and must be asked with.
    """

    id: StoredQueryId
    title: str
    clause: str
    transactions: tuple[int, ...]
    returns: tuple[Kind, ...]
    starts_from: Kind
    parameters: tuple[Parameter, ...]
    groups: tuple[Group, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of this name, or None."""
        return next((each for each in self.parameters if each.name == name), None)


def _definition(
    id: StoredQueryId,
    title: str,
    clause: str,
    returns: tuple[Kind, ...],
    parameters: tuple[Parameter, ...],
    *,
    groups: tuple[Group, ...] = (),
    starts_from: Kind | None = None,
    transactions: tuple[int, ...] = (18, 38),
) -> QueryDefinition:
    return QueryDefinition(
        id=id,
        title=title,
        clause=clause,
        transactions=transactions,
        returns=returns,
        starts_from=starts_from or returns[0],
        parameters=parameters,
        groups=groups,
    )


Q = StoredQueryId
_SECTION: Final = "ITI TF-2 3.18.4.1.2.3.7"

CATALOGUE: Final[Mapping[str, QueryDefinition]] = {
    each.id: each
    for each in (
        _definition(Q.FIND_DOCUMENTS, "FindDocuments", f"{_SECTION}.1", (ENTRY,), FIND_DOCUMENTS),
        _definition(
            Q.FIND_SUBMISSION_SETS,
            "FindSubmissionSets",
            f"{_SECTION}.2",
            (SET,),
            (
                patient("$XDSSubmissionSetPatientId", SET),
                status("$XDSSubmissionSetStatus", SET),
                Parameter(
                    name="$XDSSubmissionSetSourceId",
                    type=T.TEXT,
                    restricts=(SET,),
                    attribute="source_id",
                    many=True,
                ),
                *period("$XDSSubmissionSetSubmissionTime", SET, "submission_time"),
                pattern("$XDSSubmissionSetAuthorPerson", SET, "author_person", many=False),
                code("$XDSSubmissionSetContentType", SET, "content_type_code"),
            ),
        ),
        _definition(
            Q.FIND_FOLDERS, "FindFolders", f"{_SECTION}.3", (FOLDER,), (*FIND_FOLDERS, LEVEL)
        ),
        _definition(
            Q.GET_ALL,
            "GetAll",
            f"{_SECTION}.4",
            (SET, ENTRY, FOLDER, LINK),
            (
                patient("$patientId", ENTRY, SET, FOLDER),
                ENTRY_STATUS,
                status("$XDSSubmissionSetStatus", SET),
                status("$XDSFolderStatus", FOLDER),
                *CONTENT_FILTERS,
                LINK_STATUS,
                LEVEL,
            ),
        ),
        _definition(
            Q.GET_DOCUMENTS,
            "GetDocuments",
            f"{_SECTION}.5",
            (ENTRY,),
            (*ENTRIES_OR_LOGICAL, LEVEL),
            groups=(exactly_one(ENTRIES_OR_LOGICAL),),
        ),
        _definition(
            Q.GET_FOLDERS,
            "GetFolders",
            f"{_SECTION}.6",
            (FOLDER,),
            (*FOLDERS, LEVEL),
            groups=(exactly_one(FOLDERS),),
        ),
        _definition(
            Q.GET_ASSOCIATIONS,
            "GetAssociations",
            f"{_SECTION}.7",
            (LINK,),
            (uuid("source_or_target"), LINK_STATUS, LEVEL),
        ),
        _definition(
            Q.GET_DOCUMENTS_AND_ASSOCIATIONS,
            "GetDocumentsAndAssociations",
            f"{_SECTION}.8",
            (ENTRY, LINK),
            (*ENTRIES, LINK_STATUS, LEVEL),
            groups=(exactly_one(ENTRIES),),
        ),
        _definition(
            Q.GET_SUBMISSION_SETS,
            "GetSubmissionSets",
            f"{_SECTION}.9",
            (SET, LINK),
            (uuid("target"), LEVEL),
            starts_from=LINK,
        ),
        _definition(
            Q.GET_SUBMISSION_SET_AND_CONTENTS,
            "GetSubmissionSetAndContents",
            f"{_SECTION}.10",
            (SET, ENTRY, FOLDER, LINK),
            (*ONE_SET, *CONTENT_FILTERS, LEVEL),
            groups=(exactly_one(ONE_SET),),
        ),
        _definition(
            Q.GET_FOLDER_AND_CONTENTS,
            "GetFolderAndContents",
            f"{_SECTION}.11",
            (FOLDER, ENTRY, LINK),
            (*ONE_FOLDER, *CONTENT_FILTERS, LINK_STATUS, LEVEL),
            groups=(exactly_one(ONE_FOLDER),),
        ),
        _definition(
            Q.GET_FOLDERS_FOR_DOCUMENT,
            "GetFoldersForDocument",
            f"{_SECTION}.12",
            (FOLDER,),
            (*ONE_ENTRY, LINK_STATUS, LEVEL),
            groups=(exactly_one(ONE_ENTRY),),
            starts_from=ENTRY,
        ),
        _definition(
            Q.GET_RELATED_DOCUMENTS,
            "GetRelatedDocuments",
            f"{_SECTION}.13",
            (ENTRY, LINK),
            (
                *ONE_ENTRY,
                Parameter(
                    name="$AssociationTypes",
                    type=T.ASSOCIATION_TYPE,
                    restricts=(LINK,),
                    attribute="type",
                    required=True,
                    many=True,
                ),
                ENTRY_TYPE,
                LINK_STATUS,
                LEVEL,
            ),
            groups=(exactly_one(ONE_ENTRY),),
        ),
        _definition(
            Q.FIND_DOCUMENTS_BY_REFERENCE_ID,
            "FindDocumentsByReferenceId",
            f"{_SECTION}.14",
            (ENTRY,),
            (*FIND_DOCUMENTS, replace(REFERENCE_ID, required=True)),
        ),
        _definition(
            Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS,
            "FindDocumentsForMultiplePatients",
            "ITI TF-2 3.51.4.1.2",
            (ENTRY,),
            of_several_patients(FIND_DOCUMENTS),
            groups=(
                at_least_one(
                    "$XDSDocumentEntryPatientId",
                    "$XDSDocumentEntryClassCode",
                    "$XDSDocumentEntryEventCodeList",
                    "$XDSDocumentEntryHealthcareFacilityTypeCode",
                ),
            ),
            transactions=(51,),
        ),
        _definition(
            Q.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS,
            "FindFoldersForMultiplePatients",
            "ITI TF-2 3.51.4.1.2",
            (FOLDER,),
            of_several_patients(FIND_FOLDERS),
            groups=(at_least_one("$XDSFolderPatientId", "$XDSFolderCodeList"),),
            transactions=(51,),
        ),
        _definition(
            Q.FIND_DOCUMENTS_EXCLUDE,
            "FindDocumentsExclude",
            "CP-ITI-1323",
            (ENTRY,),
            (*FIND_DOCUMENTS, REFERENCE_ID, *(twin(each) for each in EXCLUDABLE)),
            groups=tuple(
                Group((each.name, twin(each).name), least=0, most=1) for each in EXCLUDABLE
            ),
        ),
        _definition(
            Q.FIND_DOCUMENTS_BY_TITLE,
            "FindDocumentsByTitle",
            "gemSpec_ILF_PS_ePA A_17198, A_18197",
            (ENTRY,),
            (
                *FIND_DOCUMENTS,
                replace(pattern("$XDSDocumentEntryTitle", ENTRY, "title"), required=True),
                pattern("$XDSDocumentEntryAuthorInstitution", ENTRY, "author_institution"),
            ),
        ),
        _definition(
            Q.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS,
            "FindDocumentsByReferenceIdForMultiplePatients",
            "the field",
            (ENTRY,),
            (*of_several_patients(FIND_DOCUMENTS), replace(REFERENCE_ID, required=True)),
            transactions=(51,),
        ),
    )
}
"""Every stored query by its UUID."""
