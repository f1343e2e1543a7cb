"""How far a search is, how much of it is left, and where its time went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from optuna.trial import FrozenTrial, TrialState

from lrsearch.metric import ACCURACY, Metric
from lrsearch.processes.start_times import StartTimes
from lrsearch.records import whole
from lrsearch.search.pruning import NoPruning, PruningRule
from lrsearch.trials.history import History

_WEIGHT = 6
"""Trials as which the rule's own share counts at a rung, beside those that were judged there."""


@dataclass
class SearchTimes:
    """Where the time of a search went, in seconds, how much it bought, and the memory its processes took at most.

    With several processes, all are sums over them; where one was killed, over those that were started after that.
    `wall` alone is the time that has passed, of this call.
    """

    preparation: float = 0.0
    training: float = 0.0
    sampler: float = 0.0
    storage: float = 0.0
    pruner: float = 0.0
    trial_epochs: int = 0
    peak_mib: float = 0.0
    wall: float = 0.0

    @classmethod
    def sum(cls, parts: Iterable[SearchTimes]) -> SearchTimes:
        """Return the times of several processes together."""
        total = cls()
        for part in parts:
            for name, value in vars(part).items():
                setattr(total, name, getattr(total, name) + value)
        return total


@dataclass
class TrialLengths:
    """At which epochs trials were pruned, and what follows for the others.

    The survival of Kaplan and Meier (1958): trials in training count at the rungs that they have passed. At each rung a
    rule stops a share of those it can stop, and it stops none of a family's first trials, which would mislead: so those
    are left out, and the rule's own share is mixed in.

    Attributes:
        epochs: of a trial that is not pruned.
        rule: that prunes.
        families: in all replicates.
        pruned: how many trials were pruned, by the epochs that they had had.
        ended: how many trials have ended otherwise.
    """

    epochs: int
    rule: PruningRule = field(default_factory=NoPruning)
    families: int = 1
    pruned: Counter[int] = field(default_factory=Counter)
    ended: int = 0

    def left(self, running: Sequence[int], waiting: int) -> float:
        """Return the expected number of epochs that are still to be trained.

        Args:
            running: how many epochs each trial in training has had.
            waiting: how many trials are to come.
        """
        survival = self._survival(running)
        rest = [sum(survival[epoch:]) / survival[epoch] for epoch in range(self.epochs)] + [0.0]
        begun = self.pruned.total() + self.ended + len(running)
        to_spare = min(max(self._spared - begun, 0), waiting)
        if begun <= self._spared:
            rest = [float(self.epochs - epoch) for epoch in range(self.epochs + 1)]
        new = to_spare * self.epochs + (waiting - to_spare) * sum(survival)
        return sum(rest[min(epoch, self.epochs)] for epoch in running) + new

    @property
    def _spared(self) -> int:
        """How many trials are never pruned at a rung, because too few have reported there."""
        return (self.rule.min_reports - 1) * self.families

    def _survival(self, running: Sequence[int]) -> list[float]:
        """Return the probability that a trial which can be pruned goes on after 0, 1, ... epochs."""
        going_on = [1.0]
        for epoch in range(1, self.epochs):
            if self.rule.rung(epoch) != epoch:
                going_on.append(1.0)
                continue
            pruned = sum(number for length, number in self.pruned.items() if self.rule.rung(length) == epoch)
            passed = sum(number for length, number in self.pruned.items() if length >= epoch)
            passed += self.ended + sum(length >= epoch for length in running)
            judged = max(passed - self._spared, pruned)
            going_on.append(1 - (pruned + _WEIGHT * self.rule.stopped_share) / (judged + _WEIGHT))
        return list(accumulate(going_on, lambda before, share: before * share))


