"""Whose a running trial is, and whether that process still lives."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.storage.study import storage_of

_FIRST_PROCESS_NAMESPACE = 4026531836
"""Linux's number for the process numbers that all processes outside containers share."""


def worker_name() -> str:
    """Return host:process:start, which tells whose a running trial is."""
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(worker: str) -> bool:
    """Return whether `worker` was a process of this machine that runs no more; of other machines nothing is known."""
    host, _, process = worker.rpartition(":")[0].rpartition(":")
    if host != _host() or not (process.isascii() and process.isdigit()):
        return False
    return worker != f"{host}:{process}:{_started(int(process))}"


def is_elsewhere(worker: str) -> bool:
    """Return whether `worker` is a process of another machine."""
    return worker.split(":")[0] != _host()


def _host() -> str:
    """Return the name of this machine; containers that share one get a number, as each counts its own processes."""
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return platform.node()
    return platform.node() if namespace == _FIRST_PROCESS_NAMESPACE else f"{platform.node()}/{namespace}"


def _started(process: int) -> str:
    """Return when a process began, so that a number used again is told apart; "" if it has ended, also if as a zombie.

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


def set_attribute(study: Study, number: int, name: str, value: Any) -> None:
    """Write a user attribute of a trial that another process may have begun.

    Raises:
        UpdateFinishedTrialError: if the trial has finished.
    """
    storage, trial_id = _find(study, number)
    storage.set_trial_user_attr(trial_id, name, value)


def fail_waiting(study: Study, number: int) -> None:
    """Fail a trial that waits, which `study.tell` refuses.

    Raises:
        UpdateFinishedTrialError: if the trial has finished.
    """
    storage, trial_id = _find(study, number)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)


def _find(study: Study, number: int) -> tuple[BaseStorage, int]:
    """Return the storage and its own number of a trial."""
    storage, _ = storage_of(study)
    study_id = storage.get_study_id_from_name(study.study_name)
    return storage, storage.get_trial_id_from_study_id_trial_number(study_id, number)
