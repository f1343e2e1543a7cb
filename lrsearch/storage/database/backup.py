"""A consistent copy of a database while others work on it."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from lrsearch.errors import InputError, RunError
from lrsearch.passwords import redacted
from lrsearch.storage.database.address import missing_file
from lrsearch.storage.database.problems import advice
from lrsearch.storage.database.sqlite import (
    is_sqlite,
    needs_another_way,
    read_only_addresses,
    require_no_log,
    sqlite_path,
)

_BUSY_SECONDS = 60


def back_up(url: str, target: Path | None = None) -> Path:
    """Copy an SQLite database as it is at one moment, checked and in one file, and return the copy's path.

    Workers may write meanwhile: SQLite's online backup reads one snapshot, and delays no other process.

    Args:
        url: the storage.
        target: a new file; NAME-DATE-TIME.db beside the database if None.

    Raises:
        InputError: if the storage is no existing SQLite file, or the target exists.
        RunError: if the database is damaged, or the copy cannot be written; none is left then.
    """
    if not is_sqlite(url):
        raise InputError(_instead(url))
    source = sqlite_path(url)
    if missing_file(url) is not None:
        raise InputError(f"there is no file {str(source)!r} for the storage {redacted(url)!r}: nothing to back up")
    path = target or source.with_name(f"{source.stem}-{datetime.now():%Y%m%d-%H%M%S}{source.suffix}")
    if not path.parent.is_dir():
        raise InputError(f"no backup can be made as {str(path)!r}: there is no folder {str(path.parent)!r}")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"no backup can be made as {str(path)!r}: its folder may not be written; name another with -o")
    part = path.parent / f"{path.name}.part"
    try:
        if path.exists():
            raise InputError(f"{str(path)!r} exists: name another file with -o")
        _copy(source, part)
        part.replace(path)
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"no backup was made of {redacted(url)!r} as {str(path)!r}: {advice(str(error))}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def _copy(source: Path, part: Path) -> None:
    *ways, last = [f"file:{quote(str(source.absolute()))}?mode=rw", *read_only_addresses(source)]
    for way in ways:
        try:
            return _copy_from(way, part)
        except sqlite3.OperationalError as error:
            if not needs_another_way(str(error)):
                raise
    require_no_log(source)
    return _copy_from(last, part)


def _copy_from(address: str, part: Path) -> None:
    part.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as original,
        closing(sqlite3.connect(part)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, which opens wherever it may only be read
        copy.execute("SELECT 1 FROM studies, version_info").fetchone()
        problems = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise sqlite3.DatabaseError(f"database disk image is malformed ({'; '.join(problems)})")


def _instead(url: str) -> str:
    shown = redacted(url)
    if url.startswith("postgres"):
        # What PostgreSQL's own programs take is the same address without SQLAlchemy's driver; they ask for a password.
        plain = re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql:", shown).replace(":***@", "@")
        return f"backup copies SQLite files; for PostgreSQL run: pg_dump --format=custom --file=lrsearch.dump '{plain}'"
    if url.startswith("journal:///"):
        return f"backup copies SQLite files; {shown} is a file that only grows: cp makes a consistent copy of it"
    return f"backup copies SQLite files; for {shown} use what its server offers"
