"""What a run says to the search and is answered, and how: over a pipe, whether the run is a process or a thread."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

MOST_WAIT_SECONDS = 10.0
"""How long a report waits for its answer at most; a later answer is heeded by the next report."""


@dataclass(frozen=True)
class Report:
    """A score of a run.

    Attributes:
        epoch: how many of the run's equal parts are done; 0 before the first, which is not judged.
        step: how many updates are done.
        score: the metric; NaN or infinite where the run has diverged.
        test: whether it was measured on the test set.
        more: further numbers by name, such as train_loss.
        per_example: the scores whose mean it is `[examples]`, where they were given.
    """

    epoch: int
    step: int
    score: float
    test: bool = False
    more: dict[str, float] = field(default_factory=dict)
    per_example: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Resumed:
    """The run goes on from its checkpoint: what it had reported before, and how many seconds that had taken."""

    reports: tuple[Report, ...]
    seconds: float


@dataclass(frozen=True)
class Warned:
    """Something that a person should read."""

    text: str


@dataclass(frozen=True)
class Done:
    """The run has come to its end; `note` is for people, or empty."""

    note: str = ""


@dataclass(frozen=True)
class Failed:
    """The run has failed: what was raised in one line, and the traceback or the end of its output."""

    error: str
    details: str = ""


@dataclass(frozen=True)
class Refused:
    """The run cannot be used, however often it is tried: why, in one line."""

    reason: str


@dataclass(frozen=True)
class Answer:
    """What the search says to the reports up to that at `step`: whether the run is to end."""

    step: int
    end: bool


Message: TypeAlias = Report | Resumed | Warned | Done | Failed | Refused


class Channel(Protocol):
    """A run's way to the search."""

    def report(self, report: Report, *, judged: bool) -> bool:
        """Send a report; return whether the run is to end. Only one that is `judged` waits for an answer."""
        ...

    def tell(self, message: Message) -> None:
        """Send something that needs no answer."""
        ...


class Pipe:
    """The channel of a run whose search is at the other end of a pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tell(self, message: Message) -> None:
        """Send something that needs no answer; where the search is gone, the next report ends the run."""
        with suppress(OSError):
            self._connection.send(message)

    def report(self, report: Report, *, judged: bool) -> bool:
        """Send a report; return whether the run is to end, as it is where the search is gone."""
        try:
            self._connection.send(report)
            until = time.monotonic() + MOST_WAIT_SECONDS * judged
            while self._connection.poll(max(0.0, until - time.monotonic())):
                answer: Answer = self._connection.recv()
                if answer.end:
                    return True
                if answer.step >= report.step:
                    break
        except (EOFError, OSError):
            return True
        return False
