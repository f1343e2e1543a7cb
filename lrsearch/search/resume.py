"""Trials whose run was cut short: given back by who is stopped, taken back from who has died."""

from __future__ import annotations

from datetime import datetime, timedelta

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from lrsearch.search.space import known_params
from lrsearch.storage import is_dead

_NAMELESS_SECONDS = 120.0
"""How long a living process may take at most from asking for a trial to writing its name on it."""


def give_back(study: Study, trial: Trial) -> None:
    """Mark a running trial as interrupted, and queue one with the same parameters for the next run."""
    trial.set_user_attr("stop_reason", "interrupted")
    _queue_again(study, trial.number)


def take_back(study: Study) -> int:
    """Queue the running trials of dead processes of this machine again; return how many there were."""
    lost = [trial for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)) if _is_lost(trial)]
    for trial in lost:
        _queue_again(study, trial.number)
    return len(lost)


def _is_lost(trial: FrozenTrial) -> bool:
    if "worker" in trial.user_attrs:
        return is_dead(str(trial.user_attrs["worker"]))
    begun = trial.datetime_start
    return begun is not None and datetime.now() - begun > timedelta(seconds=_NAMELESS_SECONDS)


def _queue_again(study: Study, number: int) -> None:
    """Fail a trial and queue its parameters; a trial that had none yet leaves its place to a new one."""
    failed: FrozenTrial = study.tell(number, state=TrialState.FAIL)
    if params := known_params(failed):
        study.enqueue_trial(params, user_attrs={"retry_of": failed.user_attrs.get("retry_of", number)})
