"""Makes the pages of `docs/` that are tables of the code: `python -m docs.generate`.

```text
ihe.transactions, SERVES ─▶ transactions.md      ihe.rules    ─▶ rules.md
ihe.errors               ─▶ errors.md            hub.settings ─▶ settings.md
ihe.queries              ─▶ queries.md           felles.cli   ─▶ commands.md
```

What they say stands in the code alone: a page is never edited, and `tests/test_docs.py` fails when
one is not what this module makes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import gateway.app
import gateway.serves
import registry.app
import registry.serves
import repository.app
import repository.serves
from docs import commands, settings
from docs.markdown import page, table
from hub.serving import Served
from ihe import errors, queries, rules, transactions
from ihe.ebxml.namespaces import readable
from ihe.errors import FaultSubcode
from ihe.queries.catalogue import QueryDefinition
from ihe.queries.parameters import Group, Parameter, ParameterType
from ihe.rules import Basis, Rule, Strictness
from ihe.transactions import Packaging, Transaction

FOLDER: Final = Path(__file__).resolve().parent

SERVED: Final[Mapping[str, Sequence[Served[Any]]]] = {  # Any: each actor has ports of its own
    registry.app.PATH: registry.serves.SERVES,
    repository.app.PATH: repository.serves.SERVES,
    gateway.app.PATH: gateway.serves.RESPONDING,
    gateway.app.INITIATING_PATH: gateway.serves.INITIATING,
}
"""What our actors serve, by the path that they serve it at."""


# --- transactions --------------------------------------------------------------------------------


def _transactions() -> str:
    catalogue: tuple[Transaction[Any, Any], ...] = transactions.CATALOGUE
    return page(
        "Transactions",
        "Every ITI transaction that the hub can read and write (`ihe.transactions`). The last"
        " column is where an actor of ours answers it, if one does; each is a module `itiNN.py` in"
        " the package of its actor. The client can send all of them.",
        table(
            ("transaction", "title", "answered by, in the Framework", "answered here at"),
            (
                (each.name, each.title, each.responder.value, ", ".join(_places(each)))
                for each in catalogue
            ),
        ),
        "## On the wire",
        f"`MTOM` stands for {Packaging.MTOM.value}, both ways; `simple` for"
        f" {Packaging.SIMPLE.value}. Messages are read in either packaging.",
        table(
            ("transaction", "wsa:Action", "of the answer", "request", "answer", "packaging"),
            (
                (
                    each.name,
                    f"`{each.action}`",
                    f"`{each.response_action}`",
                    f"`{readable(each.request_element)}`",
                    f"`{readable(each.response_element)}`",
                    each.packaging.name if each.packaging is Packaging.MTOM else "simple",
                )
                for each in catalogue
            ),
        ),
    )


def _places(transaction: Transaction[Any, Any]) -> Iterator[str]:
    for path, serves in SERVED.items():
        if any(served.transaction is transaction for served in serves):
            yield f"`{path}`"


# --- errors --------------------------------------------------------------------------------------


def _errors() -> str:
    return page(
        "Errors",
        "Every code that an answer may carry (`ihe.errors`). `codeContext` says what was found and"
        " what was expected, `location` where; the first error of an answer ends in the trace id"
        " that the log has too. An answer with errors is a Failure, or a PartialSuccess when part"
        " of what was asked for is in it; warnings alone leave it a Success.",
        table(
            ("code", "severity", "transactions", "meaning"),
            (
                (
                    f"`{each.code}`",
                    each.severity.rpartition(":")[2],
                    _numbers(each.transactions),
                    each.meaning,
                )
                for each in errors.CATALOGUE.values()
            ),
        ),
        "## Faults",
        "A message that cannot be worked on at all gets a SOAP fault: `Sender` (HTTP 400, or a more"
        " exact status) when the message is at fault, `Receiver` (HTTP 500 or 503) when the hub is,"
        " `MustUnderstand` and `VersionMismatch` as SOAP 1.2 has them. Its reason names what was"
        " expected. Subcodes that it may have:",
        "\n".join(f"- `{each}`" for each in FaultSubcode),
    )


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(f"ITI-{number}" for number in numbers)


# --- rules ---------------------------------------------------------------------------------------

_GROUPS: Final = {
    "A": "ids and the shape of the XML",
    "B": "what a submission is made of",
    "C": "which attributes must be there",
    "D": "the form of values",
    "F": "what must agree: inside the submission, with the affinity domain, with the registry",
    "G": "what may be updated (ITI-57, ITI-92)",
    "H": "what may be removed (ITI-62)",
    "N": "numbers of Norwegian persons and organisations",
}


def _rules() -> str:
    by_group: dict[str, list[Rule[Any]]] = {}
    for rule in rules.RULES.values():
        by_group.setdefault(rule.group, []).append(rule)
    parts: list[str] = []
    for group, members in by_group.items():
        parts += [
            f"## {group}: {_GROUPS[group]}",
            _what_a_group_does(group, members),
            table(_RULE_COLUMNS, map(_rule, members)),
        ]
    return page(
        "Rules",
        "What a registry checks of a submission (`ihe.rules`). A broken rule gives its code as an"
        " Error (`reject`), as a Warning (`warn`) or not at all (`off`). The setting"
        " `registry.strictness` says so for a rule or for a whole group; a rule that is *fixed* is"
        " always rejected, because the registry could not keep such a submission. Every broken rule"
        " is told, not the first only. What a sender reads for each is listed, defect by defect, in"
        " [what is refused, and how](../tests/golden/refused.md).",
        "What counts for a rule, the first of these that is set: the rule itself, its group, its"
        " default in the tables below. So a whole group at `reject` is *stricter* than the default"
        " where a rule is a warning or off by itself, which is said at each group.",
        '```toml\n[registry.strictness]\nD = "warn"     # the form of values: tell, and take it'
        '\nD6 = "reject"  # but never a hash or size that is none\nC9 = "off"     # say nothing of'
        " fixed names\n```",
        "Where a rule comes from:",
        "\n".join(f"- *{each.name.lower()}*: {each.value}" for each in Basis),
        *parts,
        "## What has no rule",
        table(("what", "why"), rules.NO_RULE.items()),
    )


def _what_a_group_does(group: str, members: Sequence[Rule[Any]]) -> str:
    """Return what changes when a whole group is set."""
    fixed = [each.id for each in members if each.fixed]
    milder = [each.id for each in members if not each.fixed and each.default is not _REJECT]
    if len(fixed) == len(members):
        return "No setting relaxes any of them."
    but = f"all but {', '.join(fixed)}" if fixed else "all of them"
    said = [f"`{group}` set to `warn` or `off` relaxes {but}."]
    if milder:
        said.append(
            f"`{group}` set to `reject` makes {', '.join(milder)} stricter than by default."
        )
    return " ".join(said)


_REJECT: Final = Strictness.REJECT
_RULE_COLUMNS: Final = ("rule", "what", "code", "from", "clause", "default", "why so")


def _rule(rule: Rule[Any]) -> tuple[str, ...]:
    return (
        rule.id,
        rule.says,
        f"`{rule.code}`",
        rule.basis.name.lower(),
        rule.clause,
        "reject, fixed" if rule.fixed else rule.default.value,
        rule.why,
    )


# --- stored queries ------------------------------------------------------------------------------

_QUERY_COLUMNS: Final = ("parameter", "restricts", "values", "how many")


def _queries() -> str:
    return page(
        "Stored queries",
        "Every stored query that the registry answers (`ihe.queries.catalogue`), with the values"
        " that its parameters take:",
        table(("kind", "values"), ((_kind(each), each.value) for each in ParameterType)),
        "*One* value, or *any* of several; *all* means that the Slot may be repeated, and each of"
        " them has to be met. An answer holds whole objects (`LeafClass`) or their ids"
        " (`ObjectRef`).",
        *(part for each in queries.CATALOGUE.values() for part in _query(each)),
    )


def _query(query: QueryDefinition) -> Iterator[str]:
    yield f"## {query.title}"
    yield (
        f"`{query.id}`, {query.clause}; {_numbers(query.transactions)}."
        f" Returns {_listed(query.returns)}."
    )
    yield table(_QUERY_COLUMNS, map(_parameter, query.parameters))
    if query.groups:
        yield "\n".join(f"- {_group(each)}" for each in query.groups)


def _parameter(parameter: Parameter) -> tuple[str, ...]:
    many = "any" if parameter.many else "one"
    if parameter.repeatable:
        many += ", all"
    return (
        f"`{parameter.name}`" + (" (required)" if parameter.required else ""),
        _listed(parameter.restricts) + (": drops them" if parameter.excludes else ""),
        _kind(parameter.type),
        many,
    )


def _group(group: Group) -> str:
    names = ", ".join(f"`{name}`" for name in group.names)
    match group.least, group.most:
        case 1, 1:
            return f"exactly one of {names}"
        case 0, 1:
            return f"at most one of {names}"
        case _:
            return f"at least {group.least} of {names}"


def _kind(kind: ParameterType) -> str:
    return kind.name.lower().replace("_", " ")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


# --- all of them ---------------------------------------------------------------------------------

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "transactions.md": _transactions,
    "errors.md": _errors,
    "rules.md": _rules,
    "queries.md": _queries,
    "settings.md": settings.text,
    "commands.md": commands.text,
}
"""What makes each page, by its file name."""


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
