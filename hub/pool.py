"""A pool of connections for a server that may have no room for another one.

SQLAlchemy's pool keeps a place for each connection, also for one that was closed because it broke;
who is handed that place next opens it again. With last in, first out, an empty place that the
server refuses to fill would lie on top of the connections that work:

```text
taken from the right       ○ ○ ○ ○ ● ●      ○ an empty place, to be connected
and put back there                  ▲       ● an open connection
                           ▲        └ `OpenFirst` puts open ones back here
                           └ and empty ones here
```
"""

from threading import Condition
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool


class OpenFirst(QueuePool):
    """A pool that hands out the connections that are open before it opens another."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._freed = Condition()

    def wait_for_free(self, seconds: float) -> None:
        """Wait until an open connection is free; somebody else may be quicker to take it."""
        with self._freed:
            self._freed.wait_for(self._has_free, seconds)

    def _has_free(self) -> bool:
        places: Any = self._pool
        with places.mutex:
            return bool(places.queue) and places.queue[-1].dbapi_connection is not None

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if record.dbapi_connection is not None:
            super()._do_return_conn(record)
            with self._freed:
                self._freed.notify()
            return
        places: Any = self._pool  # never full: there are no more places than it holds
        with places.mutex:
            places.queue.appendleft(record)
            places.not_empty.notify()
