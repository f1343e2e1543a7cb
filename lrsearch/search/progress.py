"""How far a search is, and where its time went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial, TrialState

from lrsearch.metric import ACCURACY, Metric
from lrsearch.records import whole
from lrsearch.trials.history import History


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
class SearchState:
    """What a progress display shows: of all replicates together, earlier runs included.

    `reports` are the last reports of the runs of this process, in words. `trial_epochs` alone counts from the beginning
    of this run, whichever process trained them and whether it still lives; `epochs_before` are those of earlier runs.
    """

    total: int
    metric: Metric = ACCURACY
    complete: int = 0
    pruned: int = 0
    crashed: int = 0
    running: int = 0
    reports: tuple[str, ...] = ()
    best: float | None = None
    best_family: str = ""
    trial_epochs: int = 0
    epochs_before: int = 0
    times: SearchTimes = field(default_factory=SearchTimes)
    _tallies: list[_Tally] = field(default_factory=list, repr=False)

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
        self.pruned = sum(tally.pruned for tally in self._tallies)
        self.crashed = sum(len(tally.history.crashed) for tally in self._tallies)
        self.running = sum(len(tally.history.running) for tally in self._tallies)
        self.trial_epochs = sum(tally.trained for tally in self._tallies) - self.epochs_before

    def count(self, state: TrialState, family: str, value: float | None) -> None:
        """Count one finished trial of this process, before it can be read; one that diverged has no value."""
        self.complete += state == TrialState.COMPLETE
        self.pruned += state == TrialState.PRUNED
        if state == TrialState.COMPLETE:
            self._keep_best(family, value)

    def _keep_best(self, family: str, value: float | None) -> None:
        sign = self.metric.sign
        if value is not None and (self.best is None or sign * value > sign * self.best):
            self.best, self.best_family = value, family


@dataclass
class _Tally:
    """The counts of one study; what has ended is counted once."""

    history: History
    complete: int = 0
    pruned: int = 0
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
        self.pruned += sum(trial.state == TrialState.PRUNED for trial in new)
        unfinished = (*self.history.running, *self.history.waiting)
        self.trained = self._ended_epochs + sum(map(_trained, unfinished))
        return complete


def _trained(trial: FrozenTrial) -> int:
    """Return how many epochs were trained for a trial; those before its checkpoint are reported twice."""
    return max(0, len(trial.intermediate_values) - (whole(trial.user_attrs.get("resumed_after_epochs")) or 0))
