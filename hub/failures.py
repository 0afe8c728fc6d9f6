"""What the errors of PostgreSQL's driver mean, and how the failure of a database is described."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg


@dataclass(frozen=True, slots=True)
class Failure:
    """What a driver's error means.

    Parameters
    ----------
    reason
        For people; holds no SQL and no values. Empty when the database is well and refused a
        statement: a defect of the hub.
    again
        The transaction was broken off for another one and can be run again.
    conflict
        It would have broken a uniqueness that another transaction established.
    full
        The database has no room left.
    stale
        The connection is of no more use, and others may do better: it was made when the server took
        no changes, or leads to a server that takes none any more.
    crowded
        The server refused a connection because it has as many as it may have.
    """

    reason: str = ""
    again: bool = False
    conflict: bool = False
    full: bool = False
    stale: bool = False
    crowded: bool = False


def postgresql_failure(error: Exception) -> Failure | None:
    """Return what an SQLSTATE means; None when the error is not of the driver."""
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate or ""
    if state in ("40001", "40P01"):
        return Failure("too many transactions at once", again=True)
    if state.startswith("23"):
        return Failure(conflict=True)
    for prefix, reason in _SQLSTATES.items():
        if state.startswith(prefix):
            full, crowded = prefix.startswith("53"), prefix == "53300"
            return Failure(reason, full=full, stale=prefix == _READ_ONLY, crowded=crowded)
    return Failure() if state else _not_made(error)


def _not_made(error: psycopg.Error) -> Failure:
    """Return what it means that a connection was not made: libpq hands on its words alone."""
    words = str(error)
    if unknown := _UNKNOWN_OPTION.search(words):
        return Failure(f"its URL has a parameter '{unknown[1]}', which libpq does not know")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        known = (reason for part, reason in _NO_CONNECTION.items() if part in words)
        reason = next(known, "no connection")
        return Failure(reason, crowded=reason == _TOO_MANY)
    return Failure()


_UNKNOWN_OPTION: Final = re.compile(r'invalid connection option "(\w{1,40})"')


_TOO_MANY: Final = "it has too many connections"

_NO_CONNECTION: Final[Mapping[str, str]] = {
    "too many": _TOO_MANY,
    "connection slots": _TOO_MANY,  # those that are left are for other roles
    "authentication failed": "it refused the login",
    "pg_hba.conf": "it refused the login",
    "role": "it refused the login",
    "does not exist": "there is no database of that name",
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
    "certificate": "its certificate was refused, or ours",
    "timeout": "it took too long to connect",
    "translate host name": "its host name is not known",
}

_READ_ONLY: Final = "25006"
_SQLSTATES: Final[Mapping[str, str]] = {  # PostgreSQL Appendix A, the first that fits
    "08": "the connection broke",
    _READ_ONLY: "it is read-only",
    "25P03": "a transaction stood idle too long",
    "28": "it refused the login",
    "3D": "there is no database of that name",
    "42501": "the login may not do this",
    "42P01": "its tables are not those of this version; run the migration",
    "42703": "its tables are not those of this version; run the migration",
    "53100": "its disk is full",
    "53200": "it is out of memory",
    "53300": _TOO_MANY,
    "53": "it is out of resources",
    "55P03": "something is locked for too long",
    "57014": "it took too long",
    "57": "it is shutting down or starting up",
    "58": "it cannot read or write its files",
    "XX": "its files are damaged",
}
