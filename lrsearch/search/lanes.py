"""The trials that this process trains side by side, and what it writes about them."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from pathlib import Path

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial

from lrsearch.errors import InputError, RunError
from lrsearch.processes.interruption import Interrupted
from lrsearch.search.replicate import Replicate
from lrsearch.training.lane import Crash, EpochMetrics
from lrsearch.trials.checkpoints import Checkpoints
from lrsearch.trials.heartbeat import beat
from lrsearch.trials.record import StopReason
from lrsearch.trials.requeue import requeue_interrupted
from lrsearch.trials.trial_log import TrialLog
from lrsearch.trials.writer import Writer

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent.parent
_EPOCHS_BEHIND = 3
"""How many epochs of reports may wait to be written; a killed process loses no more."""


class Lanes:
    """A stack whose lanes are trials; their records are written in the background.

    Args:
        replicate: whose trials they are.
        writer: writes to the storage.
        checkpoints: from which trials of killed processes are resumed; None for none.

    Attributes:
        running: the trials in training, by number.
    """

    def __init__(self, replicate: Replicate, writer: Writer, checkpoints: Checkpoints | None) -> None:
        self._replicate, self._writer, self._checkpoints = replicate, writer, checkpoints
        self._stack = replicate.experiment.stack(replicate.seeds)
        self.running: dict[int, TrialLog] = {}

    def admit(self, trial: Trial) -> None:
        """Add a trial: from its start, or from the checkpoint of the process that died in it."""
        try:
            beat(trial)  # before its name is on it: a named trial without a heartbeat would never be requeued
            log = TrialLog.begin(self._replicate.experiment, trial, self._replicate.seeds)
        except UpdateFinishedTrialError:  # this process was paused here, and another took the trial
            return
        self.running[trial.number] = log
        folder = None if self._checkpoints is None else self._checkpoints.run_folder(f"{log.origin:06d}")
        self._stack.admit(trial.number, log.lane, folder=folder)
        if self._checkpoints is None or log.origin == trial.number:
            return
        like = self._stack.checkpoint(trial.number)
        if like is not None and (saved := self._checkpoints.load(log, like=like)) is not None:
            self._stack.release(trial.number)
            self._stack.admit(trial.number, log.lane, saved[0])
            self._writer.submit(log.write, log.resume, *saved)
            self._writer.flush()  # the pruner is to know its epochs again

    def drop_lost(self) -> None:
        """Release the trials that other processes have taken while this one was paused."""
        for number in [number for number, log in self.running.items() if log.lost]:
            del self.running[number]
            self._stack.release(number)

    def train(self) -> dict[int, EpochMetrics]:
        """Train every lane for one epoch; nothing is written.

        Raises:
            RunError: if the workload's own code fails.
        """
        try:
            return self._stack.run_epoch()
        except (Interrupted, InputError, RunError):
            raise
        except Exception as error:  # user code may raise anything
            raise RunError(self._failure(error)) from error

    def _failure(self, error: Exception) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        place = next((frame for frame in reversed(frames) if not _is_library(frame.filename)), frames[-1])
        name, trials = self._replicate.experiment.name, ", ".join(map(str, sorted(self.running)))
        return (
            f"workload {name!r} failed in training: {type(error).__name__}: {error} "
            f"({Path(place.filename).name}, line {place.lineno}); trials {trials} are queued for the next run"
        )

    def record(self, metrics: dict[int, EpochMetrics], seconds: float) -> None:
        """Take down an epoch of every lane, which took `seconds` in all, and report it."""
        for number, epoch in metrics.items():
            log = self.running[number]
            if epoch.replayed:
                self._writer.submit(log.write, log.trial.set_user_attr, "resumed_after_epochs", epoch.epoch)
            log.record(epoch, seconds / len(metrics) if epoch.seconds is None else epoch.seconds)
            self._writer.submit(log.write, log.trial.report, log.value, epoch.epoch)
        self._writer.keep_below(_EPOCHS_BEHIND * len(metrics))

    def end(self, number: int, reason: StopReason) -> TrialLog:
        """Release a lane, and tell how its trial ended."""
        log = self.running.pop(number)
        self._writer.submit(self._tell, log, reason)
        self._stack.release(number)
        return log

    def end_crashed(self) -> dict[str, Crash]:
        """Release the lanes that have failed for good, and tell so; return why, by family."""
        by_family = {}
        for number, crash in self._stack.crashes().items():
            log = self.running.pop(number)
            by_family[log.family] = crash
            self._writer.submit(log.write, log.crash, self._replicate.study, crash)
            self._stack.release(number)
            logger.warning(f"trial {number} of {log.family} has crashed: {crash.error}")
        return by_family

    def _tell(self, log: TrialLog, reason: StopReason) -> None:
        log.write(log.end, self._replicate.study, reason)
        if self._checkpoints is not None and not log.lost:
            self._checkpoints.remove(log.origin)

    def save_if_due(self) -> None:
        """Write checkpoints where it is time to."""
        if self._checkpoints is not None and self._checkpoints.pace.due():
            self._save(self._checkpoints)

    def _save(self, checkpoints: Checkpoints) -> None:
        """Write the checkpoint of every lane that stands at an epoch boundary, in the background."""
        for number, log in self.running.items():
            state = self._stack.checkpoint(number)
            saved = None if state is None else log.checkpoint(state)
            if saved is not None and saved[0].epoch > 0 and not log.lost:
                self._writer.submit(checkpoints.save, log, *saved)

    def show_life(self) -> None:
        """Write the heartbeat of every trial in training."""
        for log in list(self.running.values()):
            log.write(beat, log.trial)

    def requeue(self) -> None:
        """Write what is still to be written, and queue the trials in training for the next run."""
        if self._checkpoints is not None:
            with suppress(RuntimeError):  # of a device that has failed
                self._save(self._checkpoints)
        self._stack.close()
        self._writer.flush()
        requeue_interrupted(self._replicate.history, [log.trial for log in self.running.values() if not log.lost])
        self.running.clear()


def _is_library(filename: str) -> bool:
    return "site-packages" in filename or Path(filename).is_relative_to(_PACKAGE)
