"""The search in one process: ask, admit, train an epoch, report, prune, tell."""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from optuna.trial import TrialState

from lrsearch.errors import InputError, RunError
from lrsearch.passwords import described
from lrsearch.processes.interruption import Interrupted, Interruption
from lrsearch.search.lanes import Lanes
from lrsearch.search.progress import SearchState
from lrsearch.search.replicate import Replicate
from lrsearch.training.lane import EpochMetrics, LaneStack
from lrsearch.training.stack import run_together
from lrsearch.trials.asking import ask
from lrsearch.trials.checkpoints import Checkpoints
from lrsearch.trials.heartbeat import Pulse, Watch
from lrsearch.trials.writer import Writer

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent.parent
_WAIT_SECONDS = 1.0
_EPOCHS_BEHIND = 3
"""How many epochs of reports may wait to be written; a killed process loses no more."""


class SearchLoop:
    """Searches replicates in this process until the total of trials of each is finished.

    Some of them are trained together, in one stack; each comes to what it would come to alone.

    Args:
        replicates: what is searched, in the order in which they are begun.
        state: counts what is done, and where the time went.
        lanes: trials of a replicate that are trained side by side.
        at_once: replicates that are trained together.
        checkpoints: of a replicate, from which trials of killed processes are resumed; None for none.
        deadline: seconds of `time.monotonic` after which no further epoch is begun, or None.
        on_epoch: called with the state after every epoch of the stack.
        watch: of the trials of other machines; None for the usual times.
    """

    def __init__(
        self,
        replicates: Sequence[Replicate],
        state: SearchState,
        *,
        lanes: int,
        at_once: int = 1,
        checkpoints: Callable[[Replicate], Checkpoints | None] = lambda _: None,
        deadline: float | None = None,
        on_epoch: Callable[[SearchState], None] = lambda _: None,
        watch: Watch | None = None,
    ) -> None:
        self._to_begin, self._active, self._at_once = deque(replicates), list[Lanes](), at_once
        self._state, self._width, self._checkpoints = state, lanes, checkpoints
        self._deadline, self._on_epoch, self._watch = deadline, on_epoch, watch or Watch()
        self._told_of_waiting = False
        self._stack: LaneStack | None = None
        self._writer = Writer()

    def run(self) -> None:
        """Search until the totals are reached, the deadline has passed, or a signal asks to stop.

        Raises:
            Interrupted: by a signal, after the running trials were queued for the next run.
            RunError: if a person's own code fails.
        """
        with Interruption.handled() as interruption, self._writer:
            try:
                with Pulse(self._watch.beat_seconds, self._beat):
                    while self._go_on(interruption):
                        if any(lanes.running for lanes in self._active):
                            self._epoch(interruption)
                        else:
                            time.sleep(_WAIT_SECONDS)
                        if self._deadline is not None and time.monotonic() > self._deadline:
                            break
            finally:
                for lanes in self._active:  # however the loop ended, an error included
                    lanes.requeue()

    def _go_on(self, interruption: Interruption) -> bool:
        """Fill the free lanes and begin further replicates where others have ended; return whether any is left."""
        interruption.check()
        for lanes in list(self._active):
            self._refill(lanes, interruption)
        while self._to_begin and len(self._active) < self._at_once:
            replicate = self._to_begin.popleft()
            if replicate.history.finished < replicate.total:
                self._refill(self._begin(replicate), interruption)
        self._count_running()
        return bool(self._active)

    def _count_running(self) -> None:
        running = (log for lanes in self._active for log in lanes.running.values())
        self._state.running_epochs = tuple(log.epochs for log in running)

    def _begin(self, replicate: Replicate) -> Lanes:
        begun = time.perf_counter()
        stack = replicate.experiment.stack(replicate.seeds, beside=self._stack, rungs=replicate.rungs)
        self._stack = self._stack or stack
        lanes = Lanes(replicate, stack, self._writer, self._checkpoints(replicate), replace(self._watch))
        lanes.requeue_silent()
        self._active.append(lanes)
        self._state.times.preparation += time.perf_counter() - begun
        return lanes

    def _refill(self, lanes: Lanes, interruption: Interruption) -> None:
        """Fill the free lanes of a replicate while trials are left; where none is left its search ends here."""
        lanes.drop_lost()
        just_asked = False
        while len(lanes.running) < self._width:
            interruption.check()
            begun = time.perf_counter()
            self._writer.flush()  # the sampler is to know how every trial ended
            trial = ask(lanes.replicate.history, lanes.replicate.total, just_asked=just_asked)
            if trial is None:
                break
            just_asked = True
            asked = time.perf_counter()
            lanes.admit(trial)
            self._state.times.sampler += asked - begun
            self._state.times.storage += time.perf_counter() - asked
        if not lanes.running and not self._depends_on_others(lanes):
            self._active.remove(lanes)
            lanes.requeue()

    def _depends_on_others(self, lanes: Lanes) -> bool:
        """Return whether the total of a replicate depends on trials of other processes that may be dead."""
        if (silent := lanes.in_doubt()) is None:
            return False
        if silent and not self._told_of_waiting:
            self._told_of_waiting = True
            seconds = self._watch.grace_seconds + self._watch.beat_seconds
            logger.warning(
                f"trials of other machines are silent ({silent}); waiting up to {seconds:.0f} seconds for them"
            )
        return True

    def _beat(self) -> None:
        """Show that this process lives, unless the last time is still waiting for a slow storage."""
        self._writer.submit_once(self._show_life)

    def _show_life(self) -> None:
        for lanes in list(self._active):
            lanes.show_life()

    def _epoch(self, interruption: Interruption) -> None:
        """Train an epoch of every lane, decide for each: train on, prune, or finished; then write it down."""
        times, begun, active = self._state.times, time.perf_counter(), list(self._active)
        by_replicate = self._train(interruption)
        trained = time.perf_counter()
        epochs = sum(map(len, by_replicate))
        for lanes, metrics in zip(active, by_replicate, strict=True):
            lanes.record(metrics, (trained - begun) / max(1, epochs))
        reasons = [lanes.stop_reasons(metrics) for lanes, metrics in zip(active, by_replicate, strict=True)]
        for lanes, of_lanes in zip(active, reasons, strict=True):
            lanes.release(of_lanes)
        decided = time.perf_counter()
        for lanes, metrics, of_lanes in zip(active, by_replicate, reasons, strict=True):
            for number, log in lanes.write(metrics, of_lanes).items():
                state = TrialState.PRUNED if of_lanes[number] == "pruned" else TrialState.COMPLETE
                value = None if of_lanes[number] == "diverged" else log.value
                self._state.count(state, log.family, value, log.epochs)
        self._writer.keep_below(_EPOCHS_BEHIND * len(active))
        for lanes in active:
            lanes.end_crashed()
            lanes.save_if_due()
        times.training += trained - begun
        times.storage += time.perf_counter() - decided
        times.pruner += decided - trained
        times.trial_epochs += epochs
        self._state.trial_epochs += epochs
        self._count_running()
        self._state.reports = tuple(
            log.last_report
            for lanes in active
            if lanes.replicate.experiment.config.run is not None
            for log in lanes.running.values()
        )
        self._on_epoch(self._state)

    def _train(self, interruption: Interruption) -> list[dict[int, EpochMetrics]]:
        """Train every lane for one epoch; nothing is written."""
        try:
            with interruption.training():
                return run_together([lanes.stack for lanes in self._active])
        except (Interrupted, InputError, RunError):
            raise
        except Exception as error:  # user code may raise anything
            raise RunError(self._failure(error)) from error

    def _failure(self, error: Exception) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        place = next((frame for frame in reversed(frames) if not _is_library(frame.filename)), frames[-1])
        name, several = self._active[0].replicate.experiment.name, len(self._active) > 1
        trials = ", ".join(
            f"{lanes.replicate.number}/{number}" if several else str(number)
            for lanes in self._active
            for number in sorted(lanes.running)
        )
        return (
            f"workload {name!r} failed in training: {described(error)} "
            f"({Path(place.filename).name}, line {place.lineno}); trials {trials} are queued for the next run"
        )


def _is_library(filename: str) -> bool:
    return "site-packages" in filename or Path(filename).is_relative_to(_PACKAGE)
