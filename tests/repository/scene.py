"""A repository for tests: memory or file engines, a registry that does as it is told."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.call import Call
from ihe.datatypes import OID
from ihe.errors import Unavailable
from ihe.messages import (
    Document,
    ProvideAndRegisterRequest,
    RegistryResponse,
    RetrieveDocumentSetResponse,
    SubmitObjectsRequest,
)
from ihe.model import Submission
from repository import iti41, iti43
from repository.blobs.memory import MemoryBlobs
from repository.blobs.port import Blobs
from repository.domain import Repository
from repository.index import Index, open_index
from repository.sweeper import Swept, sweep
from tests import samples
from tests.samples import Bytes

OWN = samples.REPOSITORY
Answer = RegistryResponse | Exception


@contextmanager
def sqlite_index(folder: Path) -> Iterator[Index]:
    with closing(open_index(f"sqlite:///{folder}/repository.sqlite")) as index:
        yield index


@dataclass
class RegistryDouble:
    """The registry beside the repository: keeps what it is sent, unless it is told otherwise."""

    answers: list[Answer] = field(default_factory=list)
    got: list[Submission] = field(default_factory=list)
    registered: set[str] = field(default_factory=set)
    during: Callable[[], None] = lambda: None
    commits_before_it_fails: bool = False

    def register(self, request: SubmitObjectsRequest, _call: Call) -> RegistryResponse:
        self.during()
        answer = self.answers.pop(0) if self.answers else RegistryResponse()
        ok = isinstance(answer, RegistryResponse) and answer.ok
        if ok or self.commits_before_it_fails:
            self.got.append(request.submission)
            self.registered |= {str(each.unique_id) for each in request.submission.entries}
        if isinstance(answer, Exception):
            raise answer
        return answer

    def validate(self, _request: SubmitObjectsRequest, _call: Call) -> RegistryResponse:
        answer = self.answers.pop(0) if self.answers else RegistryResponse()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find(self, unique_ids: list[str]) -> set[str]:
        return self.registered & set(unique_ids)


class Scene:
    def __init__(self, index: Index, blobs: Blobs | None = None) -> None:
        numbers = itertools.count(1)
        self.registry = RegistryDouble()
        self.blobs = blobs or MemoryBlobs()
        self.repository = Repository(
            repository_unique_id=OWN,
            blobs=self.blobs,
            index=index,
            register=self.registry.register,
            validate=self.registry.validate,
            find_registered=self.registry.find,
            new_uuid=lambda: samples.uuid(next(numbers)),
        )
        self.at = datetime.now(UTC)  # blob stores go by the clock of their files

    @property
    def call(self) -> Call:
        return Call(at=self.at, trace_id="0" * 32)

    def send(self, request: ProvideAndRegisterRequest) -> RegistryResponse:
        return iti41.handle(request, self.call, self.repository)

    def provide(self, *contents: bytes, first: int = 1) -> RegistryResponse:
        return self.send(provide(*contents, first=first))

    def retrieve(self, *unique_ids: str) -> RetrieveDocumentSetResponse:
        return iti43.handle(samples.retrieve(*unique_ids), self.call, self.repository)

    def bytes_of(self, unique_id: str) -> bytes | None:
        found = self.retrieve(unique_id).documents
        return b"".join(found[0].content.chunks()) if found else None

    def sweep(self, after: timedelta = timedelta(0)) -> Swept:
        """Sweep as it would be done some time after now."""
        return sweep(self.repository, datetime.now(UTC) + after)

    def blob_count(self) -> int:
        return len(list(self.blobs.list()))


def provide(*contents: bytes, first: int = 1) -> ProvideAndRegisterRequest:
    """Return a request with one document for each content, numbered from `first`."""
    entries = tuple(
        samples.entry(number, repository_unique_id=None, hash=None, size=None)
        for number, _content in enumerate(contents, first)
    )
    documents = tuple(
        Document(entry.entry_uuid, Bytes(content))
        for entry, content in zip(entries, contents, strict=True)
    )
    chosen = samples.submission_set(unique_id=OID(f"2.25.2000.{first}"))
    return ProvideAndRegisterRequest(samples.submission(*entries, submission_set=chosen), documents)


def lost() -> Unavailable:
    return Unavailable("the registry", "the connection broke off")


def altered(request: ProvideAndRegisterRequest, **changes: object) -> ProvideAndRegisterRequest:
    """Return the request with changes in its first entry."""
    submission = request.submission
    first = replace(submission.entries[0], **changes)  # type: ignore[arg-type]  # a test's own fields
    return replace(
        request, submission=replace(submission, entries=(first, *submission.entries[1:]))
    )
