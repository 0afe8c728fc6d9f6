"""`Repository`: what every handler of the Document Repository is given beside the request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from hub.call import Call
from ihe.datatypes import OID
from ihe.errors import HubError
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from repository.blobs.port import Blobs
from repository.index import Index
from repository.signatures import Signatures

REGISTRY: Final = "the registry"
"""What `Unavailable` names when it is the registry that did not answer."""


class NotSent(HubError):
    """The registry was not reached, so it certainly knows nothing of the submission."""


Register: TypeAlias = Callable[[SubmitObjectsRequest, Call], RegistryResponse]
"""Registers metadata at the registry (ITI-42).

Raises `Unavailable` of `REGISTRY` when no answer came: whether the registry got the message is not
known then. Raises `NotSent` when it certainly did not.
"""

FindRegistered: TypeAlias = Callable[[list[str]], set[str]]
"""Returns which of some DocumentEntry.uniqueIds the registry knows at this repository (ITI-18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The ports and the settings of one repository.

    Parameters
    ----------
    repository_unique_id
        Its own repositoryUniqueId.
    blobs
        Where the bytes are.
    index
        Which documents it holds.
    register, validate, find_registered
        How it reaches the registry; `validate` as `register`, and the registry stores nothing.
    new_uuid
        Makes a new UUID URN.
    signatures
        What is asked of document signatures; nothing when None.
    grace
        How long something unfinished is left alone by the sweeper: longer than any submission
        takes.
    """

    repository_unique_id: OID
    blobs: Blobs
    index: Index
    register: Register
    validate: Register
    find_registered: FindRegistered
    new_uuid: Callable[[], str]
    signatures: Signatures | None = None
    grace: timedelta = timedelta(hours=1)
