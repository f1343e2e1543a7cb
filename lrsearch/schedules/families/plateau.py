"""The one family that reads a metric: drop the rate when the validation loss stops falling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np

from lrsearch.errors import InputError
from lrsearch.schedules.drawing import schedule_html
from lrsearch.schedules.family import Family, FloatArray
from lrsearch.schedules.parameters import (
    BaseLr,
    MinLr,
    Parameter,
    Span,
    TotalSteps,
    WarmupBeginLr,
    WarmupSteps,
    check_fit,
    json_plain,
    make_plain,
)
from lrsearch.schedules.priors import Prior
from lrsearch.schedules.schedule import scaled_span, warmup_factor

# The defaults of torch's ReduceLROnPlateau: a loss is better if it is 0.01 % lower, and a rate is only changed by more
# than 1e-8.
_THRESHOLD = 1e-4
_SMALLEST_CHANGE = 1e-8


_SCHEDULER = '''\
class Scheduler:
    """Call step() after each optimizer.step(), and end_epoch(loss) with the validation loss after each epoch."""

    def __init__(self, optimizer, ratios):
        self.optimizer, self.ratios = optimizer, ratios
        self.updates, self.level, self.best, self.bad_epochs = 0, BASE_LR, math.inf, 0
        self._set_rate()

    def step(self):
        self.updates += 1
        self._set_rate()

    def end_epoch(self, loss):
        """Drop the rate after more than PATIENCE epochs in a row without a better loss; warm-up does not count."""
        if self.updates <= WARMUP_STEPS:
            return
        if loss < self.best * (1 - 1e-4):
            self.best, self.bad_epochs = loss, 0
        else:
            self.bad_epochs += 1
        if self.bad_epochs > PATIENCE:
            lower = max(self.level * FACTOR, MIN_LR)
            self.level = lower if self.level - lower > 1e-8 else self.level
            self.bad_epochs = 0
        self._set_rate()

    def state_dict(self):
        return {"updates": self.updates, "level": self.level, "best": self.best, "bad_epochs": self.bad_epochs}

    def load_state_dict(self, state):
        self.updates, self.level = state["updates"], state["level"]
        self.best, self.bad_epochs = state["best"], state["bad_epochs"]
        self._set_rate()

    def _set_rate(self):
        rate = self.level
        if self.updates < WARMUP_STEPS:
            rate = WARMUP_BEGIN_LR + (BASE_LR - WARMUP_BEGIN_LR) * self.updates / WARMUP_STEPS
        for group, ratio in zip(self.optimizer.param_groups, self.ratios):
            set_rate(group, rate * ratio)


def make_scheduler(optimizer, ratios=True):
    """Return a scheduler: the first parameter group gets the rate, and each other keeps its ratio to the first."""
    return Scheduler(optimizer, group_ratios(optimizer, ratios))'''


@dataclass(frozen=True)
class ReduceOnPlateau(Family):
    """Multiply the rate by `factor` after more than `patience` epochs in a row without a better validation loss.

    A pure function of the losses seen so far. The watch begins with the epoch in which warm-up ends; a loss of NaN is
    not better than any other.

    Raises:
        InputError: for the first parameter that breaks its rule or does not fit into the run.

    >>> schedule = ReduceOnPlateau(base_lr=0.5, total_steps=6, factor=0.5, patience=1)
    >>> [float(schedule.epoch_lr(epoch, 1, [2.0, 1.0, 1.0, 1.0, 0.5][:epoch])[0]) for epoch in range(6)]
    [0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    base_lr: BaseLr
    total_steps: TotalSteps
    warmup_steps: WarmupSteps = 0
    warmup_begin_lr: WarmupBeginLr = 0.0
    factor: Annotated[
        float, Parameter("what the rate is multiplied by on a plateau", high=1, above=True, below=True)
    ] = 0.1
    patience: Annotated[int, Parameter("epochs without a better validation loss before the rate drops", "whole")] = 10
    min_lr: MinLr = 0.0

    family = "reduce_on_plateau"
    formula = "times factor after more than patience epochs without a better validation loss, down to min_lr"
    source = "torch ReduceLROnPlateau (mode min, relative threshold 1e-4, no cooldown)"
    searched = {"factor": Prior(0.1, 0.6, log=True), "patience": Prior(1, 5, integer=True, unit="epochs")}
    twins = {"PyTorch": "ReduceLROnPlateau", "transformers": "reduce_lr_on_plateau"}
    reads_metric = True
    python = _SCHEDULER
    interval: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        make_plain(self)
        check_fit(self, self.span)

    @property
    def span(self) -> Span:
        """Return the part of the run that follows warm-up."""
        return Span(self.base_lr, self.warmup_steps, self.total_steps)

    def epoch_lr(self, epoch: int, steps_per_epoch: int, validation_loss: Sequence[float]) -> FloatArray:
        """Return the rates `[steps_per_epoch]` of an epoch, given the validation losses `[epoch]` of those before."""
        if len(validation_loss) != epoch:
            given = len(validation_loss)
            raise InputError(f"validation_loss must hold the {epoch} epochs before epoch {epoch}, got {given}")
        steps = np.arange(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch, dtype=np.float64)
        warm_up = self.base_lr * warmup_factor(steps, self.span, self.warmup_begin_lr)
        return np.where(
            steps < self.warmup_steps, warm_up, self._level(validation_loss[self.warmup_steps // steps_per_epoch :])
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
