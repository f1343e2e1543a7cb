"""Runs side by side, offered to the search as a stack of lanes: each report of a run is that lane's next epoch."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path

from lrsearch.config.files import make_folder
from lrsearch.errors import InputError
from lrsearch.runs.messages import Answer, Done, Failed, Message, Refused, Report, Resumed, Warned
from lrsearch.runs.process.running import Starter
from lrsearch.runs.run_lane import RunLane
from lrsearch.runs.spec import Purpose, RunSpec
from lrsearch.training.lane import Crash, EpochMetrics, TestScores

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""How long `run_epoch` waits for a report at most, so that the search can look after its other things."""

_ATTEMPTS = 2


class RunStack:
    """Runs of training functions side by side, with the methods of `training.stack.Stack`.

    Args:
        start: begins a run.
        purpose: what the runs are for.
        reports: of a run; after the last one it has ended.
        at_once: how many runs there are at a time; the others wait.
        timeout: seconds of a run, or None.
        rungs: the reports, counted from 1, after which it is decided whether a run goes on.
        told: warnings that were shown before, and are not repeated; those of this stack are added.
        devices: CUDA_VISIBLE_DEVICES of each run that there may be at a time; what is set already where none are given.
    """

    def __init__(
        self,
        start: Starter,
        *,
        reports: int,
        purpose: Purpose = "search",
        at_once: int = 1,
        timeout: float | None = None,
        devices: Sequence[str] = (),
        rungs: Sequence[int] = (),
        told: set[str] | None = None,
    ) -> None:
        self._start, self._purpose = start, purpose
        self._reports, self._at_once, self._timeout = reports, at_once, timeout
        self._devices, self._free_devices = devices, list(devices)
        self._rungs = tuple(rungs)
        self._told = set() if told is None else told
        self._lanes: dict[int, RunLane] = {}
        self._ending: list[RunLane] = []
        self._temporary: Path | None = None

    def __len__(self) -> int:
        return len(self._lanes)

    def admit(self, key: int, spec: RunSpec, checkpoint: None = None, *, folder: Path | None = None) -> None:  # noqa: ARG002
        """Add a run under `key`; it begins when there is a place for it, from the checkpoint in its folder if any.

        Args:
            key: new to the stack.
            spec: the run.
            checkpoint: none, as a run keeps its own.
            folder: of the run, which goes at its end; what it wrote to standard output and error stays beside it. A
                temporary one if None.

        Raises:
            InputError: if the folder cannot be made.
        """
        if folder is None:
            self._temporary = self._temporary or Path(tempfile.mkdtemp(prefix="lrsearch-runs-"))
            folder = self._temporary / str(key)
        make_folder(folder)
        self._lanes[key] = RunLane(replace(spec, purpose=self._purpose, folder=str(folder), rungs=self._rungs))

    def checkpoint(self, key: int) -> None:
        """Return nothing: a run keeps its own checkpoint."""

    def release(self, key: int) -> None:
        """Drop a run, which is told to end where it has not; its folder goes when it has ended."""
        lane = self._lanes.pop(key)
        if lane.running is not None:
            if lane.listens:
                with suppress(OSError):
                    lane.running.connection.send(Answer(lane.spec.total_steps, end=True))
            lane.running.expect_end()
        self._ending.append(lane)

    def run_epoch(self, parts: Sequence[str] = ()) -> dict[int, EpochMetrics]:  # noqa: ARG002  (a run evaluates itself)
        """Let the runs go on until at least one has reported; return its metrics by key.

        Nothing is returned where none has reported for a moment, so that the search can look after its other things.

        Raises:
            InputError: if a run does not do what a run must.
        """
        self.go_on()
        self._settle()
        self._reap()
        self._fill()
        if not any(lane.pending for lane in self._lanes.values()):
            self._listen()
        return {key: lane.pending.popleft() for key, lane in self._lanes.items() if lane.pending}

    def crashes(self) -> dict[int, Crash]:
        """Return why runs have failed twice, by key; they are to be released."""
        return {key: lane.crash for key, lane in self._lanes.items() if lane.crash is not None}

    def evaluate(self, key: int, part: str) -> TestScores:
        """Return the scores of a run's last report; `part` is "test"."""
        scores = self._lanes[key].scores
        assert part == "test"
        assert scores is not None
        return scores

    def close(self) -> None:
        """End all runs, which write a checkpoint where they offer their state; those that are late are killed.

        Their folders stay, for the run to go on from.
        """
        stopped = [lane.running for lane in self._lanes.values() if lane.running is not None]
        for running in stopped:
            running.ask_to_end()
        self._lanes.clear()
        while self._ending or any(running.exit_code is None for running in stopped):
            for running in stopped:
                running.kill_if_late()
            self._reap()
            time.sleep(0.01)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def go_on(self) -> None:
        """Let the runs go on that wait, and have been kept; `run_epoch` begins so."""
        for lane in self._lanes.values():
            if lane.unanswered is not None and not lane.pending and lane.running is not None:
                with suppress(OSError):
                    lane.running.connection.send(Answer(lane.unanswered.step, end=False))
                lane.unanswered = None

    def _reap(self) -> None:
        """Clear up behind the runs that have ended."""
        for lane in list(self._ending):
            if lane.running is not None:
                lane.running.kill_if_late()
                if lane.running.exit_code is None:
                    continue
            self._ending.remove(lane)
            if lane.spec.devices is not None:
                self._free_devices.append(lane.spec.devices)
            folder = Path(lane.spec.folder)
            if self._temporary is None and lane.running is not None:
                with suppress(OSError):  # of a full disk
                    told = lane.crash.output if lane.crash else lane.running.output
                    folder.with_suffix(".log").write_text(told, encoding="utf-8", errors="backslashreplace")
            shutil.rmtree(folder, ignore_errors=True)

    def _fill(self) -> None:
        """Begin runs that wait, where there is a place."""
        busy = len(self._ending) + sum(lane.busy for lane in self._lanes.values())
        for lane in self._lanes.values():
            if lane.running is None and busy < self._at_once:
                if self._devices and lane.spec.devices is None:
                    if not self._free_devices:  # a run that has ended has still to be released
                        continue
                    lane.spec = replace(lane.spec, devices=self._free_devices.pop(0))
                with suppress(OSError):  # which the run itself tells; an earlier attempt may have removed it
                    Path(lane.spec.folder).mkdir(parents=True, exist_ok=True)
                lane.running, lane.attempts = self._start(lane.spec), lane.attempts + 1
                lane.begun = lane.since = time.perf_counter()
                busy += 1

    def _listen(self) -> None:
        """Wait for what runs have to say, and take it in."""
        lanes = {
            lane.running.connection: lane for lane in self._lanes.values() if lane.running is not None and lane.listens
        }
        if not lanes:
            time.sleep(PAUSE_SECONDS / 50)
        for connection in wait(list(lanes), PAUSE_SECONDS) if lanes else ():
            lane = lanes[connection]  # type: ignore[index]
            self._take_in(lane, lane.receive())
        for lane in lanes.values():
            late = self._timeout is not None and time.perf_counter() - lane.begun > self._timeout
            if late and lane.listens and lane.running is not None:
                lane.running.ask_to_end()
                lane.fail(Failed(f"it ran for longer than the timeout, {self._timeout:g} seconds"))

    def _take_in(self, lane: RunLane, message: Message) -> None:
        if isinstance(message, Report):
            lane.take(message, last=message.epoch >= self._reports)
        elif isinstance(message, Resumed):
            for report in message.reports:
                lane.tell(report, seconds=message.seconds / len(message.reports), replayed=True)
        elif isinstance(message, Warned):
            self._warn(lane, message.text)
        elif isinstance(message, Done):
            for text in lane.end(message):
                self._warn(lane, text)
        elif isinstance(message, Refused):
            raise InputError(message.reason)
        else:
            lane.fail(message)

    def _warn(self, lane: RunLane, text: str) -> None:
        """Say what a person should read, once where many runs say the same."""
        if text not in self._told:
            self._told.add(text)
            logger.warning(f"{lane.spec.training}: {text}")

    def _settle(self) -> None:
        """Try runs once more that have failed, with the same seeds; those that have failed again have crashed."""
        for lane in self._lanes.values():
            failure, running = lane.failure, lane.running
            if failure is None or running is None:
                continue
            running.kill_if_late()
            if running.exit_code is None:
                continue
            lane.failure = None
            if lane.attempts < _ATTEMPTS:
                logger.warning(f"{lane.spec.training}: {failure.error}; the run is tried once more with the same seeds")
                lane.running = None
            else:
                lane.finished = True
                lane.crash = Crash(failure.error, running.output + failure.details)
