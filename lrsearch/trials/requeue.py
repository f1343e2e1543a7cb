"""Trials whose run was cut short: given back by who is stopped, taken back from who has died, queued exactly once.

A trial that was cut short fails, and a copy with its parameters waits; the copy names the trial under whose number they
first ran (`retry_of`), the origin. A process may die, or two may meet, between the two steps: so whoever asks for a
trial first queues what was failed and not queued, and of two copies of one trial the one with the lower number runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from lrsearch.experiment.space import known_params
from lrsearch.storage import fail_waiting, is_dead, set_attribute
from lrsearch.trials.states import UNFAILED

INTERRUPTED, LOST, SURPLUS = "interrupted", "lost", "surplus"
_CUT_SHORT = (INTERRUPTED, LOST)
_NAMELESS_SECONDS = 20.0
"""How long a process may take from asking for a trial to writing its name on it; one that takes longer loses it."""


def origin_of(trial: Trial | FrozenTrial) -> int:
    """Return the number under which a trial's parameters first ran."""
    origin = trial.user_attrs.get("retry_of")
    return origin if isinstance(origin, int) else trial.number


def give_back(study: Study, trials: Iterable[Trial]) -> None:
    """Mark running trials as interrupted, and queue their parameters for whoever asks next."""
    for trial in trials:
        _fail(study, trial.number, INTERRUPTED)
    _queue_again(study, study.get_trials(deepcopy=False))


def take_back(study: Study, silent: Collection[int] = ()) -> int:
    """Queue the running trials of dead processes again; return how many there were.

    Args:
        study: whose.
        silent: numbers of running trials of other machines whose processes are taken for dead.
    """
    trials = study.get_trials(deepcopy=False)
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    lost = [trial.number for trial in running if trial.number in silent or _is_lost(trial)]
    taken = sum(_fail(study, number, LOST) for number in lost)
    _queue_again(study, study.get_trials(deepcopy=False) if lost else trials)
    return taken


def is_doubled(trials: Iterable[FrozenTrial], trial: Trial) -> bool:
    """Return whether a trial that was just asked for is a copy of one of `trials` that runs or has finished already."""
    if "retry_of" not in trial.user_attrs:
        return False
    others = (other for other in trials if other.state in UNFAILED and other.number < trial.number)
    return any(origin_of(other) == origin_of(trial) for other in others)


def cut_short(trials: Collection[FrozenTrial]) -> int:
    """Return how many of a study's trials were cut short and are still to be taken up, queued already or not."""
    there = {origin_of(trial) for trial in trials if trial.state in UNFAILED}
    waiting = {origin_of(t) for t in trials if t.state == TrialState.WAITING and "retry_of" in t.user_attrs}
    return len((waiting | set(_to_queue(trials))) - there)


def withdraw_doubled(study: Study) -> None:
    """Fail the waiting copies of trials that run, have finished or wait already: two processes that met left them."""
    trials = study.get_trials(deepcopy=False)
    there = {origin_of(trial) for trial in trials if trial.state in UNFAILED}
    for trial in trials:
        if trial.state == TrialState.WAITING and "retry_of" in trial.user_attrs:
            if origin_of(trial) in there:
                with suppress(UpdateFinishedTrialError):  # somebody has asked for it in this moment, and given it up
                    set_attribute(study, trial.number, "stop_reason", SURPLUS)
                    fail_waiting(study, trial.number)
            there.add(origin_of(trial))


def unfinished_origins(study: Study) -> set[int]:
    """Return the first numbers of the trials that run, or wait to be taken up again."""
    states = (TrialState.RUNNING, TrialState.WAITING)
    return {origin_of(trial) for trial in study.get_trials(deepcopy=False, states=states)}


def is_nameless(trial: FrozenTrial) -> bool:
    """Return whether a trial runs without its process's name: just begun, or left so by a process that was killed."""
    return trial.state == TrialState.RUNNING and "worker" not in trial.user_attrs


def _is_lost(trial: FrozenTrial) -> bool:
    if not is_nameless(trial):
        return is_dead(str(trial.user_attrs["worker"]))
    begun = trial.datetime_start
    # Either way: where a clock was set back, nobody is to wait until it has caught up.
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


def _queue_again(study: Study, trials: Iterable[FrozenTrial]) -> None:
    """Queue the parameters of every one of the `trials` that was cut short and has not been queued since.

    A trial that had no parameters when it failed leaves its place to a new one.
    """
    for origin, params in _to_queue(trials).items():
        study.enqueue_trial(params, user_attrs={"retry_of": origin})


def _to_queue(trials: Iterable[FrozenTrial]) -> dict[int, dict[str, Any]]:
    """Return the parameters, by origin, of the trials that were cut short and have not been queued since."""
    last: dict[int, FrozenTrial] = {}
    unfailed = set()
    for trial in trials:
        if trial.state != TrialState.FAIL:
            unfailed.add(origin_of(trial))
        elif trial.user_attrs.get("stop_reason") in _CUT_SHORT:
            last[origin_of(trial)] = trial
    return {
        origin: params for origin, trial in last.items() if origin not in unfailed and (params := known_params(trial))
    }
