"""What can go wrong, as a catalogue and as a tree of exceptions.

```text
HubError
├─ XdsFailure(errors)         what a registry response says: one RegistryError row for each problem
├─ SoapFault(code, reason)    the message itself cannot be worked on (Sender: theirs; Receiver: ours)
├─ NotAllowed(reason)         the caller may not; the peer learns no more than the Framework asks for
└─ Unavailable(what)          a store, registry or community does not answer
   └─ OutOfResources(what)    it is full
```

Domain code raises these or returns `RegistryError` values. They become bytes in one place, at the
edge (`hub.pipeline`), and are logged there once.

References
----------
ITI TF-3 4.2.4 and Tables 4.2.4.1-1, 4.2.4.1-2; Metadata Update, RMD and RMU 4.2.4.1;
SOAP 1.2 Part 1 5.4.6; WS-Addressing 1.0 SOAP Binding 6.4.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ihe.vocabulary import Severity


class ErrorCode(StrEnum):
    """errorCode of a RegistryError: the rows of ITI TF-3 Table 4.2.4.1-2 and its supplements."""

    DOCUMENT_QUEUED = "DocumentQueued"
    INVALID_DOCUMENT_CONTENT = "InvalidDocumentContent"
    PARTIAL_APPEND = "PartialAppendContentNotProcessed"
    PARTIAL_FOLDER = "PartialFolderContentNotProcessed"
    PARTIAL_RELATIONSHIP = "PartialRelationshipContentNotProcessed"
    PARTIAL_REPLACE = "PartialReplaceContentNotProcessed"
    PARTIAL_TRANSFORM = "PartialTransformNotProcessed"
    PARTIAL_TRANSFORM_REPLACE = "PartialTransformReplaceNotProcessed"
    UNRESOLVED_REFERENCE = "UnresolvedReferenceException"
    DOCUMENT_UNIQUE_ID = "XDSDocumentUniqueIdError"
    DUPLICATE_UNIQUE_ID_IN_REGISTRY = "XDSDuplicateUniqueIdInRegistry"
    EXTRA_METADATA_NOT_SAVED = "XDSExtraMetadataNotSaved"
    MISSING_DOCUMENT = "XDSMissingDocument"
    MISSING_DOCUMENT_METADATA = "XDSMissingDocumentMetadata"
    MISSING_HOME_COMMUNITY_ID = "XDSMissingHomeCommunityId"
    NON_IDENTICAL_HASH = "XDSNonIdenticalHash"
    NON_IDENTICAL_SIZE = "XDSNonIdenticalSize"
    PATIENT_ID_DOES_NOT_MATCH = "XDSPatientIdDoesNotMatch"
    REGISTRY_BUSY = "XDSRegistryBusy"
    REPOSITORY_BUSY = "XDSRepositoryBusy"
    REGISTRY_DEPRECATED_DOCUMENT = "XDSRegistryDeprecatedDocumentError"
    REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE = "XDSRegistryDuplicateUniqueIdInMessage"
    REPOSITORY_DUPLICATE_UNIQUE_ID_IN_MESSAGE = "XDSRepositoryDuplicateUniqueIdInMessage"
    REGISTRY_ERROR = "XDSRegistryError"
    REPOSITORY_ERROR = "XDSRepositoryError"
    REGISTRY_METADATA = "XDSRegistryMetadataError"
    REPOSITORY_METADATA = "XDSRepositoryMetadataError"
    REGISTRY_NOT_AVAILABLE = "XDSRegistryNotAvailable"
    REGISTRY_OUT_OF_RESOURCES = "XDSRegistryOutOfResources"
    REPOSITORY_OUT_OF_RESOURCES = "XDSRepositoryOutOfResources"
    RESULT_NOT_SINGLE_PATIENT = "XDSResultNotSinglePatient"
    STORED_QUERY_MISSING_PARAM = "XDSStoredQueryMissingParam"
    STORED_QUERY_PARAM_NUMBER = "XDSStoredQueryParamNumber"
    TOO_MANY_RESULTS = "XDSTooManyResults"
    UNAVAILABLE_COMMUNITY = "XDSUnavailableCommunity"
    UNKNOWN_COMMUNITY = "XDSUnknownCommunity"
    UNKNOWN_PATIENT_ID = "XDSUnknownPatientId"
    UNKNOWN_REPOSITORY_ID = "XDSUnknownRepositoryId"
    UNKNOWN_STORED_QUERY = "XDSUnknownStoredQuery"
    METADATA_UPDATE = "XDSMetadataUpdateError"
    PATIENT_ID_RECONCILIATION = "XDSPatientIDReconciliationError"
    METADATA_UPDATE_OPERATION = "XDSMetadataUpdateOperationError"
    METADATA_VERSION = "XDSMetadataVersionError"
    METADATA_IDENTIFIER = "XDSMetadataIdentifierError"
    INVALID_REQUEST = "XDSInvalidRequestException"
    OBJECT_TYPE = "XDSObjectTypeError"
    UNMODIFIABLE_METADATA = "UnmodifiableMetadataError"
    LOCAL_POLICY_RESTRICTION = "LocalPolicyRestrictionError"
    METADATA_ANNOTATION = "XDSMetadataAnnotationError"
    REFERENCES_EXIST = "ReferencesExistException"
    UNREFERENCED_OBJECT = "XDSUnreferencedObjectException"
    REMOVE_DOCUMENTS = "XDSRemoveDocumentsError"


@dataclass(frozen=True, slots=True)
class ErrorDescriptor:
    """One row of the catalogue: what a code means and which transactions may carry it.

    `transactions` holds ITI numbers; `meaning` is one sentence for people.
    """

    code: ErrorCode
    severity: Severity
    transactions: tuple[int, ...]
    meaning: str


_E, _W = Severity.ERROR, Severity.WARNING
_SUBMIT = (41, 42, 61)
_QUERY = (18, 38, 51)
_RETRIEVE = (39, 43)

CATALOGUE: Final[dict[ErrorCode, ErrorDescriptor]] = {
    row[0]: ErrorDescriptor(*row)
    for row in (
        (ErrorCode.DOCUMENT_QUEUED, _W, (41,), "The document waits for a person to match its patient."),
        (ErrorCode.INVALID_DOCUMENT_CONTENT, _E, (41, 92), "The document does not fit what its metadata says of it."),
        (ErrorCode.PARTIAL_APPEND, _W, (41,), "The recipient ignored that a document is an addendum."),
        (ErrorCode.PARTIAL_FOLDER, _W, (41,), "The recipient ignored the folders."),
        (ErrorCode.PARTIAL_RELATIONSHIP, _W, (41,), "The recipient ignored a relationship."),
        (ErrorCode.PARTIAL_REPLACE, _W, (41,), "The recipient ignored that a document replaces another."),
        (ErrorCode.PARTIAL_TRANSFORM, _W, (41,), "The recipient ignored that a document is a transformation."),
        (ErrorCode.PARTIAL_TRANSFORM_REPLACE, _W, (41,), "The recipient ignored a transformation that replaces."),
        (ErrorCode.UNRESOLVED_REFERENCE, _E, (41, 42, 57, 61, 62, 92), "An object that is referred to does not exist."),
        (ErrorCode.DOCUMENT_UNIQUE_ID, _E, (39, 43, 86), "No document with this uniqueId can be handed out."),
        (ErrorCode.DUPLICATE_UNIQUE_ID_IN_REGISTRY, _E, _SUBMIT, "The uniqueId of a SubmissionSet or Folder is in use."),
        (ErrorCode.EXTRA_METADATA_NOT_SAVED, _W, _SUBMIT, "Slots that the Framework does not define were not kept."),
        (ErrorCode.MISSING_DOCUMENT, _E, (41,), "A DocumentEntry came without its document."),
        (ErrorCode.MISSING_DOCUMENT_METADATA, _E, (41,), "A document came without its DocumentEntry."),
        (ErrorCode.MISSING_HOME_COMMUNITY_ID, _E, (*_QUERY, *_RETRIEVE, 92), "A homeCommunityId is required and absent."),
        (ErrorCode.NON_IDENTICAL_HASH, _E, _SUBMIT, "The uniqueId is known with other content (hash differs)."),
        (ErrorCode.NON_IDENTICAL_SIZE, _E, _SUBMIT, "The uniqueId is known with other content (size differs)."),
        (ErrorCode.PATIENT_ID_DOES_NOT_MATCH, _E, _SUBMIT, "Patient ids that must be equal differ."),
        (ErrorCode.REGISTRY_BUSY, _E, (*_SUBMIT, *_QUERY), "The registry has too much to do; try again later."),
        (ErrorCode.REPOSITORY_BUSY, _E, (41, *_RETRIEVE), "The repository has too much to do; try again later."),
        (ErrorCode.REGISTRY_DEPRECATED_DOCUMENT, _E, _SUBMIT, "A new association points at a Deprecated document."),
        (ErrorCode.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE, _E, _SUBMIT, "One uniqueId occurs twice in the submission."),
        (ErrorCode.REPOSITORY_DUPLICATE_UNIQUE_ID_IN_MESSAGE, _E, (41,), "One uniqueId occurs twice in the submission."),
        (ErrorCode.REGISTRY_ERROR, _E, (*_SUBMIT, *_QUERY, 62), "The registry failed, or nothing more exact fits."),
        (ErrorCode.REPOSITORY_ERROR, _E, (41, *_RETRIEVE, 86), "The repository failed, or nothing more exact fits."),
        (ErrorCode.REGISTRY_METADATA, _E, _SUBMIT, "The registry found a fault in the metadata."),
        (ErrorCode.REPOSITORY_METADATA, _E, (41,), "The repository found a fault in the metadata."),
        (ErrorCode.REGISTRY_NOT_AVAILABLE, _E, (41,), "The repository cannot reach the registry."),
        (ErrorCode.REGISTRY_OUT_OF_RESOURCES, _E, (*_SUBMIT, *_QUERY, 62), "The registry is out of resources."),
        (ErrorCode.REPOSITORY_OUT_OF_RESOURCES, _E, (41, *_RETRIEVE, 86), "The repository is out of resources."),
        (ErrorCode.RESULT_NOT_SINGLE_PATIENT, _E, (*_QUERY, *_RETRIEVE), "The answer would hold metadata of several patients."),
        (ErrorCode.STORED_QUERY_MISSING_PARAM, _E, _QUERY, "A required query parameter is missing."),
        (ErrorCode.STORED_QUERY_PARAM_NUMBER, _E, _QUERY, "A query parameter has too many values, or excludes another."),
        (ErrorCode.TOO_MANY_RESULTS, _E, (*_QUERY, *_RETRIEVE), "The query finds more than may be returned."),
        (ErrorCode.UNAVAILABLE_COMMUNITY, _E, (18, 43, 92), "A community did not answer."),
        (ErrorCode.UNKNOWN_COMMUNITY, _E, (*_QUERY, *_RETRIEVE, 92), "The homeCommunityId is not known here."),
        (ErrorCode.UNKNOWN_PATIENT_ID, _E, (*_SUBMIT, *_QUERY, 57), "The patient id is not known here."),
        (ErrorCode.UNKNOWN_REPOSITORY_ID, _E, (*_RETRIEVE, 86), "The repositoryUniqueId is not known here."),
        (ErrorCode.UNKNOWN_STORED_QUERY, _E, _QUERY, "The id of the stored query is not known here."),
        (ErrorCode.METADATA_UPDATE, _E, (57, 92), "The update cannot be carried out."),
        (ErrorCode.PATIENT_ID_RECONCILIATION, _E, (57, 92), "After the update, patient ids would not agree."),
        (ErrorCode.METADATA_UPDATE_OPERATION, _E, (57,), "Which update is asked for cannot be told."),
        (ErrorCode.METADATA_VERSION, _E, (57, 92), "PreviousVersion is not the current version."),
        (ErrorCode.METADATA_IDENTIFIER, _E, (57, 92), "An identifier that must stay was changed."),
        (ErrorCode.INVALID_REQUEST, _E, (57, 92), "A first version was submitted as an update."),
        (ErrorCode.OBJECT_TYPE, _E, (92,), "The object is not of the kind that may be updated."),
        (ErrorCode.UNMODIFIABLE_METADATA, _E, (92,), "An attribute that must stay was changed."),
        (ErrorCode.LOCAL_POLICY_RESTRICTION, _E, (92,), "Local policy does not allow the update."),
        (ErrorCode.METADATA_ANNOTATION, _E, (92,), "An annotation on a HasMember association is wrong."),
        (ErrorCode.REFERENCES_EXIST, _E, (62,), "Something that stays still refers to the object."),
        (ErrorCode.UNREFERENCED_OBJECT, _E, (62,), "The removal would leave an object without a SubmissionSet."),
        (ErrorCode.REMOVE_DOCUMENTS, _E, (86,), "The document cannot be removed."),
    )
}  # fmt: skip  # one row a line, as in the Framework's table


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One error or warning of a registry response (rs:RegistryError, ITI TF-3 4.2.4.1).

    Parameters
    ----------
    code
        An `ErrorCode`, or the text of a code that only the sender knows.
    context
        codeContext: what was found, and what was expected.
    location
        Where: the element at fault, or what the transaction puts there (a homeCommunityId in
        ITI-38, a document's uniqueId in ITI-43). Empty when there is nothing to say.
    severity
        Error unless the catalogue says Warning.
    rule
        Which metadata rule found it (`ihe.rules`); stays in the hub.
    """

    code: str
    context: str
    location: str = ""
    severity: Severity = Severity.ERROR
    rule: str = field(default="", compare=False)

    def at(self, location: str) -> "RegistryError":
        """Return the same error with another location."""
        return replace(self, location=location)


