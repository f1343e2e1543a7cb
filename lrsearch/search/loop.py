"""The search in one process: ask, admit, train an epoch, report, prune, tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.search.experiment import Experiment, Seeds
from lrsearch.search.interruption import Interruption
from lrsearch.search.pruning import PrunerCore, PruningRule
from lrsearch.search.resume import give_back
from lrsearch.search.trial_log import TrialLog
from lrsearch.search.writer import Writer
from lrsearch.training.lane import EpochMetrics
from lrsearch.training.stack import Stack

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_EPOCHS_BEHIND = 3
"""How many epochs of reports may wait to be written; a killed process loses no more."""


@dataclass
class SearchTimes:
    """Where the wall time of a search went, in seconds, how much it bought, and the memory its processes took at most.

    With several processes, `training` and the others are sums over them.
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
    """What a progress display shows: of all replicates together, earlier runs included."""

    total: int
    maximize: bool = True
    complete: int = 0
    pruned: int = 0
    running: int = 0
    best: float | None = None
    best_family: str = ""
    times: SearchTimes = field(default_factory=SearchTimes)

    def read(self, studies: Sequence[Study]) -> None:
        """Count anew what the studies hold, whichever process or run it came from."""
        self.complete = self.pruned = self.running = self.times.trial_epochs = 0
        for study in studies:
            for trial in study.get_trials(deepcopy=False):
                self.running += trial.state == TrialState.RUNNING
                self.times.trial_epochs += len(trial.intermediate_values)
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


