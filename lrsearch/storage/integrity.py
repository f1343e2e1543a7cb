"""Whether a storage is whole, what is left open in it, and what to do about either."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from lrsearch.errors import InputError, RunError
from lrsearch.passwords import redacted
from lrsearch.storage.database.address import existing_storage, shared_disk_warning
from lrsearch.storage.database.problems import explained
from lrsearch.storage.database.sqlite import file_size, is_sqlite, is_writable, sqlite_path
from lrsearch.storage.study_part import StudyPart
from lrsearch.storage.worker import is_dead, is_elsewhere
from lrsearch.text import counted

_LARGE_LOG_BYTES = 64 * 2**20
_LITTLE_SPACE_BYTES = 200 * 2**20
_MENDING = "go on from a copy (lrsearch backup makes them), or save what is whole: sqlite3 FILE .recover | sqlite3 NEW"


class Finding(NamedTuple):
    """One thing that was examined: whether it is sound, what it is, and what to do."""

    name: str
    ok: bool
    detail: str


def examine_storage(url: str) -> list[Finding]:
    """Look at everything that can be wrong with a storage, and change nothing.

    Raises:
        InputError: if it cannot be opened; the message says what to do.
    """
    storage = existing_storage(url)
    if storage is None:
        return [Finding("storage", True, f"{redacted(url)} does not exist yet; the first optimize or confirm makes it")]
    try:
        studies = storage.get_all_studies()
    except RunError as error:
        return [Finding("storage", False, str(error)), _integrity(storage)]
    findings = [
        Finding("storage", True, f"{redacted(url)} opens, {counted(len(studies), 'study')}"),
        _integrity(storage),
    ]
    if is_sqlite(url):
        findings += _file(url, sqlite_path(url))
    return findings + [finding for study in studies for finding in _study(storage, study.study_name)]


def _integrity(storage: BaseStorage) -> Finding:
    if not isinstance(storage, RDBStorage):
        return Finding("database", True, "no integrity check for this kind of storage")
    schema = f"Optuna's schema {storage.get_current_version()}"
    if storage.engine.dialect.name != "sqlite":
        return Finding("database", True, f"{schema}; pg_amcheck and the server's log tell of its integrity")
    try:
        with storage.engine.connect() as connection:
            problems = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(3)")]
    except SQLAlchemyError as error:
        problems = [explained(error) or str(error)]
    if problems == ["ok"]:
        return Finding("database", True, f"intact, {schema}")
    return Finding("database", False, f"damaged ({'; '.join(problems)}): {_MENDING}")


def _file(url: str, path: Path) -> Iterator[Finding]:
    """Look at the file of an SQLite database, its write-ahead log and its disk."""
    log_bytes = file_size(path.with_name(f"{path.name}-wal"))
    log = f"{file_size(path) / 2**20:.1f} MiB, write-ahead log {log_bytes / 2**20:.1f} MiB"
    if log_bytes > _LARGE_LOG_BYTES:
        yield Finding("file", False, f"{log}: a reader that never ends keeps it from shrinking (lsof {path})")
    elif not is_writable(path):
        yield Finding("file", True, f"{log}; it may be read, not written, by you: compare leaves no note in it")
    else:
        yield Finding("file", True, log)
    free = shutil.disk_usage(path.absolute().parent).free
    little = f"only {free / 2**20:.0f} MiB are free: a run will end when there are none; make room first"
    yield Finding(
        "disk", free > _LITTLE_SPACE_BYTES, little if free <= _LITTLE_SPACE_BYTES else f"{free >> 20} MiB free"
    )
    if warning := shared_disk_warning(url):
        yield Finding("file system", False, warning)


def _study(storage: BaseStorage, name: str) -> Iterator[Finding]:
    """Look at one study: what it says of itself, and the trials that are not finished."""
    try:
        study = optuna.load_study(study_name=name, storage=storage)
        trials = study.get_trials(deepcopy=False)
        if "study_file" in study.user_attrs:
            StudyPart.of(study)
    except (InputError, RunError) as error:
        yield Finding(f"study {name}", False, str(error))
        return
    counts = Counter(trial.state.name.lower() for trial in trials)
    said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no trials"
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    remarks = [*_of_running(running)]
    if counts["waiting"]:
        remarks.append(f"{counts['waiting']} wait for the next optimize")
    if "study_file" not in study.user_attrs:
        remarks.append("not made by lrsearch")
    yield Finding(f"study {name}", True, "; ".join([said, *remarks]))


def _of_running(running: list[FrozenTrial]) -> Iterator[str]:
    workers = [str(trial.user_attrs.get("worker", "")) for trial in running]
    if dead := sum(map(is_dead, workers)):
        yield f"{dead} of those running belong to dead processes: the next optimize resumes them"
    if elsewhere := sorted({worker.split(":")[0] for worker in workers if worker and is_elsewhere(worker)}):
        yield f"some run on {', '.join(elsewhere)}; if that machine is gone, optimize resumes them after three minutes"
    if nameless := workers.count(""):
        yield f"{nameless} do not name their process: optimize resumes them two minutes after their start"
