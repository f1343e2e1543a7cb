"""Studies in SQLite (or PostgreSQL, or a journal): how they are opened, what they carry, how trials are read back."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
import warnings
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.names import base_name, search_names
from lrsearch.records import LearningCurve, TrialRecord, unpack_scores

DEFAULT_STORAGE = "sqlite:///lrsearch.db"
SCHEMA_VERSION = 1
_BUSY_SECONDS = 60
_TABLE_ATTEMPTS = 10
_ENGINE = {"pool_pre_ping": True}
_PACKAGES = ("lrsearch", "optuna", "torch", "torchvision", "numpy", "scipy")


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


def create_study(
    storage: BaseStorage,
    name: str,
    config: StudyConfig,
    *,
    direction: Literal["maximize", "minimize"],
    metric_name: str = "accuracy",
    data_fingerprint: str,
    attributes: Mapping[str, Any],
) -> Study:
    """Create the study `name`, or open the one that is there and is the same search.

    Args:
        storage: from `open_storage`.
        name: the study's name in the storage.
        config: what the study is; stored whole.
        direction: "maximize" or "minimize".
        metric_name: how the dashboard calls the trials' values.
        data_fingerprint: of the data set; another one is another study.
        attributes: further user attributes of a new study (split seed, lanes, ...).

    Raises:
        InputError: if a study of this name is there and differs; the message names the difference.
    """
    if name in {study.study_name for study in storage.get_all_studies()}:
        study = optuna.load_study(study_name=name, storage=storage)
        refuse_another(study, config, data_fingerprint)
        return study
    study = optuna.create_study(study_name=name, storage=storage, direction=direction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([metric_name])
    given = {
        "schema": SCHEMA_VERSION,
        "study_file": config.model_dump(mode="json"),
        "data_fingerprint": data_fingerprint,
        "versions": {package: metadata.version(package) for package in _PACKAGES},
        "git_commit": _git_commit(),
        **attributes,
    }
    for key, value in given.items():
        study.set_user_attr(key, value)
    return study


def load_study(storage: BaseStorage, name: str) -> Study:
    """Open an existing study.

    Raises:
        InputError: if there is none of this name, naming those that are there.
    """
    names = [study.study_name for study in storage.get_all_studies()]
    if name not in names:
        raise InputError(f"there is no study {name!r} in this storage; there are: {', '.join(names) or 'none'}")
    return optuna.load_study(study_name=name, storage=storage)


def the_study(storage: BaseStorage, name: str | None) -> Study:
    """Open the study `name`, or the only search of the storage if `name` is None; of several replicates the first.

    Raises:
        InputError: if there is none, or several of which one must be named.
    """
    names = sorted(study.study_name for study in storage.get_all_studies())
    if name is None:
        bases = sorted({base_name(name) for name in names})
        if len(bases) != 1:
            known = ", ".join(bases) or "there are none"
            raise InputError(f"name one of the storage's studies with --study-name: {known}")
        name = bases[0]
    parts = [*search_names(names, name), confirmation_name(name)]
    return load_study(storage, name if name in names else next((part for part in parts if part in names), name))


def study_id(storage: BaseStorage, name: str) -> int:
    """Return the number of a study in its storage, by which the dashboard's pages are named."""
    return storage.get_study_id_from_name(load_study(storage, name).study_name)


def storage_of(study: Study) -> tuple[BaseStorage, str]:
    """Return the storage of a study and its address.

    Optuna's studies hold their storage but show it nowhere; this is the one place that looks inside.
    """
    storage = study._storage
    backend = getattr(storage, "_backend", storage)
    return storage, str(getattr(backend, "url", ""))


def confirmation_of(study: Study) -> Study:
    """Return the confirmation of a search, or the study itself if it is one.

    Raises:
        InputError: if there is none.
    """
    if is_confirmation(study.study_name):
        return study
    name = confirmation_name(base_name(study.study_name))
    storage, _ = storage_of(study)
    if name not in {summary.study_name for summary in storage.get_all_studies()}:
        raise InputError(f"{study.study_name!r} has not been confirmed: run lrsearch confirm first")
    return load_study(storage, name)


