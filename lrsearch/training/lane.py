"""A lane: what it trains, where it stands, and what an epoch leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lrsearch.training.optimizers import OptimizerSettings

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
        train_loss: the mean of the epoch's batch losses.
    """

    epoch: int
    train_loss: float
    loss: dict[str, float]
    score: dict[str, float]

    @property
    def not_finite(self) -> tuple[str, ...]:
        """Which numbers of the epoch are NaN or infinite, such as "training loss" or "validation score"."""
        values = {"training loss": self.train_loss}
        for kind, by_part in (("loss", self.loss), ("score", self.score)):
            values |= {f"{_PART_NAMES.get(part, part)} {kind}": value for part, value in by_part.items()}
        return tuple(name for name, value in values.items() if not math.isfinite(value))

    @property
    def diverged(self) -> bool:
        """Whether a loss or a score is NaN or infinite; the lane should be released."""
        return bool(self.not_finite)
