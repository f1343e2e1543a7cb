"""Trials whose run was cut short, by a signal or with their process: failed, and their parameters queued exactly once.

A process may die, or two may meet, between failing and queueing: so who asks for a trial first queues what was failed
and not queued, and of two copies of one trial the one with the lower number runs.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from lrsearch.experiment.space import known_params
from lrsearch.storage import fail_waiting, is_dead, set_attribute
from lrsearch.trials.history import INTERRUPTED, LOST, SURPLUS, History

logger = logging.getLogger(__name__)

_NAMELESS_SECONDS = 20.0
"""How long a process may take from asking for a trial to writing its name on it; one that takes longer loses it."""


def requeue_interrupted(history: History, trials: Iterable[Trial]) -> None:
    """Fail running trials of this process as interrupted, and queue their parameters for the next one that asks."""
    for trial in trials:
        _fail(history.study, trial.number, INTERRUPTED)
    history.read()
    _queue(history)


def requeue_lost(history: History, silent: Collection[int] = ()) -> int:
    """Fail the running trials of dead processes, queue their parameters, and return the number of trials.

    Args:
        history: of the study; it is read.
        silent: numbers of running trials of other machines whose processes count as dead.
    """
    history.read()
    lost = [trial for trial in history.running if trial.number in silent or _is_lost(trial)]
    failed = [trial for trial in lost if _fail(history.study, trial.number, LOST)]
    if lost:
        history.read()
    for trial in filter(history.is_given_up, failed):
        logger.warning(
            f"trial {trial.number} was lost with its process again, at the same epoch: its parameters are given up"
        )
    _queue(history)
    return len(failed)


def requeue_crashed(history: History) -> int:
    """Queue the trials that have crashed once more, with their parameters; return how many there were."""
    history.read()
    crashed = {origin: known_params(trial) for origin, trial in history.crashed.items()}
    for origin, params in crashed.items():
        history.study.enqueue_trial(params, user_attrs={"retry_of": origin})
    history.read()
    return len(crashed)


def withdraw_surplus(history: History) -> None:
    """Fail the queued copies, left by two processes that met, of trials that run, have finished or are queued."""
    history.read()
    for trial in history.surplus_copies():
        with suppress(UpdateFinishedTrialError):  # another process has asked for it in this moment, and given it up
            set_attribute(history.study, trial.number, "stop_reason", SURPLUS)
            fail_waiting(history.study, trial.number)


def is_nameless(trial: FrozenTrial) -> bool:
    """Return whether a trial runs without its process's name: just begun, or left so by a process that was killed."""
    return trial.state == TrialState.RUNNING and "worker" not in trial.user_attrs


def _is_lost(trial: FrozenTrial) -> bool:
    if not is_nameless(trial):
        return is_dead(str(trial.user_attrs["worker"]))
    begun = trial.datetime_start
    # Either way: where a clock was set back, nothing is to wait until it has caught up.
    return begun is not None and abs(datetime.now() - begun) > timedelta(seconds=_NAMELESS_SECONDS)


def _fail(study: Study, number: int, reason: str) -> bool:
    """Fail a running trial; return whether it was not finished, or failed by another process, in the meantime."""
    try:
        # The reason comes first: a trial that failed without one was not cut short, and is not run again.
        set_attribute(study, number, "stop_reason", reason)
        study.tell(number, state=TrialState.FAIL)
    except (UpdateFinishedTrialError, ValueError):
        if study.get_trials(deepcopy=False)[number].state.is_finished():
            return False
        raise
    return True


def _queue(history: History) -> None:
    for origin, params in history.to_queue().items():
        history.study.enqueue_trial(params, user_attrs={"retry_of": origin})
