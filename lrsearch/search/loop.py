"""The search in one process: ask, admit, train an epoch, report, prune, tell."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.processes.interruption import Interruption
from lrsearch.search.progress import SearchState, SearchTimes
from lrsearch.search.pruning import PrunerCore, PruningRule
from lrsearch.search.writer import Writer
from lrsearch.training.lane import EpochMetrics
from lrsearch.training.stack import Stack
from lrsearch.trials.asking import ask
from lrsearch.trials.checkpoints import Checkpoints
from lrsearch.trials.heartbeat import Pulse, Watch, beat
from lrsearch.trials.requeue import give_back, is_nameless, take_back
from lrsearch.trials.states import FINISHED, UNFAILED
from lrsearch.trials.trial_log import TrialLog

logger = logging.getLogger(__name__)

__all__ = ["FINISHED", "SearchLoop", "SearchState", "SearchTimes"]

_EPOCHS_BEHIND = 3
"""How many epochs of reports may wait to be written; a killed process loses no more."""

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 1.0


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
        checkpoints: from which trials of killed processes go on; None for none.
        compile_step: whether the step is worth compiling.
        deadline: seconds of `time.monotonic` after which no further epoch is begun, or None.
        on_epoch: called with the state after every epoch of the stack and at the end.
        watch: of the trials of other machines.
    """

    experiment: Experiment
    study: Study
    seeds: Seeds
    total: int
    lanes: int
    rule: PruningRule
    state: SearchState
    checkpoints: Checkpoints | None = None
    compile_step: bool = False
    deadline: float | None = None
    on_epoch: Callable[[SearchState], None] = lambda _: None
    watch: Watch = field(default_factory=Watch)
    _stack: Stack = field(init=False)
    _writer: Writer = field(init=False)
    _running: dict[int, TrialLog] = field(init=False, default_factory=dict)
    _ended: dict[int, TrialLog] = field(init=False, default_factory=dict)
    _waited: bool = field(init=False, default=False)
    _beating: bool = field(init=False, default=False)

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
                self._look()
                with Pulse(self.watch.beat_seconds, self._beat):
                    while self._refill(interruption) or self._wait_for_others(interruption):
                        if self._running:
                            with interruption.training():
                                metrics, seconds = self._train()
                            self._settle(metrics, seconds)
                        if self.deadline is not None and time.monotonic() > self.deadline:
                            break
            finally:
                # Whatever ended the loop, an error included: what was running is taken up again by the next run.
                with suppress(RuntimeError):  # of a device that has failed
                    self._save()
                self._writer.flush()
                give_back(self.study, [log.trial for log in self._running.values() if not log.lost])
                self._running.clear()

    def _refill(self, interruption: Interruption) -> bool:
        """Fill the free lanes while trials are left; return whether any lane is running."""
        self._drop_lost()
        while len(self._running) < self.lanes:
            interruption.check()
            begun = time.perf_counter()
            self._writer.flush()  # the sampler is to know how every trial ended
            trial = ask(self.study, self.total)
            if trial is None:
                break
            asked = time.perf_counter()
            self._admit(trial)
            self.state.times.sampler += asked - begun
            self.state.times.storage += time.perf_counter() - asked
        self.state.running = len(self._running)
        return bool(self._running)

    def _admit(self, trial: Trial) -> None:
        """Put a trial into the stack: from its start, or from the checkpoint of the process that died in it."""
        try:
            beat(trial)  # before its name is on it: a named trial without a heartbeat would never be taken back
            log = TrialLog.begin(self.experiment, trial, self.seeds)
        except UpdateFinishedTrialError:  # this process was paused here, and another took the trial
            return
        self._running[trial.number] = log
        self._stack.admit(trial.number, log.lane)
        if self.checkpoints is None or log.origin == trial.number:
            return
        saved = self.checkpoints.load(log, like=self._stack.checkpoint(trial.number))
        if saved is not None:
            self._stack.release(trial.number)
            self._stack.admit(trial.number, log.lane, saved[0])
            self._writer.submit(log.write, log.resume, *saved)
            self._writer.flush()  # the pruner is to know its epochs again

    def _drop_lost(self) -> None:
        """Leave to others what they have taken while this process was paused."""
        for number in [number for number, log in self._running.items() if log.lost]:
            del self._running[number]
            self._stack.release(number)
        for number in [number for number, log in self._ended.items() if log.lost]:
            del self._ended[number]

    def _wait_for_others(self, interruption: Interruption) -> bool:
        """Pause, and return True, while the total depends on trials of others that may turn out to be dead."""
        interruption.check()
        trials = self.study.get_trials(deepcopy=False)
        silent = sum(trial.number in self.watch.in_doubt for trial in trials)
        doubtful = silent > 0 or any(map(is_nameless, trials))
        if not doubtful or sum(trial.state in FINISHED for trial in trials) >= self.total:
            return False
        if silent and not self._waited:
            seconds = self.watch.grace_seconds + self.watch.beat_seconds
            logger.warning(
                f"trials of other machines are silent ({silent}); waiting up to {seconds:.0f} seconds for them"
            )
            self._waited = True
        time.sleep(_WAIT_SECONDS)
        return True

    def _beat(self) -> None:
        """Let the writer show that this process lives; where the storage is slow, beats do not heap up."""
        if not self._beating:
            self._beating = True
            self._writer.submit(self._show_life)

    def _show_life(self) -> None:
        self._beating = False
        for log in list(self._running.values()):
            log.write(beat, log.trial)
        self._look()

    def _look(self) -> None:
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        take_back(self.study, self.watch.look(running))

    def _save(self) -> None:
        """Write the checkpoint of every lane that stands at an epoch boundary, in the background."""
        if self.checkpoints is None:
            return
        for number, log in self._running.items():
            saved = log.checkpoint(self._stack.checkpoint(number))
            if saved is not None and saved[0].epoch > 0 and not log.lost:
                self._writer.submit(self.checkpoints.save, log, *saved)

    def _train(self) -> tuple[dict[int, EpochMetrics], float]:
        begun = time.perf_counter()
        metrics = self._stack.run_epoch()
        return metrics, time.perf_counter() - begun

    def _settle(self, metrics: dict[int, EpochMetrics], seconds: float) -> None:
        """Report an epoch of every lane, then decide for each: go on, prune, or finished."""
        times = self.state.times
        times.training += seconds
        times.trial_epochs += len(metrics)
        self.state.trial_epochs += len(metrics)
        begun = time.perf_counter()
        for number, epoch in metrics.items():
            log = self._running[number]
            log.record(epoch, seconds / len(metrics))
            self._writer.submit(log.write, log.trial.report, log.value, epoch.epoch)
        self._writer.keep_below(_EPOCHS_BEHIND * self.lanes)
        reported = time.perf_counter()
        times.storage += reported - begun
        reasons = self._stop_reasons(metrics)
        decided = time.perf_counter()
        times.pruner += decided - reported
        for number, reason in reasons.items():
            if reason:
                self._end(number, reason)
        if self.checkpoints is not None and self.checkpoints.due():
            self._save()
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
        for trial in self.study.get_trials(deepcopy=False, states=UNFAILED):
            if trial.number not in self._running and trial.number not in self._ended:
                for epoch, value in trial.intermediate_values.items():
                    pruner.report(str(trial.params.get("family", "")), epoch, value)
        for log in (*self._ended.values(), *self._running.values()):
            for epoch, value in enumerate(log.reported, start=1):
                pruner.report(log.family, epoch, value)
        return pruner

    def _end(self, number: int, reason: str) -> None:
        log = self._ended[number] = self._running.pop(number)
        self._writer.submit(self._tell, log, reason)
        self._stack.release(number)
        self.state.count(TrialState.PRUNED if reason == "pruned" else TrialState.COMPLETE, log.family, log.value)

    def _tell(self, log: TrialLog, reason: str) -> None:
        log.write(log.end, self.study, reason)
        if self.checkpoints is not None and not log.lost:
            self.checkpoints.remove(log.origin)
