"""How far a search is, and where its time went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.records import whole
from lrsearch.trials.states import FINISHED


@dataclass
class SearchTimes:
    """Where the wall time of a search went, in seconds, how much it bought, and the memory its processes took at most.

    With several processes, all are sums over them; where one was killed, over those that were started after that.
    """

    preparation: float = 0.0
    training: float = 0.0
    sampler: float = 0.0
    storage: float = 0.0
    pruner: float = 0.0
    trial_epochs: int = 0
    peak_mib: float = 0.0

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

    `trial_epochs` alone counts from the beginning of this run, whichever process trained them and whether it still
    lives; `epochs_before` are those of earlier runs.
    """

    total: int
    maximize: bool = True
    complete: int = 0
    pruned: int = 0
    running: int = 0
    best: float | None = None
    best_family: str = ""
    trial_epochs: int = 0
    epochs_before: int = 0
    times: SearchTimes = field(default_factory=SearchTimes)

    def begin(self, studies: Sequence[Study]) -> None:
        """Count what the studies hold before a run."""
        self.epochs_before = sum(_trained(trial) for study in studies for trial in study.get_trials(deepcopy=False))
        self.read(studies)

    def read(self, studies: Sequence[Study]) -> None:
        """Count anew what the studies hold, whichever process or run it came from."""
        self.complete = self.pruned = self.running = 0
        self.trial_epochs = -self.epochs_before
        for study in studies:
            for trial in study.get_trials(deepcopy=False):
                self.running += trial.state == TrialState.RUNNING
                self.trial_epochs += _trained(trial)
                if trial.state in FINISHED:
                    self.count(trial.state, str(trial.params.get("family", "")), trial.value)

    def count(self, state: TrialState, family: str, value: float | None) -> None:
        """Count one finished trial."""
        self.complete += state == TrialState.COMPLETE
        self.pruned += state == TrialState.PRUNED
        if state == TrialState.COMPLETE and value is not None:
            sign = 1 if self.maximize else -1
            if self.best is None or sign * value > sign * self.best:
                self.best, self.best_family = value, family


def _trained(trial: FrozenTrial) -> int:
    """Return how many epochs were trained for a trial; those before its checkpoint are reported twice."""
    return max(0, len(trial.intermediate_values) - (whole(trial.user_attrs.get("resumed_after_epochs")) or 0))
