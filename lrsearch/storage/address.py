"""Opening a storage by its address: SQLite in the way that several processes need, and whatever else Optuna knows."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from lrsearch.errors import InputError
from lrsearch.names import DEFAULT_STORAGE

_BUSY_SECONDS = 60
_TABLE_ATTEMPTS = 10
_ENGINE = {"pool_pre_ping": True}


def redacted(url: str) -> str:
    """Return a storage address without its password, be it ever so badly written."""
    without = re.sub(r"://([^:/@?]*):.*@", r"://\1:***@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", without)


def open_storage(url: str = DEFAULT_STORAGE) -> BaseStorage:
    """Open a storage address, making its tables if they are not there yet.

    `sqlite:///file.db` is opened with write-ahead logging, a minute's patience and immediate transactions, without
    which several processes take the same waiting trial. `journal:///file.log` and what SQLAlchemy knows work too.

    Raises:
        InputError: if it cannot be opened; the message says why and never holds a password.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if url.startswith("journal:///"):
            path = url.removeprefix("journal:///")
            return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
        storage = _open_sqlite(url) if url.startswith("sqlite:") else RDBStorage(url, engine_kwargs=_ENGINE)
        storage.get_all_studies()  # a database of somebody else may have a table of this name
        return storage
    except InputError:
        raise
    except (SQLAlchemyError, StorageInternalError, OSError, ImportError, ValueError, RuntimeError) as error:
        reason = str(error.__cause__ or error).splitlines()[0].replace(url, redacted(url))
        raise InputError(f"storage {redacted(url)!r} cannot be opened: {reason}") from error


def open_existing(url: str = DEFAULT_STORAGE) -> BaseStorage:
    """Open a storage that is there, for whoever only reads: a mistyped address leaves no new database behind.

    Raises:
        InputError: as `open_storage`, or if its file is not there.
    """
    if (path := missing_file(url)) is not None:
        raise InputError(f"there is no file {path!r} for the storage {redacted(url)!r}: run optimize or confirm first")
    return open_storage(url)


def missing_file(url: str) -> str | None:
    """Return the path of a storage's file that is not there."""
    kind, found, path = url.partition(":///")
    return path if found and kind in ("sqlite", "journal") and not Path(path).exists() else None


def _open_sqlite(url: str) -> RDBStorage:
    path = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or path.name == ":memory:":
        raise InputError(f"storage {url!r} cannot be opened: name a file, as in {DEFAULT_STORAGE}")
    if not path.parent.is_dir():
        raise InputError(f"storage {url!r} cannot be opened: there is no folder {str(path.parent)!r}")
    if path.is_dir():
        raise InputError(f"storage {url!r} cannot be opened: {str(path)!r} is a folder; name a file in it")
    # Whether it is a database only SQLite may find out: a file that is opened and closed beside it loses all locks that
    # this process holds on it, and other processes then throw away what is still to be read.
    storage = _with_tables(url)

    @event.listens_for(storage.engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(storage.engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    storage.engine.dispose()  # connections made before the listeners are closed
    return storage


def integrity(storage: BaseStorage) -> str:
    """Return what SQLite says of the database's integrity, or that there is nothing to check.

    Raises:
        InputError: if it is damaged, with what to do.
    """
    backend = getattr(storage, "_backend", storage)  # optuna keeps a cache before its database
    if not isinstance(backend, RDBStorage) or backend.engine.dialect.name != "sqlite":
        return "no integrity check for this kind"
    with backend.engine.connect() as connection:
        problems = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
    if problems != ["ok"]:
        raise InputError(
            f"the database is damaged ({'; '.join(problems)}): save what is whole (sqlite3 FILE .recover) and open that"
        )
    return "intact"


def _with_tables(url: str) -> RDBStorage:
    """Open the database; where another process is making the same tables, wait for it."""
    for attempt in range(_TABLE_ATTEMPTS):
        try:
            return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}})
        except (OperationalError, IntegrityError, StorageInternalError):
            if attempt == _TABLE_ATTEMPTS - 1:
                raise
            time.sleep(0.1 * (attempt + 1))
    raise AssertionError("unreachable")
