"""Asking for the next trial of a search that several processes share: the total is exact, and nothing runs twice."""

from __future__ import annotations

from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.storage import as_last_read, ask_marked, worker_name
from lrsearch.trials.heartbeat import HEARTBEAT, heartbeat
from lrsearch.trials.history import SURPLUS, History
from lrsearch.trials.requeue import requeue_lost


def ask(history: History, total: int, *, just_asked: bool = False) -> Trial | None:
    """Return a trial to run: a queued one or a new one; None if `total` are finished or running.

    Another worker may ask at the same moment: the trial with the lower number stays, the other is given up.

    Args:
        history: of the study; it is read.
        total: trials of the study.
        just_asked: whether it was read a moment ago, for the trial before, so that it need not be read beforehand.
    """
    while True:
        if not just_asked:
            requeue_lost(history)
        just_asked = False
        if history.taken >= total:  # queued trials take no place before they are asked for
            history.read()  # another process may have failed a trial meanwhile
            if history.taken >= total:
                return None
        trial = _begin(history.study)
        history.read()
        if history.has_place(trial, total):
            return trial
        with suppress(UpdateFinishedTrialError):  # if this process was paused here, another has failed it
            trial.set_user_attr("stop_reason", SURPLUS)
            history.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


def _begin(study: Study) -> Trial:
    """Ask for a trial, and mark it as this process's."""
    # The heartbeat comes first: a trial of another machine that has a name and no heartbeat would never be lost.
    with as_last_read(study):
        return ask_marked(study, {HEARTBEAT: heartbeat(), "worker": worker_name()})