def registry_error(
    code: ErrorCode, context: str, location: str = "", *, rule: str = ""
) -> RegistryError:
    """Return a `RegistryError` with the severity that the catalogue gives `code`."""
    return RegistryError(code, brief(context), brief(location), CATALOGUE[code].severity, rule)


MOST_TOLD: Final = 2_000
"""Characters of one error: what it quotes came from a stranger, and may be as long as a message."""


def brief(text: str) -> str:
    """Return a text without its middle, when it is longer than `MOST_TOLD`."""
    if len(text) <= MOST_TOLD:
        return text
    half = (MOST_TOLD - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


class HubError(Exception):
    """Whatever the hub itself raises; never raised as such."""


class XdsFailure(HubError):
    """A transaction fails as its response says: `errors` holds every problem found, 1..*."""

    def __init__(self, errors: Iterable[RegistryError]) -> None:
        self.errors: tuple[RegistryError, ...] = tuple(errors)
        super().__init__("; ".join(f"{e.code}: {e.context}" for e in self.errors))

    @classmethod
    def of(cls, code: ErrorCode, context: str, location: str = "") -> "XdsFailure":
        """Return a failure with one error."""
        return cls((registry_error(code, context, location),))


class FaultCode(StrEnum):
    """Codes of a SOAP 1.2 fault (SOAP 1.2 Part 1 5.4.6)."""

    SENDER = "Sender"
    RECEIVER = "Receiver"
    MUST_UNDERSTAND = "MustUnderstand"
    VERSION_MISMATCH = "VersionMismatch"


class FaultSubcode(StrEnum):
    """Subcodes of WS-Addressing 1.0 SOAP Binding 6.4 and WS-Security 1.1 12, with their prefix."""

    ACTION_NOT_SUPPORTED = "wsa:ActionNotSupported"
    ADDRESSING_HEADER_REQUIRED = "wsa:MessageAddressingHeaderRequired"
    INVALID_ADDRESSING_HEADER = "wsa:InvalidAddressingHeader"
    INVALID_CARDINALITY = "wsa:InvalidCardinality"
    DESTINATION_UNREACHABLE = "wsa:DestinationUnreachable"
    ONLY_ANONYMOUS_ADDRESS = "wsa:OnlyAnonymousAddressSupported"
    ENDPOINT_UNAVAILABLE = "wsa:EndpointUnavailable"
    FAILED_AUTHENTICATION = "wsse:FailedAuthentication"
    FAILED_CHECK = "wsse:FailedCheck"
    INVALID_SECURITY = "wsse:InvalidSecurity"
    INVALID_SECURITY_TOKEN = "wsse:InvalidSecurityToken"  # noqa: S105  # a fault's name
    SECURITY_TOKEN_UNAVAILABLE = "wsse:SecurityTokenUnavailable"  # noqa: S105  # a fault's name
    UNSUPPORTED_ALGORITHM = "wsse:UnsupportedAlgorithm"
    UNSUPPORTED_SECURITY_TOKEN = "wsse:UnsupportedSecurityToken"  # noqa: S105  # a fault's name


@dataclass
class SoapFault(HubError):
    """A message that cannot be worked on at all (ITI TF-2 Appendix V; SOAP 1.2 Part 1 5.4).

    Parameters
    ----------
    code
        Whose fault it is.
    reason
        One English sentence: what was wrong, where, and what was expected.
    subcode
        The standard's own name of the problem, when it has one.
    problem_action
        The wsa:Action at fault, for `wsa:ProblemAction` in the detail.
    not_understood
        Clark names of the header blocks that are not understood, with `MUST_UNDERSTAND`.
    http_status
        0: 400 for a Sender fault and 500 for any other (SOAP 1.2 Part 2 Table 20).
    retry_after_s
        Seconds after which the sender may try again, when that makes sense.
    relates_to
        wsa:MessageID of the message at fault, if it could be read.
    """

    code: FaultCode
    reason: str
    subcode: FaultSubcode | None = None
    problem_action: str | None = None
    not_understood: tuple[str, ...] = ()
    http_status: int = 0
    retry_after_s: int | None = field(default=None, kw_only=True)
    relates_to: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.reason = brief(self.reason)

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"

    @property
    def status(self) -> int:
        """HTTP status that carries the fault."""
        return self.http_status or (400 if self.code is FaultCode.SENDER else 500)


class NotAllowed(HubError):
    """The caller may not do this; `reason` is for the log and the audit, not for the peer."""


class Unavailable(HubError):
    """Something that the hub needs does not answer: `what` names it, without secrets.

    Parameters
    ----------
    reason
        Why, for people; without secrets and patients.
    not_sent
        Whether it is certain that nothing reached it, so that nothing can have happened there.
    retry_after_s
        Seconds after which to try again, when that is known.
    """

    def __init__(
        self,
        what: str,
        reason: str = "",
        *,
        not_sent: bool = False,
        retry_after_s: int | None = None,
    ) -> None:
        self.what, self.reason = what, reason
        self.not_sent, self.retry_after_s = not_sent, retry_after_s
        super().__init__(f"{what} does not answer" + (f": {reason}" if reason else ""))

    @classmethod
    def of(cls, what: str, failure: OSError) -> "Unavailable":
        """Return what the system's own words mean: `OutOfResources` for a full disk."""
        kind = OutOfResources if failure.errno in _FULL else cls
        return kind(what, failure.strerror or "")


class OutOfResources(Unavailable):
    """Something that the hub needs has no room left."""


_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE})
