"""`felles validate`: what a registry would say of a submission in a file, without one or with one.

```text
file ─▶ felles.captured ─▶ ihe.rules, repository.iti41.check     alone: all but what is registered
                       └─▶ --against URL, to be validated only   what that registry says
problems ─▶ felles.locating ─▶ lines of the file ─▶ table or JSON
```
"""

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer
from lxml import etree

import registry.app
from felles.captured import SUBMITTING, Captured, NoMessage, read_message
from felles.connection import ActorConfig, connect
from felles.locating import Places
from felles.output import Exit, failures, print_json, print_table
from hub import settings
from hub.settings import Settings, SettingsError
from hub.spool import Spool, Spooled
from ihe.datatypes import OID, HomeCommunityId
from ihe.errors import RegistryError
from ihe.messages import Attachment, Body, Content, ProvideAndRegisterRequest
from ihe.model import Submission
from ihe.rules import Profile, check_submission
from ihe.rules.alone import Nothing, check_update_alone, not_alone
from ihe.transactions import ITI_57, ITI_61, ITI_92, Transaction
from ihe.vocabulary import Severity
from registry.domain import Registry
from registry.patients import PatientMode, check_patients, with_canonical_ids
from registry.store.memory import MemoryStore
from repository import iti41

STDIN: Final = Path("-")
_FOUND: Final = re.compile(r"found (?P<found>.*), expected (?P<expected>.*)", re.DOTALL)
_TRACE: Final = re.compile(r" \(trace [0-9a-f]{32}\)$")


