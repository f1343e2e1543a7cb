"""The trials of one replicate that this process trains side by side, and what it writes about them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial

from lrsearch.errors import RunsCrashed
from lrsearch.search.lane_pruner import LanePruner
from lrsearch.search.replicate import Replicate
from lrsearch.storage import report
from lrsearch.training.lane import Crash, EpochMetrics, LaneStack
from lrsearch.trials.checkpoints import Checkpoints
from lrsearch.trials.heartbeat import Watch, beat
from lrsearch.trials.history import FINISHED, is_crashed
from lrsearch.trials.record import StopReason
from lrsearch.trials.requeue import is_nameless, requeue_interrupted, requeue_lost
from lrsearch.trials.trial_log import TrialLog
from lrsearch.trials.writer import Writer

logger = logging.getLogger(__name__)

_MOST_CRASHES = 3


class Lanes:
    """A stack whose lanes are the trials of a replicate; their records are written in the background.

    Args:
        replicate: whose trials they are.
        stack: empty.
        writer: writes to the storage.
        checkpoints: from which trials of killed processes are resumed; None for none.
        watch: of the trials of other machines.

    Attributes:
        running: the trials in training, by number.
    """

    def __init__(
        self, replicate: Replicate, stack: LaneStack, writer: Writer, checkpoints: Checkpoints | None, watch: Watch
    ) -> None:
        self.replicate, self.stack, self._writer = replicate, stack, writer
        self._checkpoints, self._watch, self._history = checkpoints, watch, replicate.history
        self._pruner = LanePruner(replicate.rule, replicate.experiment.metric.direction, self._history)
        self.running: dict[int, TrialLog] = {}

    def admit(self, trial: Trial) -> None:
        """Add a trial: from its start, or from the checkpoint of the process that died in it."""
        try:
            log = TrialLog.begin(self.replicate.experiment, trial, self.replicate.seeds)
        except UpdateFinishedTrialError:  # this process was paused here, and another took the trial
            return
        self.running[trial.number] = log
        folder = None if self._checkpoints is None else self._checkpoints.run_folder(f"{log.origin:06d}")
        self.stack.admit(trial.number, log.lane, folder=folder)
        if self._checkpoints is None or log.origin == trial.number:
            return
        like = self.stack.checkpoint(trial.number)
        if like is not None and (saved := self._checkpoints.load(log, like=like)) is not None:
            self.stack.release(trial.number)
            self.stack.admit(trial.number, log.lane, saved[0])
            self._writer.submit(log.write, log.resume, *saved)
            self._writer.flush()  # the pruner is to know its epochs again

    def drop_lost(self) -> None:
        """Release the trials that other processes have taken while this one was paused."""
        for number in [number for number, log in self.running.items() if log.lost]:
            del self.running[number]
            self.stack.release(number)

    def record(self, metrics: dict[int, EpochMetrics], seconds: float) -> None:
        """Record an epoch of every lane, of `seconds` each; nothing is written."""
        for number, epoch in metrics.items():
            self.running[number].record(epoch, seconds if epoch.seconds is None else epoch.seconds)

    def release(self, numbers: Iterable[int]) -> None:
        """Release lanes, and let the others go on; nothing is written, so that none of them waits for the storage."""
        for number in numbers:
            self.stack.release(number)
        self.stack.go_on()

    def write(self, metrics: dict[int, EpochMetrics], reasons: dict[int, StopReason]) -> dict[int, TrialLog]:
        """Report an epoch of every lane, and tell how trials have ended whose lanes are released; return these."""
        for number, epoch in metrics.items():
            log = self.running[number]
            if epoch.replayed:
                self._writer.submit(log.write, log.trial.set_user_attr, "resumed_after_epochs", epoch.epoch)
        logs = [self.running[number] for number in metrics]
        self._writer.submit(self._report, [(log, log.epochs, log.value) for log in logs])
        ended = {number: self.running.pop(number) for number in reasons}
        for number, reason in reasons.items():
            self._pruner.ended(ended[number])
            self._writer.submit(self._tell, ended[number], reason)
        return ended

    def _report(self, reports: list[tuple[TrialLog, int, float]]) -> None:
        """Report values at epochs, all at once; one by one where a trial has been taken from this process."""
        try:
            report([(log.trial, epoch, value) for log, epoch, value in reports])
        except UpdateFinishedTrialError:
            for log, epoch, value in reports:
                log.write(report, [(log.trial, epoch, value)])

    def stop_reasons(self, metrics: dict[int, EpochMetrics]) -> dict[int, StopReason]:
        """Return why lanes stop after this epoch; those that go on are left out."""
        pruned, reasons = self._pruner.pruned(self.running, metrics), dict[int, StopReason]()
        for number, epoch in metrics.items():
            if epoch.diverged:
                reasons[number] = "diverged"
            elif epoch.epoch >= self.replicate.experiment.epochs:
                reasons[number] = "finished"
            elif number in pruned and not epoch.replayed:
                reasons[number] = "pruned"
        return reasons

    def end_crashed(self) -> None:
        """Release the lanes that have failed for good, and tell so.

        Raises:
            RunsCrashed: if all of a family's first trials have crashed: its next ones would, too.
        """
        by_family = {}
        for number, crash in self.stack.crashes().items():
            log = self.running.pop(number)
            by_family[log.family] = crash
            self._writer.submit(log.write, log.crash, self.replicate.study, crash)
            self.stack.release(number)
            logger.warning(f"trial {number} of {log.family} has crashed: {crash.error}")
        for family, crash in by_family.items():
            self._stop_if_hopeless(family, crash)

    def _stop_if_hopeless(self, family: str, crash: Crash) -> None:
        self._writer.flush()
        self._history.read()
        ended = [trial for trial in self._history.ended if trial.params.get("family") == family]
        crashes = sum(map(is_crashed, ended))
        if crashes >= _MOST_CRASHES and not any(trial.state in FINISHED for trial in ended):
            raise RunsCrashed.of(
                f"{crashes} trials of {family} have crashed and none was trained, the last by {crash.error}"
            )

    def _tell(self, log: TrialLog, reason: StopReason) -> None:
        log.write(log.end, reason)
        if self._checkpoints is not None and not log.lost:
            self._checkpoints.remove(log.origin)

    def save_if_due(self) -> None:
        """Write checkpoints where it is time to."""
        if self._checkpoints is not None and self._checkpoints.pace.due():
            self._save(self._checkpoints)

    def _save(self, checkpoints: Checkpoints) -> None:
        """Write the checkpoint of every lane that stands at an epoch boundary, in the background."""
        for number, log in self.running.items():
            state = self.stack.checkpoint(number)
            saved = None if state is None else log.checkpoint(state)
            if saved is not None and saved[0].epoch > 0 and not log.lost:
                self._writer.submit(checkpoints.save, log, *saved)

    def show_life(self) -> None:
        """Write the heartbeat of every trial in training, and queue again the trials of processes that are silent."""
        for log in list(self.running.values()):
            log.write(beat, log.trial)
        self.requeue_silent()

    def requeue_silent(self) -> None:
        """Queue the trials of dead processes again, on other machines those that have been silent for too long."""
        self._history.read()
        requeue_lost(self._history, self._watch.check(self._history.running))

    def in_doubt(self) -> int | None:
        """Return how many trials of other machines are silent; None if the total depends on none that may be dead."""
        self._history.read()
        silent = sum(trial.number in self._watch.in_doubt for trial in self._history.running)
        doubtful = silent > 0 or any(map(is_nameless, self._history.running))
        return silent if doubtful and self._history.finished < self.replicate.total else None

    def requeue(self) -> None:
        """Write what is still to be written, and queue the trials in training for the next run."""
        if self._checkpoints is not None:
            with suppress(RuntimeError):  # of a device that has failed
                self._save(self._checkpoints)
        self.stack.close()
        self._writer.flush()
        requeue_interrupted(self.replicate.history, [log.trial for log in self.running.values() if not log.lost])
        self.running.clear()