@dataclass
class SearchState:
    """What a progress display shows: of all replicates together, earlier runs included.

    `reports` are the last reports of the runs of this process, in words; `running_epochs` says how many epochs each
    trial in training has had. `trial_epochs` alone counts from the beginning of this run, whichever process trained
    them and whether it still lives; `epochs_before` are those of earlier runs.
    """

    total: int
    metric: Metric = ACCURACY
    complete: int = 0
    pruned: int = 0
    crashed: int = 0
    running_epochs: tuple[int, ...] = ()
    lengths: TrialLengths = field(default_factory=lambda: TrialLengths(1))
    reports: tuple[str, ...] = ()
    best: float | None = None
    best_family: str = ""
    trial_epochs: int = 0
    epochs_before: int = 0
    times: SearchTimes = field(default_factory=SearchTimes)
    start: StartTimes = field(default_factory=StartTimes)
    _tallies: list[_Tally] = field(default_factory=list, repr=False)

    @property
    def running(self) -> int:
        """How many trials are in training."""
        return len(self.running_epochs)

    @property
    def epochs_left(self) -> float:
        """How many epochs are expected to be trained still."""
        waiting = self.total - self.complete - self.pruned - self.crashed - self.running
        return self.lengths.left(self.running_epochs, max(0, waiting))

    def begin(self, histories: Sequence[History]) -> None:
        """Count what the studies hold before a run."""
        self._tallies = [_Tally(history) for history in histories]
        self.read()
        self.epochs_before, self.trial_epochs = self.trial_epochs, 0

    def read(self) -> None:
        """Count what the studies hold, whichever process or run it came from."""
        for tally in self._tallies:
            for trial in tally.read():
                diverged = trial.user_attrs.get("stop_reason") == "diverged"
                self._keep_best(str(trial.params.get("family", "")), None if diverged else trial.value)
        self.complete = sum(tally.complete for tally in self._tallies)
        self.pruned = sum(tally.pruned.total() for tally in self._tallies)
        self.crashed = sum(len(tally.history.crashed) for tally in self._tallies)
        running = (trial for tally in self._tallies for trial in tally.history.running)
        self.running_epochs = tuple(len(trial.intermediate_values) for trial in running)
        self.lengths.ended = self.complete + self.crashed
        self.lengths.pruned = sum((tally.pruned for tally in self._tallies), Counter())
        self.trial_epochs = sum(tally.trained for tally in self._tallies) - self.epochs_before

    def count(self, state: TrialState, family: str, value: float | None, epochs: int) -> None:
        """Count one finished trial of this process, before it can be read; one that diverged has no value."""
        if state == TrialState.COMPLETE:
            self.complete += 1
            self.lengths.ended += 1
            self._keep_best(family, value)
        else:
            self.pruned += 1
            self.lengths.pruned[epochs] += 1

    def _keep_best(self, family: str, value: float | None) -> None:
        sign = self.metric.sign
        if value is not None and (self.best is None or sign * value > sign * self.best):
            self.best, self.best_family = value, family


@dataclass
class _Tally:
    """The counts of one study; what has ended is counted once."""

    history: History
    complete: int = 0
    pruned: Counter[int] = field(default_factory=Counter)
    trained: int = 0
    _ended: int = 0
    _ended_epochs: int = 0

    def read(self) -> list[FrozenTrial]:
        """Count what has changed, and return the trials that are complete since the last call."""
        self.history.read()
        new = self.history.ended[self._ended :]
        complete = [trial for trial in new if trial.state == TrialState.COMPLETE]
        self._ended += len(new)
        self._ended_epochs += sum(map(_trained, new))
        self.complete += len(complete)
        self.pruned.update(len(trial.intermediate_values) for trial in new if trial.state == TrialState.PRUNED)
        unfinished = (*self.history.running, *self.history.waiting)
        self.trained = self._ended_epochs + sum(map(_trained, unfinished))
        return complete


def _trained(trial: FrozenTrial) -> int:
    """Return how many epochs were trained for a trial; those before its checkpoint are reported twice."""
    return max(0, len(trial.intermediate_values) - (whole(trial.user_attrs.get("resumed_after_epochs")) or 0))
