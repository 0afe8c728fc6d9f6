"""`felles submit`, `felles find`, `felles fetch`: documents from the command line."""

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from felles.connection import Config, connect
from felles.describing import (
    Description,
    describe,
    parse_code,
    parse_oid,
    parse_patient,
    parse_time,
)
from felles.output import (
    Exit,
    errors_as_json,
    failures,
    print_errors,
    print_json,
    print_line,
    print_table,
    status_name,
    transfer,
)
from felles.signing import PURPOSES, signer, with_signature
from hub import clock, ids
from hub.client import FileContent
from hub.settings import SettingsError
from ihe import queries
from ihe.datatypes import HomeCommunityId, Identifier
from ihe.messages import DocumentRequest
from ihe.model import DocumentEntry
from ihe.vocabulary import Status

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Patient = Annotated[
    str,
    typer.Option(
        "--patient",
        help="Patient id: `id^^^&OID&ISO`, or a bare Norwegian national identity number.",
    ),
]


def submit(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="Documents to share.")
    ],
    patient: Patient,
    title: Annotated[str, typer.Option(help="Title; the file name when left out.")] = "",
    class_code: Annotated[
        str, typer.Option("--class", help="classCode, as code^^scheme^^display.")
    ] = Description.class_code,
    type_code: Annotated[
        str, typer.Option("--type", help="typeCode, as code^^scheme^^display.")
    ] = Description.type_code,
    author: Annotated[
        str, typer.Option(help="Author: a name, or an XCN such as `id^last^first`.")
    ] = Description.author,
    institution: Annotated[
        str, typer.Option(help="Author's institution: a name, or an XON.")
    ] = Description.institution,
    language: Annotated[str, typer.Option(help="languageCode.")] = Description.language,
    source: Annotated[
        str, typer.Option(help="sourceId: the OID of the submitting system.")
    ] = Description.source,
    sign_key: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Sign the documents with this private key (PEM)."),
    ] = None,
    sign_certificate: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Its certificate (PEM), then those between it and its authority."
        ),
    ] = None,
    purpose: Annotated[
        str, typer.Option(help=f"Why they are signed: {', '.join(PURPOSES)}.")
    ] = "author",
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Share documents: provide them to a repository, which registers them (ITI-41).

    All files go in one submission: all of them are shared, or none. A signature over all of them
    (IHE DSG) goes with them, if a key is given.
    """
    with failures(), tempfile.TemporaryDirectory(prefix="felles-") as folder:
        if (sign_key is None) != (sign_certificate is None):
            raise SettingsError("--sign-key and --sign-certificate go together")
        if purpose not in PURPOSES:
            raise SettingsError(f"--purpose: one of {', '.join(PURPOSES)} was expected")
        patient_id = parse_patient(patient)
        description = Description(
            patient_id=patient_id,
            title=title,
            class_code=class_code,
            type_code=type_code,
            author=author,
            institution=institution,
            language=language,
            source=source,
        )
        now = clock.now()
        submission = describe(files, description, at=now, new_uuid=ids.new_uuid)
        signature: dict[str, FileContent] = {}
        entries = submission.entries
        if sign_key is not None and sign_certificate is not None:
            submission, content = with_signature(
                submission,
                files,
                signer(sign_key, sign_certificate),
                PURPOSES[purpose],
                Path(folder),
                at=now,
                new_uuid=ids.new_uuid,
            )
            signature[submission.entries[-1].entry_uuid] = content
        total = sum(path.stat().st_size for path in files)
        with connect(config) as client, transfer("sharing", total) as progress:
            contents = {
                entry.entry_uuid: FileContent(path, progress)
                for entry, path in zip(entries, files, strict=True)
            }
            response = client.submit(submission, contents | signature)
    if as_json:
        print_json(
            {
                "status": status_name(response.status),
                "errors": errors_as_json(response.errors),
                "submission_set": submission.submission_set.unique_id,
                "signatures": [each.unique_id for each in submission.entries[len(entries) :]],
                "documents": [
                    {"file": str(path), "unique_id": entry.unique_id}
                    for entry, path in zip(entries, files, strict=True)
                ],
            }
        )
    else:
        print_errors(response.errors)
        if response.ok:
            rows = [
                (str(path), entry.unique_id or "")
                for entry, path in zip(entries, files, strict=True)
            ]
            print_table("Shared", ("file", "uniqueId"), rows)
    raise typer.Exit(Exit.of(response.status))


def find(
    patient: Patient,
    class_code: Annotated[
        list[str] | None, typer.Option("--class", help="Only this classCode, code^^scheme.")
    ] = None,
    type_code: Annotated[
        list[str] | None, typer.Option("--type", help="Only this typeCode, code^^scheme.")
    ] = None,
    since: Annotated[
        str, typer.Option(help="Only of services that started at or after this time (YYYY…).")
    ] = "",
    until: Annotated[
        str, typer.Option(help="Only of services that started before this time.")
    ] = "",
    deprecated: Annotated[
        bool, typer.Option("--deprecated", help="Replaced documents too.")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Find a patient's documents, in every community that answers (ITI-18)."""
    with failures():
        statuses = (Status.APPROVED, Status.DEPRECATED) if deprecated else (Status.APPROVED,)
        request = queries.find_documents(
            parse_patient(patient),
            status=statuses,
            class_code=tuple(map(parse_code, class_code or ())),
            type_code=tuple(map(parse_code, type_code or ())),
            service_start_time_from=parse_time("--since", since) if since else None,
            service_start_time_to=parse_time("--until", until) if until else None,
        )
        with connect(config) as client:
            response = client.query(request)
    entries = [found for found in response.objects if isinstance(found, DocumentEntry)]
    if as_json:
        print_json(
            {
                "status": status_name(response.status),
                "errors": errors_as_json(response.errors),
                "documents": [entry_as_json(entry) for entry in entries],
            }
        )
    else:
        print_errors(response.errors)
        if Exit.of(response.status) != Exit.FAILURE:
            print_entries(entries)
    raise typer.Exit(Exit.of(response.status))


