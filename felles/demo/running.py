"""The demo's story: five communities share documents, and what a nurse sees of them.

```text
set up ─▶ start ─▶ share (ITI-41) ─▶ knock without certificate ─▶ find everywhere (ITI-18, 38)
                                                                        │
     one region stopped: partial answer ◀─ find again ◀─ fetch (ITI-43, 39), check the hash
```

Each step leaves a `Check`: what was expected, what came of it, and whether that was right.
"""

import hashlib
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import certs
from felles.demo.communities import Community
from felles.demo.processes import ACTORS, Member, Process, free_ports, set_up
from felles.demo.scene import Submitted
from felles.development import tls_of
from hub.client import Client, request_for
from hub.tls import as_client
from ihe import queries
from ihe.datatypes import CX
from ihe.errors import ErrorCode, Unavailable
from ihe.messages import AdhocQueryResponse
from ihe.model import DocumentEntry
from ihe.vocabulary import ResponseStatus, Status

NURSE: Final = "municipal-record-system"
"""Name of the certificate of the system that the nurse works with."""
_TIMEOUT_S: Final = 60.0
Step = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the demo shows."""

    what: str
    found: str
    ok: bool
    milliseconds: float | None = None


@dataclass(frozen=True, slots=True)
class InMemory:
    """Made-up bytes as the content of a document; implements `Content`."""

    data: bytes

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.data)

    def chunks(self) -> Any:
        """Yield the bytes."""
        yield self.data


@dataclass(slots=True)
class Demonstration:
    """A demo while it runs.

    Parameters
    ----------
    members
        The communities; the last is the municipalities', whose gateway asks all the others.
    certificates
        Folder of the authority that all of them trust.
    lasting
        Whether the communities go on when the demo has ended.
    step
        Told what is done next, for whoever watches.
    """

    members: Sequence[Member]
    certificates: Path
    lasting: bool
    step: Step
    processes: dict[str, Process] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def national_gateway(self) -> Member:
        """The community whose gateway asks all the others."""
        return self.members[-1]

    def check(self, what: str, found: str, ok: bool, since: float | None = None) -> None:
        """Note how something went; `since` is when it began (`time.perf_counter`)."""
        spent = None if since is None else (time.perf_counter() - since) * 1000
        self.checks.append(Check(what, found, ok, spent))

    # --- up and down ---------------------------------------------------------------------------

    def start(self, at: datetime) -> None:
        """Issue certificates, write settings, start all communities and wait until they answer."""
        self.step("issuing certificates")
        certs.create_authority(self.certificates, "Felles demo authority", at=at)
        certs.issue(self.certificates, NURSE, organisation=self.national_gateway.name, at=at)
        for member in self.members:
            others = [other for other in self.members if other is not member]
            set_up(member, others, at)
        self.step(f"starting {len(self.members)} communities")
        since = time.perf_counter()
        for member in self.members:
            self.start_member(member)
        for process in self.processes.values():
            process.wait_ready()
        actors = len(self.members) * len(ACTORS)
        self.check("communities answer", f"{len(self.members)} with {actors} actors", True, since)

    def start_member(self, member: Member) -> None:
        """Start one community; it does not answer yet."""
        self.processes[member.slug] = Process(member, lasting=self.lasting)

    # --- what is shown -------------------------------------------------------------------------

    def share(self, member: Member, shared: Sequence[Submitted]) -> tuple[int, int]:
        """Submit a community's documents as its hospital system; return documents, refusals."""
        documents = refused = 0
        with Client(
            repository=member.url("repository"),
            tls=as_client(member.tls("source")),
            timeout_s=_TIMEOUT_S,
        ) as client:
            for each in shared:
                contents = {uuid: InMemory(data) for uuid, data in each.documents.items()}
                response = client.submit(each.submission, contents)
                documents += len(contents)
                refused += not response.ok
        return documents, refused

    def share_all(self, shared: Mapping[str, Sequence[Submitted]]) -> None:
        """Submit everything, and note how it went."""
        since = time.perf_counter()
        documents = refused = 0
        for member in self.members:
            self.step(f"{member.name} registers its documents (ITI-41)")
            some, not_taken = self.share(member, shared[member.slug])
            documents += some
            refused += not_taken
        self.check("documents registered", f"{documents}, {refused} refused", not refused, since)

    def knock(self) -> None:
        """Show that a caller without a certificate of the authority gets no connection."""
        self.step("knocking without a certificate")
        turned_away = [
            url
            for member in self.members
            for url in map(member.url, ACTORS)
            if not _is_let_in(url, certs.files(self.certificates, "ca").certificate)
        ]
        expected = len(self.members) * len(ACTORS)
        self.check(
            "no connection without a certificate",
            f"{len(turned_away)} of {expected} actors turned the caller away",
            len(turned_away) == expected,
        )

    def nurse(self) -> Client:
        """Return the client of the municipal record system, which asks the national gateway."""
        gateway = self.national_gateway.url("gateway/initiating")
        return Client(
            registry=gateway,
            retrieve=gateway,
            tls=as_client(tls_of(NURSE, self.certificates)),
            timeout_s=_TIMEOUT_S,
        )

    def find(
        self, client: Client, patient_id: CX, expected: Mapping[str, int]
    ) -> list[DocumentEntry]:
        """Ask for a patient's documents everywhere; `expected` counts them by homeCommunityId."""
        self.step("a municipal nurse asks the national gateway (ITI-18)")
        since = time.perf_counter()
        response = client.query(queries.find_documents(patient_id, status=[Status.APPROVED]))
        found = entries_of(response)
        by_home = count_by_home(found)
        complete = response.status == ResponseStatus.SUCCESS and by_home == expected
        self.check(
            "documents found everywhere",
            f"{len(found)} in {len(by_home)} communities, {status(response)}",
            complete,
            since,
        )
        return found

    def fetch(self, client: Client, entry: DocumentEntry, original: bytes, into: Path) -> Path:
        """Fetch a document of another community, and check it against entry and original."""
        self.step("fetching a document of another region (ITI-43)")
        since = time.perf_counter()
        result = client.retrieve([request_for(entry)], into=into)
        got = result.documents[0] if result.documents else None
        intact = (
            got is not None
            and got.sha1 == entry.hash
            and got.sha256 == hashlib.sha256(original).hexdigest()
        )
        name = next(m.name for m in self.members if m.home_community_id == entry.home_community_id)
        self.check(
            "document of another region fetched",
            f"{got.size} octets from {name}, SHA-1 {got.sha1[:12]}… as registered"
            if intact and got
            else f"not intact: {status(result)}",
            intact,
            since,
        )
        return got.path if got else into

    def find_without(
        self, client: Client, patient_id: CX, expected: Mapping[str, int], stopped: Member
    ) -> AdhocQueryResponse:
        """Stop one region and ask again: the others' documents, and one error that names it."""
        self.step(f"{stopped.name} stops")
        self.processes[stopped.slug].stop()
        self.step("the nurse asks again")
        since = time.perf_counter()
        response = client.query(queries.find_documents(patient_id, status=[Status.APPROVED]))
        found = count_by_home(entries_of(response))
        left = {home: n for home, n in expected.items() if home != stopped.home_community_id}
        codes = [(error.code, error.location) for error in response.errors]
        told = codes == [(ErrorCode.UNAVAILABLE_COMMUNITY, stopped.home_community_id)]
        partial = response.status == ResponseStatus.PARTIAL_SUCCESS
        self.check(
            f"partial answer without {stopped.name}",
            f"{sum(found.values())} in {len(found)} communities, {status(response)},"
            f" {len(codes)} error",
            partial and told and found == left,
            since,
        )
        return response


