"""Lets spyne 2.14 be imported on every Python from 3.11 on.

The last spyne release predates two removals: its own copy of `six` has an importer without
`find_spec` (needed since 3.12, a warning before), and it takes `parse_header` from the module `cgi`
(gone in 3.13). Import this module before anything of spyne.
"""

import importlib.util
import sys
import types
from email.message import Message
from pathlib import Path
from typing import Any


def _load_six() -> None:
    """Load spyne's own `six` and give its importer the methods that 3.12 asks for."""
    package = importlib.util.find_spec("spyne")
    if package is None or not package.submodule_search_locations:
        return
    name = "spyne.util.six"
    path = Path(package.submodule_search_locations[0], "util", "six.py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return
    six = importlib.util.module_from_spec(spec)
    sys.modules[name] = six
    spec.loader.exec_module(six)
    importer = six._SixMetaPathImporter  # the class has no public name

    def find_spec(self: Any, fullname: str, _path: object = None, _target: object = None) -> Any:
        known = fullname in self.known_modules
        return importlib.util.spec_from_loader(fullname, self) if known else None

    importer.find_spec = find_spec
    importer.create_module = lambda self, spec: self.load_module(spec.name)
    importer.exec_module = lambda _self, _module: None


def _parse_header(line: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["content-type"] = line
    (value, _), *parameters = message.get_params() or [("", "")]
    return value, dict(parameters)


def install() -> None:
    """Put what spyne misses in its place; may be called again."""
    if "spyne.util.six" not in sys.modules:
        _load_six()
    if "cgi" not in sys.modules and importlib.util.find_spec("cgi") is None:
        cgi = types.ModuleType("cgi")
        cgi.parse_header = _parse_header  # type: ignore[attr-defined]  # the one function spyne uses
        sys.modules["cgi"] = cgi


install()
