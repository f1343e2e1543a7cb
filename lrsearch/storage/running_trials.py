"""What a process writes of its running trials, in one transaction where the storage has such."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from lrsearch.storage.database.patience import PatientStorage
from lrsearch.storage.database.trial_cache import TrialCache
from lrsearch.storage.study import storage_of


def ask_marked(study: Study, attributes: Mapping[str, Any]) -> Trial:
    """Return what `Study.ask` would, with user attributes that a new trial has from its first moment on.

    So a trial whose process is killed in this moment is known as that process's; a queued one is marked a moment later.
    """
    trial_id = study._pop_waiting_trial_id()
    if trial_id is None:
        new = create_trial(state=TrialState.RUNNING, user_attrs=dict(attributes))
        return Trial(study, storage_of(study)[0].create_new_trial(study._study_id, new))
    trial = Trial(study, trial_id)
    with suppress(UpdateFinishedTrialError):  # this process was paused here, and another took the trial
        set_attributes(trial, attributes)
    return trial


def as_last_read(study: Study) -> AbstractContextManager[None]:
    """Let what this thread asks of a study see its trials as they were when they were last read.

    For the moment after a read: a database is asked no more than once for the same.
    """
    storage = storage_of(study)[0]
    return storage.as_last_read() if isinstance(storage, TrialCache) else nullcontext()


@contextmanager
def written_at_once(trial: Trial) -> Iterator[dict[str, Any]]:
    """Write the parameters that the body suggests, and the user attributes that it puts into the dict it is given.

    Raises:
        UpdateFinishedTrialError: at the end of the body, if the trial has finished.
    """
    attributes: dict[str, Any] = {}
    if (database := _database(trial)) is None:
        yield attributes
        set_attributes(trial, attributes)
        return
    with database.parameters_gathered() as parameters:
        yield attributes
    database.begin_trial(trial._trial_id, parameters, attributes)


def end_trial(trial: Trial, state: TrialState, value: float, attributes: Mapping[str, Any]) -> None:
    """Write how a trial has ended, complete or pruned, with user attributes.

    Raises:
        UpdateFinishedTrialError: if another process has failed the trial.
    """
    if (database := _database(trial)) is not None and math.isfinite(value):
        database.end_trial(trial._trial_id, state, value, attributes)
        return
    set_attributes(trial, attributes)
    if state == TrialState.PRUNED:
        told = trial.study.tell(trial, state=state, skip_if_finished=True)
    else:
        told = trial.study.tell(trial, value, skip_if_finished=True)
    if told.state == TrialState.FAIL:
        raise UpdateFinishedTrialError


def set_attributes(trial: Trial, attributes: Mapping[str, Any]) -> None:
    """Write user attributes of a trial.

    Raises:
        UpdateFinishedTrialError: if the trial has finished.
    """
    if (database := _database(trial)) is not None:
        database.set_trial_user_attrs(trial._trial_id, attributes)
        return
    for name, value in attributes.items():
        trial.set_user_attr(name, value)


def report(reports: Sequence[tuple[Trial, int, float]]) -> None:
    """Report values of trials of one study at steps; what a trial has reported at a step is left.

    Raises:
        UpdateFinishedTrialError: if one of the trials has finished; of the others nothing may be written then.
    """
    if reports and (database := _database(reports[0][0])) is not None:
        database.add_reports([(trial._trial_id, step, value) for trial, step, value in reports])
        return
    for trial, step, value in reports:
        trial.report(value, step)


def _database(trial: Trial) -> PatientStorage | None:
    """Return the database that a trial is kept in, where its tables are known."""
    database = getattr(trial.storage, "_backend", None)  # behind its cache
    return database if isinstance(database, PatientStorage) and database.knows_its_tables else None