def members_of(communities: Sequence[Community], folder: Path, certificates: Path) -> list[Member]:
    """Return the communities as members on free ports."""
    ports = iter(free_ports(len(communities) * len(ACTORS)))
    return [
        Member(
            slug=each.slug,
            name=each.name,
            home_community_id=each.home_community_id,
            repository_unique_id=each.repository_unique_id,
            ports={actor: next(ports) for actor in ACTORS},
            folder=folder / each.slug,
            certificates=certificates,
        )
        for each in communities
    ]


def entries_of(response: AdhocQueryResponse) -> list[DocumentEntry]:
    """Return the DocumentEntries of an answer."""
    return [found for found in response.objects if isinstance(found, DocumentEntry)]


def count_by_home(entries: Sequence[DocumentEntry]) -> dict[str, int]:
    """Return how many entries each community holds."""
    counts: dict[str, int] = {}
    for entry in entries:
        home = str(entry.home_community_id)
        counts[home] = counts.get(home, 0) + 1
    return counts


def status(response: Any) -> str:
    """Return `Success` of a response's status URN."""
    return str(response.status).rpartition(":")[2]


def _is_let_in(url: str, authorities: Path) -> bool:
    """Tell whether a server answers a caller that trusts it but shows no certificate."""
    context = ssl.create_default_context(cafile=str(authorities))
    where = urlsplit(url)
    try:
        with (
            socket.create_connection((where.hostname or "", where.port or 0), _TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=where.hostname) as secure,
        ):
            secure.sendall(b"GET /health/live HTTP/1.1\r\nHost: felles\r\n\r\n")
            return bool(secure.recv(1))  # in TLS 1.3 a client sees the refusal when it reads
    except (ssl.SSLError, ConnectionError):
        return False
    except OSError as failure:
        raise Unavailable(url, failure.strerror or "no connection") from failure
