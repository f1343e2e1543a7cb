"""What the trials of a study come to, kept so that reading a long study costs what has changed since the last time.

A trial that was cut short fails, and a copy with its parameters waits. The copy names the trial under whose number the
parameters first ran (`retry_of`): the origin, by which all runs of the same parameters are known.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from lrsearch.experiment.space import known_params

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
INTERRUPTED, LOST, SURPLUS, CRASHED = "interrupted", "lost", "surplus", "crashed"
_CUT_SHORT = (INTERRUPTED, LOST)


def origin_of(trial: Trial | FrozenTrial) -> int:
    """Return the number under which a trial's parameters first ran."""
    origin = trial.user_attrs.get("retry_of")
    return origin if isinstance(origin, int) else trial.number


def is_copy(trial: Trial | FrozenTrial) -> bool:
    """Return whether a trial runs the parameters of one that was cut short."""
    return "retry_of" in trial.user_attrs


def is_crashed(trial: FrozenTrial) -> bool:
    """Return whether a trial failed by itself, twice: it takes its place in the total, and is not run again unasked."""
    return trial.state == TrialState.FAIL and trial.user_attrs.get("stop_reason") == CRASHED


class History:
    """The trials of a study as of the last `read`; threads may share it.

    Args:
        study: whose trials.
        gives_up: whether parameters are given up that were lost with their process twice, at the same epoch: they may
            be what kills it. A run in a process of its own takes none with it.

    Attributes:
        study: whose trials.
        running: those in training, by number.
        waiting: those in the queue, by number.
        ended: all that have finished or failed, in the order in which they were read; it only grows.
        crashed: those that have crashed and not been queued again since, by origin.
    """

    def __init__(self, study: Study, *, gives_up: bool = True) -> None:
        self.study, self._gives_up = study, gives_up
        self.running: list[FrozenTrial] = []
        self.waiting: list[FrozenTrial] = []
        self.ended: list[FrozenTrial] = []
        self._lock = threading.RLock()
        self._known = 0
        self._finished: list[int] = []  # sorted numbers
        self._finished_copies: list[int] = []  # sorted numbers
        self._finished_origins: set[int] = set()
        self._cut_short: dict[int, FrozenTrial] = {}  # the last one of each origin that has not finished since
        self._lost_after: dict[int, int] = {}  # by origin: the epochs that the last run lost with its process had had
        self._given_up: set[int] = set()  # origins
        self.crashed: dict[int, FrozenTrial] = {}

    def read(self) -> None:
        """Take in what has changed in the study."""
        with self._lock:
            trials = self.study.get_trials(deepcopy=False)
            unfinished = sorted(trial.number for trial in (*self.running, *self.waiting))
            changed = [*(trials[number] for number in unfinished), *trials[self._known :]]
            self._known = len(trials)
            self.running = [trial for trial in changed if trial.state == TrialState.RUNNING]
            self.waiting = [trial for trial in changed if trial.state == TrialState.WAITING]
            for trial in changed:
                self._take_place_of_crashed(trial)
                if trial.state.is_finished():
                    self._count(trial)
                    self.ended.append(trial)

    def _take_place_of_crashed(self, trial: FrozenTrial) -> None:
        """Free the place of a trial that has crashed, where this one runs its parameters again."""
        crashed = self.crashed.get(origin_of(trial))
        if crashed is not None and crashed.number < trial.number:
            del self.crashed[origin_of(trial)]
            self._finished.remove(crashed.number)
            if is_copy(crashed):
                self._finished_copies.remove(crashed.number)

    def _count(self, trial: FrozenTrial) -> None:
        origin = origin_of(trial)
        if is_crashed(trial) or trial.state in FINISHED:
            insort(self._finished, trial.number)
            if is_copy(trial):
                insort(self._finished_copies, trial.number)
            if is_crashed(trial):
                self.crashed[origin] = trial
            else:
                self._finished_origins.add(origin)
            self._cut_short.pop(origin, None)
            return
        reason = trial.user_attrs.get("stop_reason")
        if reason == LOST:
            epochs = trial.last_step or 0
            if self._gives_up and epochs <= self._lost_after.get(origin, -1):
                self._given_up.add(origin)
            self._lost_after[origin] = epochs
        if reason in _CUT_SHORT and origin not in self._finished_origins:
            last = self._cut_short.get(origin)
            if last is None or last.number < trial.number:
                self._cut_short[origin] = trial

    @property
    def finished(self) -> int:
        """How many trials are complete, pruned or crashed."""
        return len(self._finished)

    @property
    def taken(self) -> int:
        """How many places of the total are taken: by finished trials and by those in training."""
        return len(self._finished) + len(self.running)

    def unfinished_origins(self) -> set[int]:
        """Return the origins of the trials in training or in the queue."""
        with self._lock:
            return {origin_of(trial) for trial in (*self.running, *self.waiting)}

    def is_given_up(self, trial: FrozenTrial) -> bool:
        """Return whether a trial was lost with its process twice, the second time without another epoch finished."""
        return origin_of(trial) in self._given_up

    def to_queue(self) -> dict[int, dict[str, Any]]:
        """Return the parameters, by origin, of the trials that were cut short and have not been queued since.

        A trial that had no parameters when it was cut short leaves its place to a new one, and so does one that was
        given up.
        """
        with self._lock:
            queued = self.unfinished_origins()
            return {
                origin: params
                for origin, trial in self._cut_short.items()
                if origin not in queued and origin not in self._given_up and (params := known_params(trial))
            }

    def has_place(self, asked: Trial, total: int) -> bool:
        """Return whether a trial that was just asked for is one of `total`, and no copy of one that runs already.

        Of trials that were asked for at the same moment those with lower numbers stay. A new one leaves its place to
        all that were cut short, queued already or not.
        """
        with self._lock:
            if not is_copy(asked):
                later_copies = len(self._finished_copies) - bisect_left(self._finished_copies, asked.number)
                running = sum(other.number < asked.number or is_copy(other) for other in self.running)
                taken = bisect_left(self._finished, asked.number) + later_copies + running
                return taken + self._cut_short_count() < total
            earlier = [other for other in self.running if other.number < asked.number]
            origin = origin_of(asked)
            if origin in self._finished_origins or any(origin_of(other) == origin for other in earlier):
                return False
            return bisect_left(self._finished, asked.number) + len(earlier) < total

    def _cut_short_count(self) -> int:
        """Return how many trials were cut short and are still to be run, queued already or not."""
        waiting = {origin_of(trial) for trial in self.waiting if is_copy(trial)}
        running = {origin_of(trial) for trial in self.running}
        return len((waiting | self.to_queue().keys()) - running - self._finished_origins)

    def surplus_copies(self) -> list[FrozenTrial]:
        """Return the queued copies of trials that run, have finished or are queued already."""
        with self._lock:
            seen = {origin_of(trial) for trial in self.running}
            surplus = []
            for trial in filter(is_copy, self.waiting):
                origin = origin_of(trial)
                if origin in seen or origin in self._finished_origins:
                    surplus.append(trial)
                seen.add(origin)
            return surplus
