"""How much memory each process takes while one large document passes, in and out.

The peak counts from just before the document (`/proc/PID/clear_refs`), and is that of the process
alone: a document on disk is in the system's memory too, which the kernel takes back at will.
"""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import load, messages, processes
from benchmarks.community import ACTORS, Community, Options, running
from benchmarks.load import Transfer
from benchmarks.messages import FIRST

_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One document's way through the processes.

    Parameters
    ----------
    before_mb, peak_mb
        Memory by process: before the document, and at most while it passed.
    cpu_s
        CPU seconds by process.
    """

    name: str
    transfer: Transfer
    before_mb: dict[str, float]
    peak_mb: dict[str, float]
    cpu_s: dict[str, float]


def passages(
    options: Options, size: int, client: ProcessPoolExecutor, folder: Path
) -> Iterator[Passage]:
    """Send a document of so many octets to a community of its own, and fetch it back."""
    where = Path(tempfile.mkdtemp(dir=folder))
    with running(where, options) as community:
        to = community.target("repository")
        small = client.submit(load.send_document, to, FIRST, _MB)  # everything is loaded by it
        small.result()
        number = FIRST + 1
        yield _watched(
            "ITI-41, in",
            community,
            lambda: client.submit(load.send_document, to, number, size).result(),
        )
        for name, endpoint in (
            ("ITI-43, out", "repository"),
            ("ITI-43, out through the gateway", "gateway/initiating"),
        ):
            to = community.target(endpoint)
            message = messages.retrieve(to)
            client.submit(load.fetch_document, to, message, FIRST, _MB).result()
            fetching = (load.fetch_document, to, message, number, size)
            yield _watched(name, community, lambda job=fetching: client.submit(*job).result())  # type: ignore[misc]  # job is bound


def _watched(name: str, community: Community, work: Callable[[], Transfer]) -> Passage:
    pids = {actor: community.pids[actor] for actor in ACTORS}
    before = {actor: processes.rss_mb(pid) for actor, pid in pids.items()}
    for pid in pids.values():
        processes.forget_peak(pid)
    cpu = community.cpu_s()
    transfer = work()
    after = community.cpu_s()
    return Passage(
        name=name,
        transfer=transfer,
        before_mb=before,
        peak_mb={actor: processes.peak_mb(pid) for actor, pid in pids.items()},
        cpu_s={key: after[key] - cpu[key] for key in after},
    )
