"""The page of settings, from the classes of `hub.settings` and the docstrings of their fields."""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.markdown import page, table
from hub import settings

_NAMED: Final = (
    (settings.Secret, "text; `secret-file:PATH` takes it from a file"),
    (settings.HomeSetting, "OID"),
    (settings.OidSetting, "OID"),
    (settings.Port, "port"),
    (settings.Count, "whole number, 1 or more"),
    (settings.Seconds, "seconds, more than 0"),
    (settings.Url, "http or https URL"),
    (Path, "path"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (float, "number"),
    (str, "text"),
)
_COLUMNS: Final = ("name", "value", "when left out", "meaning", "variable")


class Place(NamedTuple):
    """A table of the file: its names from the top, its class, and whether it may be repeated."""

    names: tuple[str, ...]
    model: type[BaseModel]
    repeated: bool
    about: str


def text() -> str:
    """Return the page."""
    return page(
        "Settings",
        "A process reads one TOML file (`--config`, or the variable `FELLES_CONFIG`) and the"
        " environment, which wins; a list comes from the environment as JSON. A name that is not"
        " listed here is an error, so that a slip of the pen is found. Relative paths are relative"
        " to the working directory. [operating.md](operating.md) has a whole file.",
        *(part for place in places() for part in _section(place)),
    )


def places() -> Iterator[Place]:
    """Yield every table; a class that stands at several places, such as `tls`, once."""
    seen: set[type[BaseModel]] = {settings.Settings}
    pending = list(_inner(Place((), settings.Settings, repeated=False, about="")))
    while pending:
        place = pending.pop(0)
        if place.model not in seen:
            seen.add(place.model)
            yield place
            pending += _inner(place)


def _inner(place: Place) -> Iterator[Place]:
    for name, field in place.model.model_fields.items():
        repeated = get_origin(field.annotation) in {tuple, list}
        for model in _models(field.annotation):
            yield Place((*place.names, name), model, repeated, field.description or "")


def _section(place: Place) -> Iterator[str]:
    name = ".".join(place.names)
    yield f"## `[[{name}]]`" if place.repeated else f"## `[{name}]`"
    yield (place.model.__doc__ or "").partition("\n")[0] if place.repeated else place.about
    hints = get_type_hints(place.model, include_extras=True)
    rows = [
        (
            f"`{each}`",
            _type(hints[each]),
            _default(field),
            field.description or "",
            f"`FELLES_{'__'.join((*place.names, each)).upper()}`",
        )
        for each, field in place.model.model_fields.items()
    ]
    columns = len(_COLUMNS) - place.repeated  # what is repeated has no variables
    yield table(_COLUMNS[:columns], (row[:columns] for row in rows))


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    """Yield the tables that a type holds."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in get_args(hint):
        yield from _models(inner)


def _type(hint: Any) -> str:
    """Return a type for people who write TOML."""
    words = next((words for known, words in _NAMED if hint == known), "")
    if words:
        return words
    choices = get_args(hint) if get_origin(hint) is Literal else _members(hint)
    if choices:
        return " or ".join(f'`"{each}"`' for each in choices)
    inner = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) in {tuple, list, frozenset}:
        return f"list of {_type(inner[0])}"
    if get_origin(hint) in {dict, Mapping}:
        return f"table of {_type(inner[1])}"
    if any(_models(hint)):
        return "table"
    return " or ".join(map(_type, inner)) or _unknown(hint)


def _members(hint: Any) -> list[str]:
    """Return the values of an enumeration."""
    is_enum = isinstance(hint, type) and issubclass(hint, Enum)
    return [str(each.value) for each in hint] if is_enum else []


def _unknown(hint: Any) -> str:
    raise TypeError(f"there are no words for {hint}: put some into `docs.settings`")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.default
    if value is None or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return "; ".join(", ".join(f"`{v}`" for v in dict(each).values()) for each in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if str(value) else "(empty)"