class As(StrEnum):
    """Which transaction a body is of."""

    ITI_41 = "ITI-41"
    ITI_42 = "ITI-42"
    ITI_57 = "ITI-57"
    ITI_61 = "ITI-61"
    ITI_92 = "ITI-92"

    @property
    def transaction(self) -> Transaction[Any, Any]:
        """The transaction of this name."""
        return next(each for each in SUBMITTING if each.name == self.value)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` is 0 and `rule` empty where there is none."""

    rule: str
    code: str
    is_error: bool
    location: str
    line: int
    context: str

    def as_json(self) -> dict[str, Any]:
        """Return it for programs; what was found and expected apart, where it says both."""
        told = _FOUND.fullmatch(self.context)
        return {
            "rule": self.rule or None,
            "code": self.code,
            "severity": "Error" if self.is_error else "Warning",
            "location": self.location,
            "line": self.line or None,
            "context": self.context,
            "found": told["found"] if told else None,
            "expected": told["expected"] if told else None,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with the message of one file, and which rules were not looked at."""

    file: str
    transaction: str
    problems: tuple[Problem, ...]
    not_checked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it would be taken, as far as that can be told."""
        return not any(problem.is_error for problem in self.problems)


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(dir_okay=False, allow_dash=True, help="Messages; `-` is standard input."),
    ],
    against: Annotated[
        str,
        typer.Option(
            help="URL of a registry (of a repository for ITI-41) that is asked what it would"
            " answer; it stores nothing."
        ),
    ] = "",
    said: Annotated[
        As | None,
        typer.Option("--as", help="Which transaction a body without wsa:Action is of."),
    ] = None,
    codes: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Accept the codes of this codes.xml or CSV only."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ActorConfig = None,
) -> None:
    """Check submissions in files as the registry of the settings would, and store nothing.

    A file holds a SOAP message as it was captured (plain or MTOM, with or without HTTP headers),
    or its body alone: SubmitObjectsRequest (ITI-42, ITI-57, ITI-61, ITI-92) or
    ProvideAndRegisterDocumentSetRequest (ITI-41). Every problem is told. Exit code 1 if there is
    an error in any of them.
    """
    with failures():
        chosen = settings.load(config)
        strict = chosen.registry
        if codes is not None:
            strict = settings.changed(strict, codes=codes)
        if against:
            _check_url(against)
        own, _codes = registry.app.ports(MemoryStore(), strict, chosen.community)
        verdicts = [_judge(path, said, own, chosen, against, config) for path in files]
    if as_json:
        print_json(
            [
                {
                    "file": each.file,
                    "transaction": each.transaction,
                    "ok": each.ok,
                    "problems": [problem.as_json() for problem in each.problems],
                    "not_checked": list(each.not_checked),
                }
                for each in verdicts
            ]
        )
    else:
        for each in verdicts:
            _print(each)
    raise typer.Exit(Exit.SUCCESS if all(each.ok for each in verdicts) else Exit.FAILURE)


def _check_url(url: str) -> None:
    try:
        settings.parse_url(url)
    except ValueError as problem:
        raise SettingsError(f"--against: {problem}") from None


def _judge(
    path: Path,
    said: As | None,
    own: Registry,
    chosen: Settings,
    against: str,
    config: Path | None,
) -> Verdict:
    name = "standard input" if path == STDIN else str(path)
    try:
        with _opened(path) as file:
            message = read_message(file, said=said.transaction if said else None)
    except NoMessage as problem:
        return Verdict(name, "", (Problem("", "Sender", True, "", problem.line, problem.reason),))
    try:
        faults = tuple(
            Problem("", str(fault.code), True, "", message.line, fault.reason)
            for fault in message.faults
        )
        alone = check(message, own, chosen)
        if not against:
            told, missing = alone, not_alone(update=message.transaction in {ITI_57, ITI_92})
        else:
            told, missing = _with_rules(_ask(message, against, config), alone), ()
        places = Places(message.body, message.line)
        problems = tuple(
            Problem(
                each.rule,
                str(each.code),
                each.severity == Severity.ERROR,
                each.location,
                places.line_of(each.location),
                each.context,
            )
            for each in told
        )
        return Verdict(name, message.transaction.name, (*faults, *problems), missing)
    finally:
        message.discard()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield io.BytesIO(sys.stdin.buffer.read())
        return
    with path.open("rb") as file:
        yield file


# --- alone ---------------------------------------------------------------------------------------


def check(message: Captured, own: Registry, chosen: Settings) -> list[RegistryError]:
    """Return what is wrong with a message, whatever is registered."""
    submission, transaction = message.submission, message.transaction
    if isinstance(message.request, ProvideAndRegisterRequest):
        contents = {each.id: _digested(each.content) for each in message.request.documents}
        if errors := iti41.check(message.request, contents):
            unpaired = {entry.entry_uuid for entry in submission.entries} - contents.keys()
            if unpaired:
                return errors
        else:
            errors = []
        repository = OID(chosen.repository.repository_unique_id)
        submission = iti41.enriched(submission, contents, repository)
        return errors + _of_submission(submission, own, own.profile())
    if transaction in {ITI_57, ITI_92}:
        return check_update_alone(
            with_canonical_ids(submission),
            own.profile(),
            home=HomeCommunityId(chosen.community.home_community_id),
            restricted=transaction is ITI_92,
        )
    profile = replace(own.profile(), on_demand=transaction is ITI_61)
    return _of_submission(submission, own, profile)


def _digested(content: Content) -> Spooled:
    """Return a document with its digests: the intake took those of documents beside the XML."""
    if isinstance(content, Spooled):
        return content
    spool = Spool()
    for chunk in content.chunks():
        spool.write(chunk)
    return spool.finish()


def _of_submission(submission: Submission, own: Registry, profile: Profile) -> list[RegistryError]:
    """Return what the rules say, and whether ids are of an authority that is taken."""
    submission = with_canonical_ids(submission)
    anybody = replace(own.patients, mode=PatientMode.OPEN)
    return [
        *check_submission(submission, profile),
        *check_patients(submission, Nothing(), anybody),
    ]


# --- with a registry -----------------------------------------------------------------------------


def _ask(message: Captured, url: str, config: Path | None) -> Sequence[RegistryError]:
    """Return what a running actor says of the message as it stands in the file, to the letter."""
    attached = tuple(
        Attachment(content_id, "application/octet-stream", content)
        for content_id, content in message.parts.items()
    )
    body = Body((etree.tostring(message.body),), attached)
    as_it_is: Transaction[Any, Any] = replace(message.transaction, write_request=lambda _: body)
    with connect(config, to=url) as client:
        response = client.send(as_it_is, message.request, url, validate_only=True)
    errors: tuple[RegistryError, ...] = response.errors
    return errors


def _with_rules(
    told: Sequence[RegistryError], alone: Sequence[RegistryError]
) -> list[RegistryError]:
    """Return what a registry told, with the rules where the same was found here."""
    rules = {(each.code, each.location, each.context): each.rule for each in alone}
    named = []
    for each in told:
        context = _TRACE.sub("", each.context)
        rule = rules.get((each.code, each.location, context), "")
        named.append(replace(each, context=context, rule=rule))
    return named


# --- printing ------------------------------------------------------------------------------------


def _print(verdict: Verdict) -> None:
    errors = sum(problem.is_error for problem in verdict.problems)
    warnings = len(verdict.problems) - errors
    rows = [
        (
            str(each.line or ""),
            each.rule,
            "error" if each.is_error else "warning",
            each.code,
            each.location,
            each.context,
        )
        for each in verdict.problems
    ]
    kind = f" ({verdict.transaction})" if verdict.transaction else ""
    counts = f"{_many(errors, 'error')}, {_many(warnings, 'warning')}"
    columns = ("line", "rule", "severity", "code", "where", "what")
    print_table(f"{verdict.file}{kind}: {counts}", columns, rows)
    if verdict.not_checked:
        rules = ", ".join(verdict.not_checked)
        print_table(f"not checked without a registry (--against URL): {rules}", (), ())


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