def searches_of(study: Study) -> list[Study]:
    """Return the search (or its replicates) to which a study belongs; none where fixed schedules were confirmed."""
    storage, _ = storage_of(study)
    there = [summary.study_name for summary in storage.get_all_studies()]
    return [load_study(storage, name) for name in search_names(there, base_name(study.study_name))]


def confirmation_name(name: str) -> str:
    """Return the name of a study's confirmation."""
    return f"{name}/confirm"


def is_confirmation(name: str) -> bool:
    """Return whether this is the name of a confirmation."""
    return name.endswith("/confirm")


def study_config(study: Study) -> StudyConfig:
    """Return what a study was created from.

    Raises:
        InputError: if it was not made by lrsearch.
    """
    stored = study.user_attrs.get("study_file")
    if not isinstance(stored, Mapping):
        raise InputError(f"study {study.study_name!r} was not made by lrsearch (it holds no study file)")
    return StudyConfig.from_dict(stored, source=f"study {study.study_name!r}")


def refuse_another(study: Study, config: StudyConfig, data_fingerprint: str) -> None:
    """Raise InputError, naming the difference, if a study was made from another study file or other data."""
    stored = study_config(study).identity() | {"data": study.user_attrs.get("data_fingerprint")}
    given = config.identity() | {"data": data_fingerprint}
    differences = [
        f"{key} is {stored.get(key)!r}, not {given[key]!r}" for key in given if stored.get(key) != given[key]
    ]
    if differences:
        raise InputError(
            f"study {study.study_name!r} is another one: its {'; '.join(differences)}. "
            "Choose another --study-name or --storage, or run with what it was made with"
        )


def _git_commit() -> str:
    """Return the commit of the working directory, with `+` if something is uncommitted; empty outside git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def worker_name() -> str:
    """Return host:process:start, which tells whose a running trial is."""
    return f"{platform.node()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(worker: str) -> bool:
    """Return whether `worker` was a process of this machine that runs no more; of other machines nothing is known."""
    host, _, process = worker.rpartition(":")[0].rpartition(":")
    if host != platform.node() or not process.isdigit():
        return False
    return worker != f"{host}:{process}:{_started(int(process))}"


def _started(process: int) -> str:
    """Return when a process began, so that a number used again is told apart; "" if it is dead or undead.

    Where the system has no /proc, the answer is only whether there is a process of this number.
    """
    if Path("/proc/self/stat").exists():
        try:
            # The second field, the command in brackets, may hold blanks: count from the last bracket.
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"


def to_record(trial: FrozenTrial) -> TrialRecord:
    """Read a trial whatever wrote it: what is missing stays at its default."""
    attributes = trial.user_attrs
    schedule = attributes.get("schedule")
    curve = attributes.get("curve")
    finished = trial.state.is_finished() and trial.values
    return TrialRecord(
        number=trial.number,
        state=trial.state.name.lower(),
        family=str(attributes.get("entry") or trial.params.get("family", "")),
        params=dict(trial.params),
        value=trial.values[0] if finished else None,
        reported=dict(trial.intermediate_values),
        schedule=schedule if isinstance(schedule, Mapping) else {},
        curve=LearningCurve.from_json(curve) if isinstance(curve, Mapping) else LearningCurve(),
        init_seed=attributes.get("init_seed"),
        order_seed=attributes.get("order_seed"),
        epochs=attributes.get("epochs"),
        seconds=attributes.get("seconds"),
        device=str(attributes.get("device", "")),
        worker=str(attributes.get("worker", "")),
        stop_reason=str(attributes.get("stop_reason", "")),
        split_seed=attributes.get("split_seed"),
        block=attributes.get("block"),
        test_loss=attributes.get("test_loss"),
        test_accuracy=attributes.get("test_accuracy"),
        test_correct=unpack_scores(attributes),
    )


def records(study: Study) -> list[TrialRecord]:
    """Return every trial of a study, by number."""
    return [to_record(trial) for trial in study.get_trials(deepcopy=False)]
