"""Leaves a community alone that has not answered in time, so that not everybody waits for it.

```text
             _TIMEOUTS in a row                  _REST_S over
asked ─────────────────────────────▶ left alone ─────────────▶ one request tries
  ▲                                       ▲ late again ────────────┤
  ╰──────────────────────── any answer ───┼────────────────────────╯
```

Only what came too late counts. A community that refuses, or answers nonsense at once, holds up
nobody, and is asked again as soon as somebody wants to know.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_TIMEOUTS: Final = 3
_REST_S: Final = 30.0


@dataclass(slots=True)
class _Silence:
    timeouts: int = 0
    until: float = 0.0


class Breaker:
    """Who has been silent lately, by URL; used from one event loop.

    Parameters
    ----------
    now
        The clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._silences: dict[str, _Silence] = {}

    def admits(self, url: str) -> bool:
        """Tell whether to ask there; of those that wait for an end of the silence, one may try."""
        silence = self._silences.get(url)
        if silence is None or silence.timeouts < _TIMEOUTS:
            return True
        if self._now() < silence.until:
            return False
        silence.until = self._now() + _REST_S
        return True

    def was_late(self, url: str) -> None:
        """Say that no answer came in time."""
        silence = self._silences.setdefault(url, _Silence())
        silence.timeouts += 1
        silence.until = self._now() + _REST_S

    def has_answered(self, url: str) -> None:
        """Say that something came in time, be it good or bad."""
        self._silences.pop(url, None)
