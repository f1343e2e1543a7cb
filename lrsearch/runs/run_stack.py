"""Runs side by side, offered to the search as a stack of lanes: each report of a run is that lane's next epoch."""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from pathlib import Path

from lrsearch.errors import InputError, RunError
from lrsearch.runs.messages import Done, Failed, Message, Refused, Report
from lrsearch.runs.running import Running, Starter
from lrsearch.runs.spec import Purpose, RunSpec
from lrsearch.training.lane import EpochMetrics, TestScores

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""How long `run_epoch` waits for a report at most, so that the search can look after its other things."""

_ATTEMPTS = 2


@dataclass(eq=False)
class _Lane:
    spec: RunSpec
    running: Running | None = None  # None before it has been started
    attempts: int = 0
    epochs: int = 0  # of which the search has been told
    unanswered: bool = False
    pending: deque[EpochMetrics] = field(default_factory=deque)
    last: Report | None = None  # kept until the run has ended as it should
    since: float = 0.0
    scores: TestScores | None = None
    finished: bool = False


class RunStack:
    """Runs of training functions side by side, with the methods of `training.stack.Stack`.

    Args:
        start: begins a run.
        split: the seed of the split of the data, which all runs share.
        purpose: what the runs are for.
        reports: of a run; after the last one it has ended.
        at_once: how many runs there are at a time; the others wait.
        timeout: seconds of a run, or None.
    """

    def __init__(
        self,
        start: Starter,
        *,
        split: int,
        reports: int,
        purpose: Purpose = "search",
        at_once: int = 1,
        timeout: float | None = None,
    ) -> None:
        self._start, self._split, self._purpose = start, split, purpose
        self._reports, self._at_once, self._timeout = reports, at_once, timeout
        self._lanes: dict[int, _Lane] = {}
        self._ending: list[Running] = []
        self._folder = Path(tempfile.mkdtemp(prefix="lrsearch-runs-"))

    def __len__(self) -> int:
        return len(self._lanes)

    def admit(self, key: int, spec: RunSpec, checkpoint: None = None) -> None:  # noqa: ARG002  (a run keeps its own)
        """Add a run under `key`; it begins when there is a place for it."""
        folder = self._folder / str(key)
        folder.mkdir(parents=True)
        seeds = replace(spec.seeds, split=self._split)
        self._lanes[key] = _Lane(replace(spec, seeds=seeds, purpose=self._purpose, folder=str(folder)))

    def checkpoint(self, key: int) -> None:
        """Return nothing: a run keeps its own checkpoint."""

    def release(self, key: int) -> None:
        """Drop a run, which is told to end where it has not."""
        lane = self._lanes.pop(key)
        if lane.running is not None:
            if not lane.finished:
                with suppress(OSError):
                    lane.running.connection.send(True)
            lane.running.expect_end()
            self._ending.append(lane.running)
        shutil.rmtree(lane.spec.folder, ignore_errors=True)

    def run_epoch(self, parts: Sequence[str] = ()) -> dict[int, EpochMetrics]:  # noqa: ARG002  (a run evaluates itself)
        """Let the runs go on until at least one has reported; return its metrics by key.

        Nothing is returned where none has reported for a moment, so that the search can look after its other things.

        Raises:
            InputError: if a run does not do what a run must.
            RunError: if a run fails twice.
        """
        self._answer()
        self._fill()
        if not any(lane.pending for lane in self._lanes.values()):
            self._listen()
        return {key: lane.pending.popleft() for key, lane in self._lanes.items() if lane.pending}

    def evaluate(self, key: int, part: str) -> TestScores:
        """Return the scores of a run's last report; `part` is "test"."""
        scores = self._lanes[key].scores
        assert part == "test"
        assert scores is not None
        return scores

    def close(self) -> None:
        """End all runs; those that do not within the grace are killed."""
        for lane in self._lanes.values():
            if lane.running is not None:
                lane.running.ask_to_end()
                self._ending.append(lane.running)
        self._lanes.clear()
        while self._ending:
            self._reap()
            time.sleep(0.01)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self) -> None:
        """Let the runs go on that the search has kept."""
        for lane in self._lanes.values():
            if lane.unanswered and not lane.pending and lane.running is not None:
                lane.unanswered = False
                with suppress(OSError):
                    lane.running.connection.send(False)

    def _reap(self) -> None:
        for running in self._ending:
            running.kill_if_late()
        self._ending = [running for running in self._ending if running.exit_code is None]

    def _fill(self) -> None:
        """Begin runs that wait, where there is a place."""
        self._reap()
        busy = len(self._ending) + sum(lane.running is not None and not lane.finished for lane in self._lanes.values())
        for lane in self._lanes.values():
            if lane.running is None and busy < self._at_once:
                lane.running, lane.since, lane.attempts = self._start(lane.spec), time.perf_counter(), lane.attempts + 1
                busy += 1

    def _listen(self) -> None:
        """Wait for what runs have to say, and take it in."""
        lanes = {
            lane.running.connection: lane
            for lane in self._lanes.values()
            if lane.running is not None and not lane.finished
        }
        for connection in wait(list(lanes), PAUSE_SECONDS):
            self._take_in(lanes[connection], _received(lanes[connection]))  # type: ignore[index]
        for lane in lanes.values():
            if self._timeout is not None and time.perf_counter() - lane.since > self._timeout and not lane.finished:
                self._fail(lane, Failed(f"it ran for longer than the timeout, {self._timeout:g} s"))

    def _take_in(self, lane: _Lane, message: Message) -> None:
        if isinstance(message, Report):
            self._take_report(lane, message)
        elif isinstance(message, Done):
            if message.note:
                logger.warning(f"{lane.spec.training}: {message.note}")
            self._end(lane)
        elif isinstance(message, Refused):
            raise InputError(message.reason)
        else:
            self._fail(lane, message)

    def _take_report(self, lane: _Lane, report: Report) -> None:
        diverged = not math.isfinite(report.score)
        if report.epoch >= self._reports and not diverged:
            lane.last = report  # the run has still to end as it should
            return
        lane.unanswered = report.epoch > 0
        self._tell(lane, max(report.epoch, lane.epochs + diverged), report)

    def _end(self, lane: _Lane) -> None:
        """Take in that a run has ended; one that has diverged is told of already."""
        if lane.last is None:
            return
        report, lane.finished = lane.last, True
        lane.scores = TestScores(report.score, per_example=report.per_example)
        self._tell(lane, self._reports, report)

    def _tell(self, lane: _Lane, until: int, report: Report) -> None:
        """Tell the search of a report, which stands for all epochs since the last one up to `until`."""
        now = time.perf_counter()
        seconds, lane.since = now - lane.since, now
        new = until - lane.epochs
        score = {} if report.test else {"select": report.score}
        for epoch in range(lane.epochs + 1, until + 1):
            lane.pending.append(EpochMetrics(epoch, report.more.get("train_loss"), {}, score, seconds / new))
        lane.epochs = max(lane.epochs, until)

    def _fail(self, lane: _Lane, failure: Failed) -> None:
        """Try a run once more that has failed, with the same seeds.

        Raises:
            RunError: if it has failed again.
        """
        running = lane.running
        assert running is not None
        running.kill()
        if lane.attempts >= _ATTEMPTS:
            raise RunError(f"{lane.spec.training} failed twice in one run: {failure.error or running.output[-500:]}")
        logger.warning(f"{lane.spec.training} failed: {failure.error}; the run is tried once more with the same seeds")
        lane.running, lane.last, lane.unanswered = None, None, False


def _received(lane: _Lane) -> Message:
    """Return what a run has said; that it has failed where it ended without a word."""
    running = lane.running
    assert running is not None
    try:
        message: Message = running.connection.recv()
        return message
    except (EOFError, OSError):
        running.kill()
        code = running.exit_code
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        last = running.output.strip().rpartition("\n")[2]
        return Failed(f"it was {how}" if "killed" in how else f"it {how}{': ' * bool(last)}{last}", running.output)
