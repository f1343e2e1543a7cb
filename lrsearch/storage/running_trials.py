"""What a process writes of its running trials, in one transaction where the storage has such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from lrsearch.storage.database.patience import PatientStorage
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
