"""Fuzzes one target until it has run so often: `python -m benchmarks.fuzz.child NAME [options]`.

Options are libFuzzer's. It writes its progress to standard error, and findings to files.
"""

import random
import sys
from typing import Final

import atheris

with atheris.instrument_imports(include=["ihe", "registry.codes"]):
    from benchmarks.fuzz.targets import TARGETS

from benchmarks.fuzz.trees import changed

_OCTETS: Final = 3
"""One input in so many is changed in its octets, where its elements could be."""


def main() -> None:
    """Hand the process over to atheris; it ends with 0 when nothing was found."""
    target = TARGETS[sys.argv.pop(1)]
    begin = target.xml_from

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        if begin is None or seed % _OCTETS == 0:
            return bytes(atheris.Mutate(data, most))
        chance = random.Random(seed)  # noqa: S311  # to be had again, not secret
        made = data[:begin] + changed(data[begin:], chance)
        return bytes(atheris.Mutate(data, most)) if made == data or len(made) > most else made

    mutator = {} if begin is None else {"custom_mutator": mutated}
    atheris.Setup(sys.argv, target.one, **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
