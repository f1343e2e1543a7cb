"""Opening a storage by its address: SQLite, a database server, a journal, Optuna's gRPC proxy before one of these."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from lrsearch.errors import InputError, RunError
from lrsearch.names import DEFAULT_STORAGE
from lrsearch.passwords import redacted, without_secrets
from lrsearch.storage.database.patience import PatientStorage, patiently
from lrsearch.storage.database.problems import explained
from lrsearch.storage.database.proxy import open_proxy
from lrsearch.storage.database.sqlite import (
    database_file,
    is_sqlite,
    made_by_one,
    network_file_system,
    open_sqlite,
    open_sqlite_to_read,
    sqlite_path,
)

Storage: TypeAlias = BaseStorage
"""What the functions here return, for those who pass it on and know nothing of Optuna."""

_MEMORY = "memory://"
_in_memory: dict[str, InMemoryStorage] = {}

_POSTGRES_CONNECTION = {
    "connect_timeout": 10,
    # A server that vanished without a word is noticed in a minute, not after hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def open_storage(url: str = DEFAULT_STORAGE) -> BaseStorage:
    """Open a storage address to work on it, making its tables if it has none.

    `sqlite:///file.db` is opened as several processes need it; `postgresql+psycopg://user:password@host/db` (or plain
    `postgresql://`) and every other database of SQLAlchemy, `journal:///file.log` and `grpc://host:port` (a proxy that
    `optuna.storages.run_grpc_proxy_server` serves) work too. `memory://NAME` is a storage of this process alone, which
    its end destroys: for tests and simulations.

    Raises:
        InputError: if it cannot be opened; the message says why and never holds a password.
    """
    with _said_why(url, InputError):
        return _open(url)


def reopen_storage(url: str) -> BaseStorage:
    """Open a storage, as `open_storage`, in a process of a run whose command has opened it already.

    One that does not answer now is restarted, not misspelt, and is waited for as in every later call.

    Raises:
        RunError: if it cannot be opened, or not within ten minutes.
    """
    with _said_why(url, RunError):
        return patiently(partial(_open, url))


class NothingStored(InputError):
    """A storage that is to be read has not been made yet."""


def open_existing(url: str = DEFAULT_STORAGE) -> BaseStorage:
    """Open an existing storage to read it: nothing is made, and those who write are not held up.

    A file or a server's role that may only be read or read will do.

    Raises:
        NothingStored: if its file does not exist, or its server's database has none of Optuna's tables.
        InputError: as `open_storage`.
    """
    if (path := missing_file(url)) is not None:
        raise NothingStored(
            f"there is no file {path!r} for the storage {redacted(url)!r}: run optimize or confirm first"
        )
    with _said_why(url, InputError):
        return open_sqlite_to_read(url) if is_sqlite(url) else _open(url, to_read=True)


def existing_storage(url: str) -> BaseStorage | None:
    """Open a storage to read it, as `open_existing`; None where it has not been made yet.

    Raises:
        InputError: as `open_storage`.
    """
    try:
        return open_existing(url)
    except NothingStored:
        return None


def storage_file(url: str) -> Path | None:
    """Return the file that an address of SQLite or of a journal names; None for other storages."""
    if is_sqlite(url):
        return database_file(url)
    return Path(url.removeprefix("journal:///")) if url.startswith("journal:///") else None


def is_in_memory(url: str) -> bool:
    """Return whether an address names a storage that only this process has."""
    return url.startswith(_MEMORY)


def missing_file(url: str) -> str | None:
    """Return the path of a storage's file that does not exist; None for other storages, and for one that exists.

    Raises:
        InputError: if that cannot be found out: no right to look there, or a name that is too long.
    """
    path = storage_file(url)
    try:
        return None if path is None or path.exists() else str(path)
    except OSError as error:
        raise InputError(f"storage {redacted(url)!r} cannot be opened: {error.strerror}") from error


def absolute_address(url: str) -> str:
    """Return an address that means the same in any folder: a file's whole path instead of a relative one."""
    kind, separator, path = url.partition(":///")
    return f"{kind}:///{Path(path).absolute()}" if separator and (is_sqlite(url) or kind == "journal") else url


def shared_disk_warning(url: str) -> str | None:
    """Return what to know of an SQLite file on a network file system; None for any other storage."""
    if not is_sqlite(url) or not (kind := network_file_system(sqlite_path(url))):
        return None
    return (
        f"{redacted(url)} is on a network file system ({kind}): SQLite's write-ahead log needs a local disk, and one "
        "machine alone may use it there; for several machines take PostgreSQL (docs/scaling_out.md)"
    )


@contextmanager
def _said_why(url: str, kind: type[InputError | RunError]) -> Iterator[None]:
    """Turn every error that keeps a storage from being opened into one line without a password, raised as `kind`."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    except InputError:
        raise
    except (SQLAlchemyError, StorageInternalError, RunError, OSError, ImportError, ValueError, RuntimeError) as err:
        said = explained(err) or (str(err.__cause__ or "") or str(err)).partition("\n")[0]
        reason = without_secrets(said, url)
        cause = err if reason == said else None  # a notebook shows causes too
        if url.partition("://")[2].count("@") > 1:
            reason += "; write an @ in a user's name or password as %40"
        if "://" not in url:
            reason += f"; a file is written as sqlite:///{redacted(url) or 'lrsearch.db'}"
        raise kind(f"storage {redacted(url)!r} cannot be opened: {reason}") from cause


def _open(url: str, *, to_read: bool = False) -> BaseStorage:
    storage = open_sqlite(url) if is_sqlite(url) else _open_other(url, to_read)
    storage.get_all_studies()  # another program's database may have a table of this name
    return storage


def _open_other(url: str, to_read: bool) -> BaseStorage:
    if is_in_memory(url):
        return _in_memory.setdefault(url, InMemoryStorage())
    if url.startswith("journal:///"):
        path = url.removeprefix("journal:///")
        return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
    if url.startswith("grpc:"):
        return open_proxy(url)
    if re.match(r"postgres(ql)?(\+psycopg)?:", url):
        if importlib.util.find_spec("psycopg") is None:
            raise InputError(
                f"storage {redacted(url)!r} cannot be opened: its driver is missing; pip install 'lrsearch[postgres]'"
            )
        # SQLAlchemy's releases differ in what a plain postgresql:// means, and servers' own tools write postgres://.
        url = re.sub(r"^postgres(ql)?(\+psycopg)?:", "postgresql+psycopg:", url)
    try:
        is_postgres = make_url(url).get_backend_name() == "postgresql"
    except ValueError:
        raise ValueError("its port, after the last colon, must be a number") from None
    engine = {"pool_pre_ping": True, "connect_args": _POSTGRES_CONNECTION if is_postgres else {}}
    if to_read and not _has_tables(url, engine):
        raise NothingStored(
            f"storage {redacted(url)!r} is empty or another program's database: run optimize or confirm first"
        )
    return made_by_one(lambda: PatientStorage(url, engine_kwargs=engine, skip_table_creation=to_read))


def _has_tables(url: str, engine_options: dict[str, Any]) -> bool:
    """Return whether a server's database has Optuna's tables; they are looked for, not read."""
    engine = create_engine(url, **engine_options)
    try:
        return inspect(engine).has_table("version_info")
    finally:
        engine.dispose()
