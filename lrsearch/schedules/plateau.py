"""The one family that reads a metric: drop the rate when the select loss stops falling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lrsearch.errors import InputError
from lrsearch.schedules.drawing import schedule_html
from lrsearch.schedules.parameters import Span, check_fit, json_plain, make_plain
from lrsearch.schedules.schedule import scaled_span, warmup_factor
from lrsearch.schedules.shape import FloatArray

# The defaults of torch's ReduceLROnPlateau: a loss is better if it is 0.01 % lower, and a rate is only changed by more
# than 1e-8.
_THRESHOLD = 1e-4
_SMALLEST_CHANGE = 1e-8


@dataclass(frozen=True)
class ReduceOnPlateau:
    """Multiply the rate by `factor` after more than `patience` epochs in a row without a better select loss.

    A pure function of the losses seen so far. The watch begins with the epoch in which warm-up ends; a loss of NaN is
    not better than any other.

    Raises:
        InputError: for the first parameter that breaks its rule or does not fit into the run.

    >>> schedule = ReduceOnPlateau(base_lr=0.5, total_steps=6, factor=0.5, patience=1)
    >>> [float(schedule.epoch_lr(epoch, 1, [2.0, 1.0, 1.0, 1.0, 0.5][:epoch])[0]) for epoch in range(6)]
    [0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    base_lr: float
    total_steps: int
    warmup_steps: int = 0
    warmup_begin_lr: float = 0.0
    factor: float = 0.1
    patience: int = 10
    min_lr: float = 0.0

    family: ClassVar[str] = "reduce_on_plateau"
    formula: ClassVar[str] = "times factor after more than patience epochs without a better select loss, down to min_lr"
    source: ClassVar[str] = "torch ReduceLROnPlateau (mode min, relative threshold 1e-4, no cooldown)"
    interval: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        make_plain(self)
        check_fit(self, self.span)

    @property
    def span(self) -> Span:
        """Return the part of the run that follows warm-up."""
        return Span(self.base_lr, self.warmup_steps, self.total_steps)

    def epoch_lr(self, epoch: int, steps_per_epoch: int, select_loss: Sequence[float]) -> FloatArray:
        """Return the rates `[steps_per_epoch]` of one epoch, given the select losses `[epoch]` of those before it."""
        if len(select_loss) != epoch:
            raise InputError(f"select_loss must hold the {epoch} epochs before epoch {epoch}, got {len(select_loss)}")
        steps = np.arange(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch, dtype=np.float64)
        warm_up = self.base_lr * warmup_factor(steps, self.span, self.warmup_begin_lr)
        return np.where(
            steps < self.warmup_steps, warm_up, self._level(select_loss[self.warmup_steps // steps_per_epoch :])
        )

    def _level(self, losses: Sequence[float]) -> float:
        """Return the rate after the watched losses."""
        rate, best, bad_epochs = self.base_lr, math.inf, 0
        for loss in losses:
            if loss < best * (1.0 - _THRESHOLD):
                best, bad_epochs = loss, 0
            else:
                bad_epochs += 1
            if bad_epochs > self.patience:
                lower = max(rate * self.factor, self.min_lr)
                rate = lower if rate - lower > _SMALLEST_CHANGE else rate
                bad_epochs = 0
        return rate

    def params(self) -> dict[str, Any]:
        """Return the family and all parameters as JSON holds them; `schedule_from_params` is the inverse."""
        return {"family": self.family, **json_plain(self)}

    def scaled_to(self, total_steps: int) -> ReduceOnPlateau:
        """Return it for another budget: warm-up and patience keep their fraction of training."""
        span = scaled_span(self.span, total_steps)
        patience = round(self.patience * span.total_steps / self.total_steps)
        return replace(self, warmup_steps=span.warmup_steps, total_steps=span.total_steps, patience=patience)

    def _repr_html_(self) -> str:
        """Return the rule and the parameters, as a notebook shows them; there is no curve before a run."""
        return schedule_html(self.formula, self.params(), None)
