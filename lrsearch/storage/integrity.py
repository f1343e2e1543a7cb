"""Whether a storage is whole."""

from __future__ import annotations

from optuna.storages import BaseStorage, RDBStorage

from lrsearch.errors import InputError


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
