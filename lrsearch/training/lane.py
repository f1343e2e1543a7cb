"""A lane: what it trains, where it stands, and what an epoch leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lrsearch.training.optimizers.rule import OptimizerSettings

_PART_NAMES = {"select": "validation", "report": "holdout"}
"""How the parts of the data are called where a person reads of them."""


class RateSource(Protocol):
    """Gives the rates of an epoch's updates; every schedule of `lrsearch.schedules` does."""

    def epoch_lr(self, epoch: int, steps_per_epoch: int, select_loss: Sequence[float]) -> NDArray[np.float64]:
        """Return `[steps_per_epoch]` rates of epoch 0, 1, ..., given the validation losses of the epochs before."""
        ...


@dataclass(frozen=True)
class Lane:
    """One trial in the stack: a function of its schedule, its seeds and its optimizer's settings alone."""

    schedule: RateSource
    init_seed: int
    order_seed: int
    settings: OptimizerSettings = field(default_factory=OptimizerSettings)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything from which a lane can be resumed: its rows on the CPU, and the validation losses of its epochs so far.

    `seconds` is what its training has cost, and `kernels` the name of what computed it, both given by the caller that
    writes the checkpoint.
    """

    params: Tensor
    state: tuple[Tensor, ...]
    epoch: int
    select_loss: tuple[float, ...]
    seconds: float = 0.0
    kernels: str = ""


@dataclass(frozen=True)
class EpochMetrics:
    """What one epoch left: losses and scores by part: "select" (validation), "report" (holdout), "test".

    Attributes:
        epoch: epochs finished, 1 after the first.
        train_loss: the mean of the epoch's batch losses; None where it is not known.
        seconds: what the epoch has cost; None where lanes share the time.
        more: further numbers that a run has reported, by name.
        replayed: whether it was trained, and judged, before its process was killed.
    """

    epoch: int
    train_loss: float | None
    loss: dict[str, float]
    score: dict[str, float]
    seconds: float | None = None
    more: dict[str, float] = field(default_factory=dict)
    replayed: bool = False

    @property
    def not_finite(self) -> tuple[str, ...]:
        """Which numbers of the epoch are NaN or infinite, such as "training loss" or "validation score"."""
        values = {} if self.train_loss is None else {"training loss": self.train_loss}
        for kind, by_part in (("loss", self.loss), ("score", self.score)):
            values |= {f"{_PART_NAMES.get(part, part)} {kind}": value for part, value in by_part.items()}
        return tuple(name for name, value in values.items() if not math.isfinite(value))

    @property
    def diverged(self) -> bool:
        """Whether a loss or a score is NaN or infinite; the lane should be released."""
        return bool(self.not_finite)


@dataclass(frozen=True)
class TestScores:
    """What a lane scores on the test set.

    Attributes:
        score: the metric.
        loss: the mean loss; None where it is not known.
        per_example: the scores whose mean is the metric `[examples]`; None where they are not known.
    """

    __test__ = False  # no test of pytest's

    score: float
    loss: float | None = None
    per_example: NDArray[np.floating[Any]] | None = None

    @property
    def finite(self) -> bool:
        """Whether no number of it is NaN or infinite."""
        numbers = (self.score, 0.0 if self.loss is None else self.loss)
        return all(map(math.isfinite, numbers)) and (
            self.per_example is None or bool(np.isfinite(self.per_example).all())
        )


@dataclass(frozen=True)
class Crash:
    """Why a lane has failed for good: the error in one line, and the traceback or the end of its output."""

    error: str
    output: str = ""


class AnyLane(Protocol):
    """What is trained, whichever way: a lane of a stack, or a run."""

    @property
    def init_seed(self) -> int:
        """Of the initial weights."""
        ...

    @property
    def order_seed(self) -> int:
        """Of the order of the data."""
        ...


class LaneStack(Protocol):
    """Lanes that train side by side: those of one model, or runs."""

    def admit(self, key: int, lane: Any, /, checkpoint: Any = None, *, folder: Path | None = None) -> None:
        """Add a lane under `key`, from its initial state or from where its checkpoint left it.

        `folder` is for what a lane keeps by itself.
        """
        ...

    def crashes(self) -> dict[int, Crash]:
        """Return which lanes have failed for good, and why; they are to be released."""
        ...

    def checkpoint(self, key: int) -> Checkpoint | None:
        """Return where a lane stands; None where what trains keeps that by itself."""
        ...

    def release(self, key: int) -> None:
        """Drop a lane."""
        ...

    def go_on(self) -> None:
        """Let the lanes that have been kept train on before the next `run_epoch`, where that is possible."""
        ...

    def run_epoch(self, parts: Sequence[str] = ...) -> dict[int, EpochMetrics]:
        """Train on; return the metrics, by key, of the lanes that have finished another epoch."""
        ...

    def evaluate(self, key: int, part: str) -> TestScores:
        """Return what a lane scores on a part of the data."""
        ...

    def close(self) -> None:
        """End what trains."""
        ...
