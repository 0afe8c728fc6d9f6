"""Fuzzes one target until it has run so often: `python -m benchmarks.fuzz.child NAME [options]`.

Options are libFuzzer's. It writes its progress to standard error, and findings to files.
"""

import sys

import atheris

with atheris.instrument_imports(include=["ihe"]):
    from benchmarks.fuzz.targets import TARGETS


def main() -> None:
    """Hand the process over to atheris; it ends with 0 when nothing was found."""
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name].one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
