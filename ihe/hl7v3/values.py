"""What the messages of an identity feed say, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ihe.datatypes import DTM
from ihe.errors import RegistryError
from ihe.messages import status_of
from ihe.vocabulary import ResponseStatus


class II(NamedTuple):
    """An instance identifier: of what `root` (an OID or UUID) says, the one called `extension`.

    `root` alone is an identifier too, and '' in both says that there is none.
    """

    root: str = ""
    extension: str = ""


NO_ID: Final = II()
"""What stands where an identifier should, and says that there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """What is around a message: who sends it to whom (MCCI_MT000100UV01, MCCI_MT000200UV01).

    Parameters
    ----------
    id
        Of this message.
    created
        When it was written.
    sender, receiver
        Ids of the devices, in the order of the message.
    processing_code
        P for production, T for training, D for debugging.
    """

    id: II = NO_ID
    created: DTM | None = None
    sender: tuple[II, ...] = ()
    receiver: tuple[II, ...] = ()
    processing_code: str = "P"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    """A patient record was added or revised (PRPA_IN201301UV02, PRPA_IN201302UV02).

    Parameters
    ----------
    identifiers
        The ids of the patient, 1..* in a message without problems.
    problems
        What is wrong with the message.
    """

    transmission: Transmission
    identifiers: tuple[II, ...]
    problems: tuple[RegistryError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMerge:
    """Two records turned out to be of one patient (PRPA_IN201304UV02).

    Parameters
    ----------
    identifiers
        The ids that stay, 1..* in a message without problems.
    subsumed
        The id that is gone.
    problems
        What is wrong with the message.
    """

    transmission: Transmission
    identifiers: tuple[II, ...]
    subsumed: II
    problems: tuple[RegistryError, ...] = ()


class DetailCode(StrEnum):
    """Why a message was not accepted (HL7 code system AcknowledgementDetailCode)."""

    INTERNAL = "INTERR"
    MISSING_ASSOCIATION = "SYN100"
    MISSING_ATTRIBUTE = "SYN101"
    DATA_TYPE = "SYN102"
    CODE_VALUE = "SYN103"
    TOO_MANY_ASSOCIATIONS = "SYN110"
    UNKNOWN_KEY = "KEY204"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What became of a message (MCCI_IN000002UV01).

    Parameters
    ----------
    status
        Success for the codes that accept (CA, AA), Failure for all others.
    errors
        acknowledgementDetail: `code` is a `DetailCode` or one of the sender's own, `location`
        the path of the element at fault.
    transmission
        Of the acknowledgement itself.
    target
        The id of the message that it is about.
    """

    status: ResponseStatus | str = ResponseStatus.SUCCESS
    errors: tuple[RegistryError, ...] = ()
    transmission: Transmission = Transmission()
    target: II = NO_ID

    @classmethod
    def of(cls, errors: Sequence[RegistryError]) -> "Acknowledgement":
        """Return the acknowledgement that errors call for, addressed to nobody yet."""
        return cls(status=status_of(errors), errors=tuple(errors))

    @property
    def ok(self) -> bool:
        """Whether the message was accepted."""
        return self.status == ResponseStatus.SUCCESS
