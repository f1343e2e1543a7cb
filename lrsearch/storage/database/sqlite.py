"""SQLite in the way that several processes need, and in the way that a mere reader may."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from optuna.exceptions import StorageInternalError
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from lrsearch.errors import InputError, RunError
from lrsearch.names import DEFAULT_STORAGE
from lrsearch.passwords import redacted
from lrsearch.storage.database.patience import PatientStorage
from lrsearch.storage.database.quick import ONLY_READS

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 60
_TABLE_ATTEMPTS = 10
_NETWORKS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "beegfs", "gpfs", "glusterfs", "fuse.", "fhgfs")
"""How the types of file systems begin that other machines see too; sshfs, s3fs and most of FUSE among them."""

_OPTUNAS = re.compile(r"(study|trial)_|studies$|trials$|version_info$|alembic_version$|sqlite_")
_MOUNTS = Path("/proc/mounts")


def is_sqlite(url: str) -> bool:
    """Return whether an address is one of SQLite, with or without the name of its driver."""
    return re.match(r"sqlite(\+pysqlite)?:", url) is not None


def database_file(url: str) -> Path:
    """Return the file that an SQLite address names, as SQLAlchemy reads it: without options, %20 as a blank."""
    return Path((make_url(url).database or "") if ":///" in url else "")


def sqlite_path(url: str) -> Path:
    """Return the file that an SQLite address names.

    Raises:
        InputError: if it names no possible file, or has another option than a timeout.
    """
    path = database_file(url)
    if path.name in ("", ":memory:"):
        raise InputError(f"storage {redacted(url)!r} cannot be opened: name a file, as in {DEFAULT_STORAGE}")
    try:
        folder, is_folder = path.parent.is_dir(), path.is_dir()
    except OSError as error:  # no right to look there, or a name that is too long
        raise InputError(f"storage {redacted(url)!r} cannot be opened: {error.strerror}") from error
    if not folder:
        raise InputError(f"storage {redacted(url)!r} cannot be opened: there is no folder {str(path.parent)!r}")
    if is_folder:
        raise InputError(f"storage {redacted(url)!r} cannot be opened: {str(path)!r} is a folder; name a file in it")
    for option, value in make_url(url).query.items():
        if option != "timeout" or not isinstance(value, str) or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            raise InputError(
                f"storage {redacted(url)!r} cannot be opened: after a file's name stands nothing, or how many seconds a"
                " locked database is waited for, once, as in ?timeout=60"
            )
    return path


def open_sqlite(url: str) -> PatientStorage:
    """Open an SQLite database to work on it, with its tables made if it has none.

    Write-ahead logging, a minute's patience, and transactions that take the lock before they read, without which
    several processes take the same waiting trial; those that only read take none.
    """
    _require_no_other_tables(sqlite_path(url))
    # Whether it is a database only SQLite may find out: a file that is opened and closed beside it loses all locks that
    # this process holds on it, and other processes then throw away what is still to be read.
    storage = made_by_one(lambda: PatientStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}}))
    _prepare(storage, ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"), begin="BEGIN IMMEDIATE")
    return storage


def _require_no_other_tables(path: Path) -> None:
    """Raise InputError if an existing database has tables and none of Optuna's, before any is made beside them.

    SQLite itself reads it, and only where there is something to read.
    """
    if file_size(path) == 0:
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(read_only_addresses(path)[0], uri=True)) as connection:
        tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"studies", "version_info"} <= tables and any(not _OPTUNAS.match(table) for table in tables):
            raise InputError(
                f"{str(path)!r} is another program's database (it holds {', '.join(sorted(tables)[:3])}): name another"
                " file"
            )


def open_sqlite_to_read(url: str) -> PatientStorage:
    """Open an existing SQLite database without ever holding up those who work on it.

    Where its file or folder may not be written, it is opened read-only, and where not even that goes (write-ahead
    logging needs a file beside the database), as a file that does not change.
    """
    path = sqlite_path(url)
    *ways, last = [url, *(f"sqlite:///{way}&uri=true" for way in read_only_addresses(path))]
    for way in ways:
        try:
            return _reader(way)
        except (SQLAlchemyError, StorageInternalError, RunError) as error:
            if not needs_another_way(str(error.__cause__ or error)):
                raise
    require_no_log(path)
    return _reader(last)


def require_no_log(path: Path) -> None:
    """Raise InputError if trials are in a database's write-ahead log, and only the database itself can be read.

    SQLite reads the log only where it may write a file beside it.
    """
    log = path.with_name(f"{path.name}-wal")
    if file_size(log) > 0:
        raise InputError(
            f"{str(path)!r} cannot be read whole: its newest trials are in {log.name}, which SQLite reads only where "
            "it may write beside it. Copy both files to a folder that may be written and has room, or run lrsearch "
            "backup where the database is written"
        )


def read_only_addresses(path: Path) -> list[str]:
    """Return the URIs by which SQLite opens a file that may only be read, the last as a file that does not change."""
    read_only = f"file:{quote(str(path.absolute()))}?mode=ro"
    return [read_only, f"{read_only}&immutable=1"]


def needs_another_way(said: str) -> bool:
    """Return whether SQLite could not open a file because it, or its folder, may only be read, or its disk is full."""
    return any(sign in said for sign in ("readonly", "unable to open", "disk is full", "disk I/O"))


def _reader(way: str) -> PatientStorage:
    kwargs = {"connect_args": {"timeout": _BUSY_SECONDS}}
    storage = PatientStorage(way, engine_kwargs=kwargs, skip_table_creation=True)
    _prepare(storage, (), begin="BEGIN")
    storage.get_all_studies()
    return storage


def _prepare(storage: PatientStorage, pragmas: tuple[str, ...], *, begin: str) -> None:
    """Let every connection begin with these pragmas, and every transaction in this way."""

    @event.listens_for(storage.engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma)

    @event.listens_for(storage.engine, "begin")
    def _begin(connection: Any) -> None:
        only_reads = connection.get_execution_options().get(ONLY_READS, False)
        connection.exec_driver_sql("BEGIN" if only_reads else begin)

    storage.engine.dispose()  # connections made before the listeners are closed


def made_by_one(make: Callable[[], PatientStorage]) -> PatientStorage:
    """Return `make()`, tried again where another process is making the same tables at this moment."""
    for attempt in range(_TABLE_ATTEMPTS):
        try:
            return make()
        except (SQLAlchemyError, StorageInternalError) as error:
            cause = _root(error)
            met = isinstance(cause, IntegrityError) or "already exists" in str(cause) or "is locked" in str(cause)
            if not met or attempt == _TABLE_ATTEMPTS - 1:
                raise
            time.sleep(0.1 * (attempt + 1))
    raise AssertionError("unreachable")


def _root(error: BaseException) -> BaseException:
    """Return the database's own error behind Optuna's."""
    return error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error


def file_size(path: Path) -> int:
    """Return a file's bytes, 0 if it does not exist; the file is not opened (see `open_sqlite`)."""
    return path.stat().st_size if path.exists() else 0


def is_writable(path: Path) -> bool:
    """Return whether an SQLite database and its folder may be written; the file is not opened."""
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


def network_file_system(path: Path) -> str:
    """Return the type of the network file system that a file is or would be on; "" on a local disk, or if not known.

    Linux alone says so (/proc/mounts).
    """
    try:
        mounts = [line.split(" ")[1:3] for line in _MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    place = path.absolute().resolve()
    over = [(len(point), order, kind) for order, (point, kind) in enumerate(mounts) if _is_under(place, point)]
    kind = max(over, default=(0, 0, ""))[2]  # the innermost, and of several at one place the last
    return kind if kind.startswith(_NETWORKS) else ""


def _is_under(place: Path, point: str) -> bool:
    # Blanks and the like are written in octal there.
    return place.is_relative_to(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point))
