"""A database that does not answer for a while: every call is tried again, so that a restart costs no trial."""

from __future__ import annotations

import functools
import logging
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from lrsearch.errors import RunError, StorageLost
from lrsearch.storage.database.problems import database_error, explained, is_passing
from lrsearch.storage.database.quick import QuickStorage

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_SECONDS = 600.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_UNHEARD_SECONDS = 1.0
"""How long a database is silent before a warning is logged."""

_CALLS = (
    "create_new_study",
    "delete_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "set_trial_intermediate_value",
    "set_trial_user_attrs",
    "add_reports",
    "begin_trial",
    "set_trial_system_attr",
    "get_trial_id_from_study_id_trial_number",
    "get_trial",
    "record_heartbeat",
    # Optuna's cache calls these in the place of create_new_trial, set_trial_param, get_all_trials and get_best_trial.
    "_create_new_trial",
    "_set_trial_param",
    "_get_trials",
    "_get_best_trial_id",
    "_get_stale_trial_ids",
)


class PatientStorage(QuickStorage):
    """A QuickStorage whose calls wait up to ten minutes for a database that is restarted, unreachable or locked.

    A call that was cut off after the database had done it is done once: what it writes it writes over, and the end of a
    trial that exists is left. Only a trial whose making was not answered is made again: the first has no parameters,
    and the next run gives its place to another. What does not pass is raised as RunError, with what to do, where that
    is known.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        database = self.engine.url.database or ""
        is_file = self.engine.dialect.name == "sqlite" and not database.startswith((":memory:", "file:"))
        self._file = Path(database).absolute() if is_file and database else None
        self._identity = _identity(self._file)
        weakref.finalize(self, self.engine.dispose)  # or its connections would be cut off, not closed

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """Set the state and the values of a trial, as RDBStorage does; the same end twice is no error."""
        self.require_same_file()
        return set_state_idempotently(super().set_trial_state_values, super().get_trial, trial_id, state, values)

    def end_trial(self, trial_id: int, state: TrialState, value: float, attributes: Mapping[str, Any]) -> None:
        """Write how a trial has ended, as QuickStorage does; the same end twice is no error."""
        self.require_same_file()
        end = super().end_trial

        def tell(trial_id: int, state: TrialState, values: Any) -> bool:
            end(trial_id, state, values[0], attributes)
            return True

        set_state_idempotently(tell, super().get_trial, trial_id, state, [value])

    def require_same_file(self) -> None:
        """Raise StorageLost if the file of an SQLite database was deleted or replaced since it was opened.

        SQLite would write on into the old one, which no process can open any more.
        """
        if _identity(self._file) != self._identity:
            raise StorageLost(
                f"the database {str(self._file)!r} was deleted or replaced while it was in use: what was written since "
                "is lost; put it back, from a copy if need be (lrsearch backup makes them), and run the command again"
            )


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name; None where there is none."""
    try:
        status = file.stat() if file is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)


def set_state_idempotently(
    tell: Callable[[int, TrialState, Any], bool],
    get_trial: Callable[[int], FrozenTrial],
    trial_id: int,
    state: TrialState,
    values: Any,
) -> bool:
    """Return `tell(trial_id, state, values)`, called patiently; what was done and not answered counts as done.

    Args:
        tell: a storage's own `set_trial_state_values`.
        get_trial: a storage's own.
        trial_id, state, values: as `tell` takes them.

    Raises:
        UpdateFinishedTrialError: if another process has ended the trial, or ended it otherwise.
        RunError: as `patiently`.
    """
    tries = 0

    def attempt() -> bool:
        nonlocal tries
        tries += 1
        try:
            return tell(trial_id, state, values)
        except UpdateFinishedTrialError:
            stored = get_trial(trial_id)
            if tries > 1 and (stored.state, list(stored.values or ())) == (state, list(values or ())):
                return True  # the answer was lost, not the call
            raise

    return patiently(attempt)


def patiently(attempt: Callable[[], T]) -> T:
    """Return `attempt()`, called again with growing pauses while the database does not answer.

    Raises:
        RunError: if the database fails in a known way that does not pass, or not within ten minutes.
    """
    begun, pause, told = time.monotonic(), _FIRST_PAUSE_SECONDS, False
    while True:
        try:
            answer = attempt()
        except Exception as error:
            silent = time.monotonic() - begun
            if not is_passing(error) or silent > _PATIENCE_SECONDS:
                reason = explained(error)
                if reason is None:
                    raise
                raise RunError(f"the storage failed: {reason}") from error
            if not told and silent > _UNHEARD_SECONDS:
                told = True
                said = str(getattr(database_error(error), "orig", "gRPC")).partition("\n")[0]
                logger.warning(
                    f"the storage does not answer ({said}); trying again for {_PATIENCE_SECONDS / 60:.0f} minutes"
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            if told:
                logger.warning("the storage answers again")
            return answer


def patient(kind: type[T], calls: Iterable[str]) -> type[T]:
    """Return the class of a storage with these of its methods made patient."""
    for name in calls:
        setattr(kind, name, _patient(getattr(kind, name)))
    return kind


def _patient(call: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(call)
    def calling(storage: Any, *arguments: Any, **named: Any) -> T:
        if isinstance(storage, PatientStorage):
            storage.require_same_file()
        return patiently(functools.partial(call, storage, *arguments, **named))

    return calling


patient(PatientStorage, _CALLS)
