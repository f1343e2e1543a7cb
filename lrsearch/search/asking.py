"""Asking for the next trial of a search that several processes share: the total is exact, and nothing runs twice."""

from __future__ import annotations

from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.search.resume import SURPLUS, is_doubled, take_back
from lrsearch.search.state import FINISHED


def ask(study: Study, total: int) -> Trial | None:
    """Return a trial to run: one that waits to be taken up again, or a new one; None if `total` are finished or run.

    Another worker may ask at the same moment: the trial with the lower number stays, the other is given up.
    """
    take_back(study)
    while _unfailed(study) < total:
        trial = study.ask()
        if _unfailed(study, below=trial.number) < total and not is_doubled(study, trial):
            return trial
        with suppress(UpdateFinishedTrialError):  # if this process was paused here, another has failed it
            trial.set_user_attr("stop_reason", SURPLUS)
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
    return None


def _unfailed(study: Study, below: int | None = None) -> int:
    """Return how many trials are finished or running (those that wait are still to be asked)."""
    trials = study.get_trials(deepcopy=False, states=(*FINISHED, TrialState.RUNNING))
    return sum(below is None or trial.number < below for trial in trials)
