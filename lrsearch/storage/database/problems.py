"""What a database's driver says of an error, and what a person can do about it."""

from __future__ import annotations

import re
from json import JSONDecodeError

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError

_MENDING = (
    "go on from a copy (lrsearch backup makes them), or save what is whole with sqlite3 FILE .recover; "
    "lrsearch doctor --storage tells more"
)

_REMEDIES = {
    r"disk is full|No space left|disk full": "free some space on that disk, then run the same command again",
    r"disk I/O error": "the disk or its quota fails: look at the system's log, and copy the file to another disk",
    r"permission denied for (table|schema|database|sequence)": "this role may not do that: to read it needs "
    "GRANT SELECT ON ALL TABLES IN SCHEMA public, to search all rights",
    r"in a read-only transaction": "this server or this role only reads: give the address of one that may write",
    r"readonly database|read-only|permission denied": "nothing may be written to it: change the file's and its "
    "folder's mode or the role's rights, or copy the database (lrsearch backup) to where you may write",
    r"unable to open database file": "the file must be readable, and its folder writable for the two files that "
    "SQLite keeps beside it",
    r"malformed": f"the file is damaged: {_MENDING}",
    r"not a database": "this is another kind of file: name a new one",
    r"no such table: (version_info|studies)": "it is empty or another program's database: name another file",
    r"is locked|is busy": "another process has held the database for minutes: find and end it (fuser FILE)",
    r"password authentication failed|no password supplied": "give user and password as in "
    "postgresql+psycopg://user:password@host/db, or in ~/.pgpass",
    r'database "[^"]*" does not exist': "make it first, with createdb",
    r"too many (clients|connections)": "raise the server's max_connections, or put a pooler before it",
    r"connection (failed|refused|timeout)|server closed|could not (connect|translate)|terminating connection": "is "
    "the server running and reachable from here? Run the same command again when it is",
}

_REFUSALS = re.compile(
    r"password authentication failed|no password supplied|pg_hba\.conf|permission denied|"
    r'(database|role) "[^"]*" does not exist'
)
"""What a server says for good, with errors of the class that it has for being unreachable."""


def database_error(error: BaseException) -> DBAPIError | None:
    """Return the database driver's error that is behind another one, or None."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DBAPIError):
        cause = cause.__cause__
    return cause


def is_passing(error: BaseException) -> bool:
    """Return whether an error of the database may pass by itself: it is restarted, unreachable, or locked."""
    if isinstance(error, ConnectionError):
        return True
    if _proxy_code(error) is not None:
        return _proxy_code(error) == "UNAVAILABLE"
    if isinstance(error.__cause__ or error, PendingRollbackError):
        return True  # Optuna went on in a transaction that had lost its connection; the next one starts over
    cause = database_error(error)
    if cause is None:
        return False
    if type(cause.orig).__module__ == "sqlite3":
        return re.search("is locked|is busy", str(cause.orig)) is not None
    if _REFUSALS.search(str(cause.orig)):
        return False
    return cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError)


def _proxy_code(error: BaseException) -> str | None:
    """Return the status of an error of Optuna's gRPC proxy, whose library is optional; None of any other."""
    code = getattr(error, "code", None)
    name = getattr(code(), "name", None) if callable(code) else None
    return name if isinstance(name, str) else None


def explained(error: BaseException) -> str | None:
    """Return in one line what the database says and what to do; None if it is no known error of a database."""
    if _is_unreadable(error):
        said = " ".join(str(error).split())
        return f"a value in it cannot be read ({said}): the file is damaged, or was edited; {_MENDING}"
    cause = database_error(error)
    if cause is None:
        return None
    said = " ".join(str(cause.orig).split())
    told = advice(said)
    return None if told == said else told


def _is_unreadable(error: BaseException) -> bool:
    """Return whether Optuna failed on what a cell holds: no JSON, no text, no choice or state that there is."""
    return isinstance(error, JSONDecodeError | UnicodeDecodeError | IndexError) or type(error) is LookupError


def advice(said: str) -> str:
    """Return what a driver or the system said, with what to do about it where that is known."""
    remedy = next((todo for sign, todo in _REMEDIES.items() if re.search(sign, said, re.IGNORECASE)), None)
    return said if remedy is None else f"{said}: {remedy}"
