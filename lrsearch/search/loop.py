"""The search in one process: ask, admit, train an epoch, report, prune, tell."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from optuna.trial import TrialState

from lrsearch.errors import RunError
from lrsearch.processes.interruption import Interruption
from lrsearch.search.lane_pruner import LanePruner
from lrsearch.search.lanes import Lanes
from lrsearch.search.progress import SearchState
from lrsearch.search.replicate import Replicate
from lrsearch.training.lane import Crash, EpochMetrics
from lrsearch.trials.asking import ask
from lrsearch.trials.checkpoints import Checkpoints
from lrsearch.trials.heartbeat import Pulse, Watch
from lrsearch.trials.history import is_crashed
from lrsearch.trials.record import StopReason
from lrsearch.trials.requeue import is_nameless, requeue_lost
from lrsearch.trials.states import FINISHED
from lrsearch.trials.writer import Writer

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 1.0
_MOST_CRASHES = 3


class SearchLoop:
    """Searches one replicate in this process until its total of trials is finished.

    Args:
        replicate: what is searched.
        state: counts what is done, and where the time went.
        lanes: trials trained side by side.
        checkpoints: from which trials of killed processes are resumed; None for none.
        deadline: seconds of `time.monotonic` after which no further epoch is begun, or None.
        on_epoch: called with the state after every epoch of the stack.
        watch: of the trials of other machines; None for the usual times.
    """

    def __init__(
        self,
        replicate: Replicate,
        state: SearchState,
        *,
        lanes: int,
        checkpoints: Checkpoints | None = None,
        deadline: float | None = None,
        on_epoch: Callable[[SearchState], None] = lambda _: None,
        watch: Watch | None = None,
    ) -> None:
        self._replicate, self._state, self._width = replicate, state, lanes
        self._deadline, self._on_epoch = deadline, on_epoch
        self._history, self._watch = replicate.history, watch or Watch()
        self._told_of_waiting = False
        self._pruner = LanePruner(replicate.rule, replicate.experiment.metric.direction, self._history)
        self._writer = Writer()
        begun = time.perf_counter()
        self._lanes = Lanes(replicate, self._writer, checkpoints)
        state.times.preparation += time.perf_counter() - begun

    def run(self) -> None:
        """Search until the total is reached, the deadline has passed, or a signal asks to stop.

        Raises:
            Interrupted: by a signal, after the running trials were queued for the next run.
            RunError: if a person's own code fails.
        """
        with Interruption.handled() as interruption, self._writer:
            try:
                self._requeue_silent()
                with Pulse(self._watch.beat_seconds, self._beat):
                    while self._refill(interruption) or self._wait_for_others(interruption):
                        if self._lanes.running:
                            self._epoch(interruption)
                        if self._deadline is not None and time.monotonic() > self._deadline:
                            break
            finally:
                self._lanes.requeue()  # however the loop ended, an error included

    def _refill(self, interruption: Interruption) -> bool:
        """Fill the free lanes while trials are left; return whether any lane is running."""
        self._lanes.drop_lost()
        while len(self._lanes.running) < self._width:
            interruption.check()
            begun = time.perf_counter()
            self._writer.flush()  # the sampler is to know how every trial ended
            trial = ask(self._history, self._replicate.total)
            if trial is None:
                break
            asked = time.perf_counter()
            self._lanes.admit(trial)
            self._state.times.sampler += asked - begun
            self._state.times.storage += time.perf_counter() - asked
        self._count_running()
        return bool(self._lanes.running)

    def _count_running(self) -> None:
        self._state.running_epochs = tuple(log.epochs for log in self._lanes.running.values())

    def _wait_for_others(self, interruption: Interruption) -> bool:
        """Pause, and return True, while the total depends on trials of other processes that may be dead."""
        interruption.check()
        self._history.read()
        silent = sum(trial.number in self._watch.in_doubt for trial in self._history.running)
        doubtful = silent > 0 or any(map(is_nameless, self._history.running))
        if not doubtful or self._history.finished >= self._replicate.total:
            return False
        if silent and not self._told_of_waiting:
            self._told_of_waiting = True
            seconds = self._watch.grace_seconds + self._watch.beat_seconds
            logger.warning(
                f"trials of other machines are silent ({silent}); waiting up to {seconds:.0f} seconds for them"
            )
        time.sleep(_WAIT_SECONDS)
        return True

    def _beat(self) -> None:
        """Show that this process lives, unless the last time is still waiting for a slow storage."""
        self._writer.submit_once(self._show_life)

    def _show_life(self) -> None:
        self._lanes.show_life()
        self._requeue_silent()

    def _requeue_silent(self) -> None:
        """Queue the trials of dead processes again, on other machines those that have been silent for too long."""
        self._history.read()
        requeue_lost(self._history, self._watch.check(self._history.running))

    def _epoch(self, interruption: Interruption) -> None:
        """Train an epoch of every lane, report it, then decide for each: train on, prune, or finished."""
        times, begun = self._state.times, time.perf_counter()
        with interruption.training():
            metrics = self._lanes.train()
        trained = time.perf_counter()
        self._lanes.record(metrics, trained - begun)
        reported = time.perf_counter()
        reasons = self._stop_reasons(metrics)
        decided = time.perf_counter()
        for number, reason in reasons.items():
            log = self._lanes.end(number, reason)
            self._pruner.ended(log)
            state = TrialState.PRUNED if reason == "pruned" else TrialState.COMPLETE
            self._state.count(state, log.family, None if reason == "diverged" else log.value, log.epochs)
        for family, crash in self._lanes.end_crashed().items():
            self._stop_if_hopeless(family, crash)
        self._lanes.save_if_due()
        times.training += trained - begun
        times.storage += reported - trained + time.perf_counter() - decided
        times.pruner += decided - reported
        times.trial_epochs += len(metrics)
        self._state.trial_epochs += len(metrics)
        self._count_running()
        if self._replicate.experiment.config.run is not None:
            self._state.reports = tuple(log.last_report for log in self._lanes.running.values())
        self._on_epoch(self._state)

    def _stop_if_hopeless(self, family: str, crash: Crash) -> None:
        """Raise RunError where all of a family's first trials have crashed: its next ones would, too."""
        self._writer.flush()
        self._history.read()
        ended = [trial for trial in self._history.ended if trial.params.get("family") == family]
        crashes = sum(map(is_crashed, ended))
        if crashes >= _MOST_CRASHES and not any(trial.state in FINISHED for trial in ended):
            raise RunError(
                f"{crashes} trials of {family} have crashed and none was trained, the last by {crash.error}; see "
                "lrsearch trials --crashed, mend the script, then run optimize --retry-crashed"
            )

    def _stop_reasons(self, metrics: dict[int, EpochMetrics]) -> dict[int, StopReason]:
        """Return why lanes stop after this epoch; those that go on are left out."""
        pruned, reasons = self._pruner.pruned(self._lanes.running), dict[int, StopReason]()
        for number, epoch in metrics.items():
            if epoch.diverged:
                reasons[number] = "diverged"
            elif epoch.epoch >= self._replicate.experiment.epochs:
                reasons[number] = "finished"
            elif number in pruned and not epoch.replayed:
                reasons[number] = "pruned"
        return reasons
