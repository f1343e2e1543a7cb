"""A short trial run of a training function, watched: its updates, its rates, its scores, and how long they take."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from lrsearch.errors import InputError, RunError
from lrsearch.processes.interruption import Interruption
from lrsearch.runs.messages import Answer, Channel, Done, Failed, Refused, Report, Resumed
from lrsearch.runs.process.carrying_out import carry_out
from lrsearch.runs.process.child import end_with_parent
from lrsearch.runs.process.running import RunningProcess, failure_of
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSpec
from lrsearch.schedules import schedule_from_params

ASSUMED_PARAMETER = 0.01
"""What a trial run gives for a parameter whose value is not known."""

_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Trial:
    """What a trial run has shown.

    Attributes:
        scores: reported.
        updates: done at each report.
        seconds: from the start to each report.
        loop: what counts its training: "epochs" or "steps" of the run, or "own".
        optimizer_steps: of the optimizers whose rates are scheduled.
        scheduler_steps: of the run's schedulers, or updates for which a rate was asked for.
        optimizer: its class, empty where the rates are set by hand.
        own_rate: that of the optimizer before the schedule's; None where there is no optimizer.
        wrong_rate: the first (update, rate used, rate of the schedule) that differ by more than rounding, or None.
        asked: the parameters that it asked for.
        asks_set: whether it asked on which data a report is to be measured.
        resumed: what it went on from, the scores before its checkpoint; None where it started over.
    """

    scores: tuple[float, ...] = ()
    updates: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    loop: str = "own"
    optimizer_steps: int = 0
    scheduler_steps: int = 0
    optimizer: str = ""
    own_rate: float | None = None
    wrong_rate: tuple[int, float, float] | None = None
    asked: tuple[str, ...] = ()
    asks_set: bool = True
    resumed: tuple[float, ...] | None = None

    @property
    def report_seconds(self) -> float:
        """From one report to the next, or to the first where there is one alone."""
        return self.seconds[-1] - self.seconds[-2] if len(self.seconds) > 1 else self.seconds[-1]

    @property
    def start_seconds(self) -> float:
        """Before the first update: imports and data."""
        return max(0.0, self.seconds[0] - self.report_seconds) if self.seconds else 0.0


@dataclass(frozen=True)
class _Seen:
    """What the process of a trial run tells beside its reports."""

    loop: str
    updates: int
    optimizer_steps: int
    optimizer: str
    own_rate: float | None
    wrong_rate: tuple[int, float, float] | None
    asked: tuple[str, ...] = field(default=())
    asks_set: bool = False


class _Parameters(Mapping[str, Any]):
    """The parameters of a run, and a number for every other name, which is noted."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given, self.asked = given, dict[str, None]()

    def __getitem__(self, name: str) -> Any:
        self.asked[name] = None
        return self._given.get(name, ASSUMED_PARAMETER)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


class _WatchedRun(Run):
    """A run that tells what it sees of the training before each of its reports."""

    def __init__(self, spec: RunSpec, channel: Channel) -> None:
        super().__init__(spec, channel)
        self._rates = schedule_from_params(spec.schedule)
        self._loop, self._name, self._steps = "own", "", 0
        self._own_rate: float | None = None
        self._wrong: tuple[int, float, float] | None = None
        self.parameters = self._asked = _Parameters(spec.parameters)

    def epochs(self, **stateful: Any) -> Iterator[int]:
        self._loop = "epochs"
        return super().epochs(**stateful)

    def steps(self, **stateful: Any) -> Iterator[int]:
        self._loop = "steps"
        self._tell()
        return super().steps(**stateful)

    def scheduler(self, optimizer: Any) -> Any:
        self._name, self._own_rate = type(optimizer).__name__, float(optimizer.param_groups[0]["lr"])
        made = super().scheduler(optimizer)
        optimizer.register_step_pre_hook(self._check_rate)
        return made

    def _check_rate(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        used, step = float(optimizer.param_groups[0]["lr"]), self._steps
        if self._wrong is None and step < self.total_steps:
            meant = float(self._rates.lr(step))  # type: ignore[union-attr]
            if not math.isclose(used, meant, rel_tol=1e-6, abs_tol=1e-12):
                self._wrong = (step, used, meant)
        self._steps += 1

    def report(self, score: float, **given: Any) -> None:
        self._tell()
        super().report(score, **given)

    def finish(self, returned: object) -> str:  # noqa: ARG002  (its length is not known)
        self._tell()
        return ""

    def _tell(self) -> None:
        told = _Seen(
            self._loop,
            self._updates.done,
            self._steps,
            self._name,
            self._own_rate,
            self._wrong,
            tuple(self._asked.asked),
            self.asks_set,
        )
        self._channel.tell(told)  # type: ignore[arg-type]


class _TrialProcess(RunningProcess):
    """The process of a trial run."""

    _module = "lrsearch.planning.trial_run"


def try_run(spec: RunSpec, *, reports: int = 2, only_loop: bool = False) -> Trial:
    """Run a training function until it has reported so often, or has ended, and return what it has shown.

    Args:
        spec: the run, with its folder.
        reports: how many.
        only_loop: end as soon as it begins to count steps, which a run of unknown length would do for ever.

    Raises:
        InputError: if it does not do what a run must.
        RunError: if it fails.
    """
    process, begun = _TrialProcess(spec), time.perf_counter()
    scores, updates, seconds = list[float](), list[int](), list[float]()
    seen, resumed = _Seen("own", 0, 0, "", None, None), None
    try:
        with Interruption.handled() as interruption:
            while len(scores) < reports:
                interruption.check()
                if not process.connection.poll(_WAIT_SECONDS):
                    continue
                try:
                    message = process.connection.recv()
                except (EOFError, OSError):
                    message = failure_of(process)
                if isinstance(message, _Seen):
                    seen = message
                    if only_loop and seen.loop == "steps":
                        break
                elif isinstance(message, Resumed):
                    resumed = tuple(report.score for report in message.reports)
                elif isinstance(message, Report):
                    scores.append(message.score)
                    updates.append(seen.updates or message.step)
                    seconds.append(time.perf_counter() - begun)
                    if len(scores) < reports:
                        process.connection.send(Answer(message.step, end=False))
                elif isinstance(message, Done):
                    break
                elif isinstance(message, Refused):
                    raise InputError(message.reason)
                elif isinstance(message, Failed):
                    raise RunError(f"{spec.training} fails: {message.error}")
    finally:
        process.kill()
    return Trial(
        tuple(scores),
        tuple(updates),
        tuple(seconds),
        seen.loop,
        seen.optimizer_steps,
        seen.updates,
        seen.optimizer,
        seen.own_rate,
        seen.wrong_rate,
        seen.asked,
        seen.asks_set,
        resumed,
    )


def main() -> None:
    """Carry out the trial run that is told through the pipe."""
    end_with_parent(int(sys.argv[2]))
    connection = Connection(int(sys.argv[1]))
    spec = RunSpec.from_json(connection.recv())
    sys.path[:], sys.argv[:] = spec.path, [spec.training]
    carry_out(spec, connection, make=_WatchedRun)


if __name__ == "__main__":
    from lrsearch.planning import trial_run  # what it tells is known under this name at the other end

    trial_run.main()
