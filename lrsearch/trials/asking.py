"""Asking for the next trial of a search that several processes share: the total is exact, and nothing runs twice."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from lrsearch.trials.requeue import SURPLUS, cut_short, is_doubled, take_back
from lrsearch.trials.states import UNFAILED


def ask(study: Study, total: int) -> Trial | None:
    """Return a trial to run: one that waits to be taken up again, or a new one; None if `total` are finished or run.

    Another worker may ask at the same moment: the trial with the lower number stays, the other is given up.
    """
    take_back(study)
    # Those that wait are still to be asked.
    while len(study.get_trials(deepcopy=False, states=UNFAILED)) < total:
        trial = study.ask()
        trials = study.get_trials(deepcopy=False)
        if _has_place(trials, trial, total) and not is_doubled(trials, trial):
            return trial
        with suppress(UpdateFinishedTrialError):  # if this process was paused here, another has failed it
            trial.set_user_attr("stop_reason", SURPLUS)
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        take_back(study)
    return None


def _has_place(trials: Collection[FrozenTrial], trial: Trial, total: int) -> bool:
    """Return whether a trial that was just asked for is one of `total`.

    A new one leaves its place to all that were cut short: to those, too, that another worker is about to queue.
    """
    new = "retry_of" not in trial.user_attrs
    taken = sum(
        other.state in UNFAILED and (other.number < trial.number or (new and "retry_of" in other.user_attrs))
        for other in trials
    )
    return taken + (cut_short(trials) if new else 0) < total
