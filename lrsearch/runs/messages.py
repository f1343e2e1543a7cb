"""What a run says to the search and is answered, and how: over a pipe, whether the run is a process or a thread."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Protocol, SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrsearch.errors import InputError
from lrsearch.text import plain

MOST_WAIT_SECONDS = 10.0
"""How long a report waits for its answer at most; a later answer is heeded by the next report."""


_MOST_CHARACTERS, _MOST_DETAILS = 1000, 65_536


def one_line(text: object) -> str:
    """Return what a person's own code has said as one line that can be shown and stored, cut where it is long."""
    line = plain(" ".join(str(text)[:_MOST_DETAILS].split()))
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..."


def number(name: str, value: SupportsFloat) -> float:
    """Return a number as a float.

    Raises:
        InputError: if it is too large.
    """
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(f"{name} must be at most 1.8e308, got a larger number") from error


def examples(value: ArrayLike | None) -> NDArray[np.float64] | None:
    """Return the scores of single examples `[examples]`, None where none were given.

    Raises:
        InputError: if they are no numbers.
    """
    try:
        return None if value is None else np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"per_example must be numbers, one for each example: {error}") from error


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
        waits: whether the run goes on only when the search has decided.
    """

    epoch: int
    step: int
    score: float
    test: bool = False
    more: dict[str, float] = field(default_factory=dict)
    per_example: NDArray[np.float64] | None = None
    waits: bool = False


@dataclass(frozen=True)
class Resumed:
    """The run goes on from its checkpoint: what it had reported before, and how many seconds that had taken."""

    reports: tuple[Report, ...]
    seconds: float


@dataclass(frozen=True)
class Warned:
    """Something that a person should read."""

    text: str

    def __post_init__(self) -> None:
        """Make it one line."""
        object.__setattr__(self, "text", one_line(self.text))


@dataclass(frozen=True)
class Done:
    """The run has come to its end; `note` is for people, or empty."""

    note: str = ""


@dataclass(frozen=True)
class Failed:
    """The run has failed: what was raised in one line, and the traceback or the end of its output."""

    error: str
    details: str = ""

    def __post_init__(self) -> None:
        """Make the error one line, and the details short and fit to be stored."""
        object.__setattr__(self, "error", one_line(self.error))
        details = self.details[-_MOST_DETAILS:].encode(errors="backslashreplace").decode()
        object.__setattr__(self, "details", details)


@dataclass(frozen=True)
class Refused:
    """The run cannot be used, however often it is tried: why, in one line."""

    reason: str

    def __post_init__(self) -> None:
        """Make it one line."""
        object.__setattr__(self, "reason", one_line(self.reason))


@dataclass(frozen=True)
class Answer:
    """What the search says to the reports up to that at `step`: whether the run is to end."""

    step: int
    end: bool


Message: TypeAlias = Report | Resumed | Warned | Done | Failed | Refused


class Channel(Protocol):
    """A run's way to the search."""

    def report(self, report: Report) -> bool:
        """Send a report; return whether the run is to end. Only one that `waits` does so."""
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

    def report(self, report: Report) -> bool:
        """Send a report; return whether the run is to end, as it is where the search is gone."""
        try:
            self._connection.send(report)
            until = time.monotonic() + MOST_WAIT_SECONDS * report.waits
            while self._connection.poll(max(0.0, until - time.monotonic())):
                answer: Answer = self._connection.recv()
                if answer.end:
                    return True
                if answer.step >= report.step:
                    break
        except (EOFError, OSError):
            return True
        return False