def entry_as_json(entry: DocumentEntry) -> dict[str, Any]:
    """Return what `find` tells a program about an entry; its names are those of `ihe.model`."""
    return {
        "entry_uuid": entry.entry_uuid,
        "unique_id": entry.unique_id,
        "repository_unique_id": entry.repository_unique_id,
        "home_community_id": entry.home_community_id,
        "title": entry.title.value if entry.title else None,
        "class_code": str(entry.class_code) if entry.class_code else None,
        "type_code": str(entry.type_code) if entry.type_code else None,
        "mime_type": entry.mime_type,
        "size": int(entry.size) if entry.size and entry.size.isdecimal() else None,
        "hash": entry.hash,
        "creation_time": entry.creation_time,
        "service_start_time": entry.service_start_time,
        "availability_status": status_name(entry.availability_status or ""),
        "author_institutions": [
            place.name for author in entry.authors for place in author.institutions
        ],
        "author_persons": [
            f"{author.person.first} {author.person.last}".strip()
            for author in entry.authors
            if author.person
        ],
    }


def print_entries(
    entries: Sequence[DocumentEntry], communities: Mapping[str, str] | None = None
) -> None:
    """Print entries for people, newest service first.

    Parameters
    ----------
    communities
        Names of communities by homeCommunityId, where they are known. Where they are not, what
        fetches each document is printed too: ids in one piece, to be copied.
    """
    entries = sorted(
        entries, key=lambda e: e.service_start_time or e.creation_time or "", reverse=True
    )
    rows = []
    for entry in entries:
        told = entry_as_json(entry)
        home = told["home_community_id"] or ""
        row = (
            _day(told["service_start_time"] or told["creation_time"] or ""),
            told["title"] or told["type_code"] or "",
            ", ".join(told["author_institutions"]),
            told["mime_type"] or "",
            communities[home] if communities else home.removeprefix("urn:oid:"),
        )
        rows.append(row)
    title = f"{len(rows)} document{'' if len(rows) == 1 else 's'}"
    print_table(title, ("date", "title", "from", "format", "community"), rows)
    if entries and not communities:
        print_line("To fetch them, in the same order:")
        for entry in entries:
            print_line(_fetching(entry))


def _fetching(entry: DocumentEntry) -> str:
    """Return the command that fetches a document."""
    home = (entry.home_community_id or "").removeprefix("urn:oid:")
    words = ["felles", "fetch", entry.unique_id or "", "--from", entry.repository_unique_id or ""]
    return shlex.join([*words, "--home", home] if home else words)


_NUMBERED = re.compile(r"document-([0-9]{1,9})(?:\.|$)")
_DAY = len("20261124")


def _day(time: str) -> str:
    return "-".join(filter(None, (time[:4], time[4:6], time[6:_DAY])))


def fetch(
    unique_id: Annotated[list[str], typer.Argument(help="uniqueId of each document wanted.")],
    repository_unique_id: Annotated[
        str, typer.Option("--from", help="repositoryUniqueId that `find` gave.")
    ],
    home: Annotated[
        str, typer.Option("--home", help="homeCommunityId that `find` gave, if any.")
    ] = "",
    into: Annotated[Path, typer.Option(file_okay=False, help="Folder for the files.")] = Path(),
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Fetch documents into files (ITI-43), from whichever community holds them.

    A file is called document-N; N goes on from the highest that the folder has.
    """
    with failures():
        community = HomeCommunityId(parse_oid("--home", home).urn) if home else None
        repository = parse_oid("--from", repository_unique_id)
        wanted = [DocumentRequest(repository, Identifier(one), community) for one in unique_id]
        into.mkdir(parents=True, exist_ok=True)
        with connect(config) as client, transfer("fetching", None) as progress:
            result = client.retrieve(wanted, into=into, first=_next_number(into), progress=progress)
    if as_json:
        print_json(
            {
                "status": status_name(result.status),
                "errors": errors_as_json(result.errors),
                "documents": [
                    {
                        "unique_id": one.request.document_unique_id,
                        "file": str(one.path),
                        "mime_type": one.mime_type,
                        "size": one.size,
                        "sha1": one.sha1,
                        "sha256": one.sha256,
                    }
                    for one in result.documents
                ],
            }
        )
    else:
        print_errors(result.errors)
        rows = [(str(one.path), one.mime_type, str(one.size), one.sha1) for one in result.documents]
        if rows:
            print_table("Fetched", ("file", "format", "octets", "SHA-1"), rows)
    raise typer.Exit(Exit.of(result.status))


def _next_number(folder: Path) -> int:
    """Return the number after the highest that a document in the folder has."""
    found = (_NUMBERED.match(path.name) for path in folder.iterdir())
    return 1 + max((int(each[1]) for each in found if each), default=0)