@dataclass
class SearchLoop:
    """Searches one study in this process until `total` trials of it are finished.

    Args:
        experiment: what is trained.
        study: with a FamilySampler.
        seeds: of this study's replicate.
        total: finished (complete or pruned) trials to reach, those of earlier runs and other workers included.
        lanes: trials trained side by side.
        rule: the pruner's, asked after every epoch, within the family.
        state: counts what is done; handed to `on_epoch`.
        compile_step: whether the step is worth compiling.
        deadline: seconds of `time.monotonic` after which no further epoch is begun, or None.
        on_epoch: called with the state after every epoch of the stack and at the end.
    """

    experiment: Experiment
    study: Study
    seeds: Seeds
    total: int
    lanes: int
    rule: PruningRule
    state: SearchState
    compile_step: bool = False
    deadline: float | None = None
    on_epoch: Callable[[SearchState], None] = lambda _: None
    _stack: Stack = field(init=False)
    _writer: Writer = field(init=False)
    _running: dict[int, TrialLog] = field(init=False, default_factory=dict)
    _ended: dict[int, TrialLog] = field(init=False, default_factory=dict)

    def run(self) -> None:
        """Search until the total is reached, the deadline has passed, or a signal asks to stop.

        Raises:
            Interrupted: by a signal, after the running trials were given back for the next run.
        """
        begun = time.perf_counter()
        self._stack = self.experiment.stack(self.seeds, compile_step=self.compile_step)
        self.state.times.preparation += time.perf_counter() - begun
        with Interruption.handled() as interruption, Writer() as self._writer:
            try:
                while self._refill(interruption):
                    with interruption.training():
                        metrics, seconds = self._train()
                    self._settle(metrics, seconds)
                    if self.deadline is not None and time.monotonic() > self.deadline:
                        break
            finally:
                # Whatever ended the loop, an error included: what was running is taken up again by the next run.
                self._writer.flush()
                for log in self._running.values():
                    give_back(self.study, log.trial)
                self._running.clear()

    def _refill(self, interruption: Interruption) -> bool:
        """Fill the free lanes while trials are left; return whether any lane is running."""
        while len(self._running) < self.lanes:
            interruption.check()
            begun = time.perf_counter()
            self._writer.flush()  # the sampler is to know how every trial ended
            trial = self._ask()
            if trial is None:
                break
            asked = time.perf_counter()
            log = TrialLog.begin(self.experiment, trial, self.seeds)
            self._running[trial.number] = log
            self._stack.admit(trial.number, log.lane)
            self.state.times.sampler += asked - begun
            self.state.times.storage += time.perf_counter() - asked
        self.state.running = len(self._running)
        return bool(self._running)

    def _ask(self) -> Trial | None:
        """Return a new trial, or None if all that are wanted are finished or running.

        Another worker may ask at the same moment: the trial with the lower number stays, the other is given up.
        """
        if self._unfailed() >= self.total:
            return None
        trial = self.study.ask()
        if self._unfailed(below=trial.number) >= self.total:
            trial.set_user_attr("stop_reason", "surplus")
            self.study.tell(trial, state=TrialState.FAIL)
            return None
        return trial

    def _unfailed(self, below: int | None = None) -> int:
        """Return how many trials are finished or running (those that wait are still to be asked)."""
        states = (*FINISHED, TrialState.RUNNING)
        trials = self.study.get_trials(deepcopy=False, states=states)
        return sum(below is None or trial.number < below for trial in trials)

    def _train(self) -> tuple[dict[int, EpochMetrics], float]:
        begun = time.perf_counter()
        metrics = self._stack.run_epoch()
        return metrics, time.perf_counter() - begun

    def _settle(self, metrics: dict[int, EpochMetrics], seconds: float) -> None:
        """Report an epoch of every lane, then decide for each: go on, prune, or finished."""
        times = self.state.times
        times.training += seconds
        times.trial_epochs += len(metrics)
        begun = time.perf_counter()
        for number, epoch in metrics.items():
            log = self._running[number]
            log.record(epoch, seconds / len(metrics))
            self._writer.submit(log.trial.report, log.value, epoch.epoch)
        self._writer.keep_below(_EPOCHS_BEHIND * self.lanes)
        reported = time.perf_counter()
        times.storage += reported - begun
        reasons = self._stop_reasons(metrics)
        decided = time.perf_counter()
        times.pruner += decided - reported
        for number, reason in reasons.items():
            if reason:
                self._end(number, reason)
        times.storage += time.perf_counter() - decided
        self.state.running = len(self._running)
        self.on_epoch(self.state)

    def _stop_reasons(self, metrics: dict[int, EpochMetrics]) -> dict[int, str]:
        """Return why each lane stops after this epoch, or "" if it goes on."""
        pruner = self._pruner() if any(self.rule.judges(epoch.epoch) for epoch in metrics.values()) else None
        reasons = {}
        for number, epoch in metrics.items():
            log = self._running[number]
            if epoch.diverged:
                reasons[number] = "diverged"
            elif epoch.epoch >= self.experiment.epochs:
                reasons[number] = "finished"
            else:
                pruned = pruner is not None and pruner.should_prune(log.family, epoch.epoch, log.value)
                reasons[number] = "pruned" if pruned else ""
        return reasons

    def _pruner(self) -> PrunerCore:
        """Return a pruner that knows every report: other trials' from the study, this process's own from memory.

        Every lane has reported before any is asked, so that the order of the lanes decides nothing.
        """
        pruner = PrunerCore(self.rule, direction=self.experiment.workload.direction)
        for trial in self.study.get_trials(deepcopy=False, states=(*FINISHED, TrialState.RUNNING)):
            if trial.number not in self._running and trial.number not in self._ended:
                for epoch, value in trial.intermediate_values.items():
                    pruner.report(str(trial.params.get("family", "")), epoch, value)
        for log in (*self._ended.values(), *self._running.values()):
            for epoch, value in enumerate(log.reported, start=1):
                pruner.report(log.family, epoch, value)
        return pruner

    def _end(self, number: int, reason: str) -> None:
        log = self._ended[number] = self._running.pop(number)
        self._writer.submit(log.end, self.study, reason)
        self._stack.release(number)
        self.state.count(TrialState.PRUNED if reason == "pruned" else TrialState.COMPLETE, log.family, log.value)
