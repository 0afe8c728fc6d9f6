"""The page of commands, from the command `felles` itself."""

from collections.abc import Iterator
from typing import Any, Final

import typer

from docs.markdown import page, table
from felles import output
from felles.cli import app

_COLUMNS: Final = ("option", "when left out", "meaning")
_PROGRAM: Final = "felles"


def text() -> str:
    """Return the page."""
    exits = (output.__doc__ or "").partition("\n\n")[2].strip()
    return page(
        "Commands",
        "`felles COMMAND --help` says the same. With `python3 run.py` in the place of `felles` a"
        " fresh checkout needs no installation.",
        *(
            part
            for words, command in commands(typer.main.get_command(app))
            for part in _section(words, command)
        ),
        "## How a command ends",
        exits,
    )


def commands(group: Any, words: tuple[str, ...] = (_PROGRAM,)) -> Iterator[tuple[Any, Any]]:
    """Yield every command with the words that call it; groups only by their commands."""
    for name, command in group.commands.items():
        path = (*words, name)
        if hasattr(command, "commands"):
            yield from commands(command, path)
        else:
            yield path, command


def _section(words: tuple[str, ...], command: Any) -> Iterator[str]:
    call = " ".join(words)
    context = typer.Context(command, info_name=call)
    yield f"## {call}"
    yield "\n".join(("```sh", f"{call} {' '.join(command.collect_usage_pieces(context))}", "```"))
    yield command.help
    yield table(_COLUMNS, map(_parameter, _visible(command)))


def _visible(command: Any) -> list[Any]:
    return [each for each in command.params if not getattr(each, "hidden", False)]


def _parameter(parameter: Any) -> tuple[str, str, str]:
    """Return the row of an argument or option."""
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{each}`" for each in parameter.opts)
    return name, _default(parameter), _meaning(parameter)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "(required)"
    if getattr(parameter, "is_flag", False) or parameter.default in (None, ""):
        return ""
    return f"`{parameter.default}`"


def _meaning(parameter: Any) -> str:
    words: str = parameter.help or ""
    choices = getattr(parameter.type_descriptor.annotation, "__members__", {})
    if choices:
        words += f" One of {', '.join(f'`{each}`' for each in choices.values())}."
    if parameter.envvar:
        words += f" Also as the variable `{parameter.envvar}`."
    return words
