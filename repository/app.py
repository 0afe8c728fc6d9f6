"""Puts the Document Repository together from its settings: the one place that knows its engines."""

import asyncio
from pathlib import Path
from typing import Final

from hub import clock, ids
from hub.actor import Actor
from hub.call import Call
from hub.loop_thread import LoopThread
from hub.settings import RepositorySettings, SettingsError, TlsSettings
from hub.soap_client import RemoteFault, SoapClient
from hub.soap_server import SoapServer
from hub.tls import as_client
from hub.web import Mount
from hub.wsdl import pages
from ihe import queries
from ihe.datatypes import OID
from ihe.errors import FaultCode, Unavailable
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import DocumentEntry
from ihe.transactions import ITI_18, ITI_42
from repository.blobs.filesystem import FilesystemBlobs
from repository.blobs.port import Blobs
from repository.blobs.s3 import S3Blobs, parse_bucket
from repository.domain import REGISTRY, FindRegistered, NotSent, Register, Repository
from repository.index import Index, open_index
from repository.limits import limited
from repository.serves import SERVES
from repository.signatures import signatures
from repository.sweeper import sweep

NAME: Final = "DocumentRepository"
PATH: Final = "/repository"
_SWEEP_EVERY_S: Final = 300.0


def build(settings: RepositorySettings, tls: TlsSettings | None) -> Actor:
    """Return the repository that the settings describe.

    Parameters
    ----------
    tls
        Its certificate, which it shows to the registry.

    Raises
    ------
    SettingsError
        A setting cannot be used.
    Unavailable
        The database or the blob store do not answer.
    """
    index = open_index(settings.database)
    try:
        blobs = open_blobs(settings)
        blobs.ready()  # makes the bucket, so that the first document finds it
        return actor(index, blobs, settings, tls)
    except BaseException:
        index.close()
        raise


def open_blobs(settings: RepositorySettings) -> Blobs:
    """Return the engine that the settings name; raises `SettingsError` when they name none."""
    url = settings.blobs
    if url.startswith("file:"):
        return FilesystemBlobs(Path(url.removeprefix("file:")))
    if url.startswith("s3+"):
        return S3Blobs(
            parse_bucket(url), Path(settings.staging), authorities=settings.blobs_authorities
        )
    raise SettingsError("blobs: file:path or s3+https://… was expected")


def actor(
    index: Index, blobs: Blobs, settings: RepositorySettings, tls: TlsSettings | None
) -> Actor:
    """Return a repository on engines of its own."""
    asked = signatures(settings.signatures)
    client, thread = SoapClient(tls=as_client(tls)), LoopThread()
    repository = Repository(
        repository_unique_id=OID(settings.repository_unique_id),
        blobs=blobs,
        index=index,
        register=_register(client, thread, settings),
        validate=_register(client, thread, settings, validate_only=True),
        find_registered=_find_registered(client, thread, settings),
        new_uuid=ids.new_uuid,
        signatures=asked,
    )
    soap = SoapServer(NAME, SERVES, repository)

    def ready() -> None:
        index.ready()
        blobs.ready()

    async def sweep_now_and_then() -> None:
        await asyncio.sleep(_SWEEP_EVERY_S)
        await asyncio.to_thread(sweep, repository, clock.now())

    def close() -> None:
        thread.run(client.close())
        thread.close()
        index.close()
        blobs.close()

    return Actor(
        name=NAME,
        mounts={
            PATH: Mount(
                soap=soap,
                open_sink=limited(blobs.open, settings.document_limit),
                pages=lambda query, url: pages(NAME, soap.transactions, query, url),
            )
        },
        ready=ready,
        background=(sweep_now_and_then,),
        close=close,
    )


def _register(
    client: SoapClient,
    thread: LoopThread,
    settings: RepositorySettings,
    *,
    validate_only: bool = False,
) -> Register:
    """Return what registers metadata at the registry, by ITI-42, or has it validated only."""

    def register(request: SubmitObjectsRequest, call: Call) -> RegistryResponse:
        try:
            return thread.run(
                client.send(
                    ITI_42,
                    request,
                    settings.registry,
                    timeout_s=settings.registry_timeout_s,
                    trace_id=call.trace_id,
                    validate_only=validate_only,
                )
            )
        except Unavailable as failure:
            if failure.not_sent:
                raise NotSent(str(failure)) from failure
            raise Unavailable(REGISTRY, failure.reason) from failure
        except RemoteFault as failure:
            if failure.fault.code is FaultCode.RECEIVER:
                raise Unavailable(REGISTRY, "it answers with a fault") from failure
            # the registry could not read the message, so it has not worked on it
            raise NotSent(str(failure)) from failure

    return register


def _find_registered(
    client: SoapClient, thread: LoopThread, settings: RepositorySettings
) -> FindRegistered:
    """Return what asks the registry which documents of this repository it knows, by ITI-18."""
    own = settings.repository_unique_id

    def find(unique_ids: list[str]) -> set[str]:
        request = queries.get_documents(unique_id=unique_ids)
        try:
            response = thread.run(
                client.send(
                    ITI_18, request, settings.registry, timeout_s=settings.registry_timeout_s
                )
            )
        except RemoteFault as failure:
            raise Unavailable(REGISTRY, "it answers with a fault") from failure
        if response.errors:
            raise Unavailable(REGISTRY, f"it answers {response.errors[0].code}")
        return {
            str(found.unique_id)
            for found in response.objects
            if isinstance(found, DocumentEntry) and found.repository_unique_id == own
        }

    return find
