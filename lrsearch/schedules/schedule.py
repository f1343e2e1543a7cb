"""A schedule as a pure function of the step: base_lr x (warm-up, then a shape)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.errors import InputError
from lrsearch.schedules.drawing import schedule_html
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import (
    BaseLr,
    Parameter,
    Span,
    TotalSteps,
    WarmupBeginLr,
    WarmupSteps,
    check_fit,
    json_plain,
    make_plain,
    rules,
)


def warmup_factor(step: FloatArray, span: Span, warmup_begin_lr: float) -> FloatArray:
    """Return the straight line from warmup_begin_lr / base_lr at step 0 to 1 at warmup_steps and after."""
    begin = warmup_begin_lr / span.base_lr
    return begin + (1.0 - begin) * np.minimum(step / max(span.warmup_steps, 1), 1.0)


def scaled_span(span: Span, total_steps: int) -> Span:
    """Return the span of another budget, with the end of warm-up at the same fraction of training."""
    total_steps = rules(Schedule)["total_steps"].plain("total_steps", total_steps)
    warmup_steps = min(round(span.warmup_steps * total_steps / span.total_steps), total_steps - 1)
    return Span(span.base_lr, warmup_steps, total_steps)


def whole_steps(step: ArrayLike) -> FloatArray:
    """Return steps as float64; raise InputError unless they are integers >= 0."""
    steps = np.asarray(step)
    if not np.issubdtype(steps.dtype, np.integer) or np.any(steps < 0):
        raise InputError(f"step must hold integers >= 0, got {step!r}")
    return steps.astype(np.float64)


@dataclass(frozen=True)
class Schedule:
    """A learning rate for every update of a run, before anything is trained.

    Attributes:
        base_lr: the peak rate.
        warmup_steps: 0 .. total_steps - 1 updates that rise linearly from warmup_begin_lr to base_lr.
        warmup_begin_lr: the rate of update 0 where there is a warm-up.
        total_steps: the updates of the run.
        shape: what follows warm-up.

    Raises:
        InputError: for the first parameter that breaks its rule or does not fit into the run.

    >>> from lrsearch.schedules.families import Linear
    >>> schedule = Schedule(base_lr=0.5, warmup_steps=2, warmup_begin_lr=0.0, total_steps=6, shape=Linear())
    >>> schedule.lr(np.arange(7)).tolist()
    [0.0, 0.25, 0.5, 0.375, 0.25, 0.125, 0.0]
    """

    base_lr: BaseLr
    warmup_steps: WarmupSteps
    warmup_begin_lr: WarmupBeginLr
    total_steps: TotalSteps
    shape: Shape

    interval: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        make_plain(self)
        check_fit(self, self.span)
        self.shape.check(self.span)
        if self.warmup_steps and not self.shape.takes_warmup:
            raise InputError(
                f"warmup_steps of {self.family} must be 0: its curve begins at step 0; got {self.warmup_steps}"
            )

    @property
    def family(self) -> str:
        """Return the name of the family."""
        return self.shape.family

    @property
    def span(self) -> Span:
        """Return the part of the run in which the shape lives."""
        return Span(self.base_lr, self.warmup_steps, self.total_steps)

    def factor(self, step: ArrayLike) -> FloatArray:
        """Return lr(step) / base_lr, in [0, 1]."""
        return self._curve(step, 1.0, self.shape.factor)

    def lr(self, step: ArrayLike) -> FloatArray:
        """Return the rate used by update `step`, counted from 0.

        Args:
            step: integers >= 0 of any shape. The decay ends at total_steps, one after the last update; later steps
                keep that value.

        Returns:
            float64 rates of the same shape.
        """
        return self._curve(step, self.base_lr, self.shape.lr)

    def _curve(self, step: ArrayLike, peak: float, shape: Callable[[FloatArray, Span], FloatArray]) -> FloatArray:
        """Return warm-up to the peak, then the shape, at each step."""
        steps = whole_steps(step)
        # Always one axis: NumPy raises a lone number to a power by another rule, one rounding away.
        t = steps.reshape(-1)
        s = np.clip(t - self.warmup_steps, 0.0, self.span.steps)
        warm_up = peak * warmup_factor(t, self.span, self.warmup_begin_lr)
        return np.where(t < self.warmup_steps, warm_up, shape(s, self.span)).reshape(steps.shape)

    def epoch_lr(self, epoch: int, steps_per_epoch: int, validation_loss: Sequence[float] = ()) -> FloatArray:  # noqa: ARG002
        """Return the rates `[steps_per_epoch]` of the updates of one epoch; `validation_loss` is not read."""
        return self.lr(np.arange(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch))

    def params(self) -> dict[str, Any]:
        """Return the family and all parameters as JSON holds them; `schedule_from_params` is the inverse."""
        return {"family": self.family, **json_plain(self), **json_plain(self.shape)}

    def scaled_to(self, total_steps: int) -> Schedule:
        """Return the schedule for another budget, with every boundary at the same fraction of training.

        Counts of steps become real numbers where they must; what happens at a step happens at the nearest one.
        """
        span = scaled_span(self.span, total_steps)
        shape = self.shape.scaled(span.total_steps / self.total_steps, span)
        return replace(self, warmup_steps=span.warmup_steps, total_steps=span.total_steps, shape=shape)

    def distance(self, other: Schedule) -> float:
        """Return the largest relative difference |a - b| / max(a, b) over the run, in [0, 1]; 0 for equal curves.

        Raises:
            InputError: if the runs differ in length; `scaled_to` carries one to the other.
        """
        if not isinstance(other, Schedule):
            raise InputError(f"distance needs another Schedule, got {type(other).__name__}")
        if self.total_steps != other.total_steps:
            raise InputError(
                f"distance needs equal total_steps, got {self.total_steps} and {other.total_steps}; use scaled_to first"
            )
        steps = np.arange(self.total_steps)
        a, b = self.lr(steps), other.lr(steps)
        larger = np.maximum(a, b)
        return float(np.max(np.abs(a - b) / np.where(larger > 0.0, larger, 1.0)))

    def _repr_html_(self) -> str:
        """Return the formula, the parameters and the curve, as a notebook shows them."""
        formula = f"base_lr × {self.shape.formula}"
        return schedule_html(formula, self.params(), lambda: self.lr(np.arange(self.total_steps)))


@dataclass(frozen=True)
class PerEpoch:
    """A schedule that is stepped once per epoch: its steps are epochs, and the rate stays constant within one.

    Attributes:
        schedule: the schedule; its total_steps, warmup_steps, ... count epochs.
        lag_lr: None, or the rate of epoch 0 of a loop that sets the schedule's rate after each epoch, so that epoch e
            trains at schedule.lr(e - 1).

    >>> from lrsearch.schedules.families import SquareRoot
    >>> article = PerEpoch(Schedule(0.1, 0, 0.0, 30, SquareRoot(timescale=1)), lag_lr=0.3)
    >>> [round(float(article.epoch_lr(epoch, 1)[0]), 4) for epoch in range(4)]
    [0.3, 0.1, 0.0707, 0.0577]
    """

    schedule: Schedule
    lag_lr: Annotated[
        float | None, Parameter("the rate of epoch 0 where the schedule acts one epoch late", above=True)
    ] = None

    interval: ClassVar[str] = "epoch"

    def __post_init__(self) -> None:
        make_plain(self)

    @property
    def family(self) -> str:
        """Return the name of the family."""
        return self.schedule.family

    @property
    def base_lr(self) -> float:
        """Return the peak rate of the schedule (lag_lr may be higher)."""
        return self.schedule.base_lr

    @property
    def total_steps(self) -> int:
        """Return the length of training in this schedule's steps: epochs."""
        return self.schedule.total_steps

    def epoch_lr(self, epoch: int, steps_per_epoch: int, validation_loss: Sequence[float] = ()) -> FloatArray:  # noqa: ARG002
        """Return the rates `[steps_per_epoch]` of one epoch, all equal; `validation_loss` is not read."""
        if self.lag_lr is None:
            rate = float(self.schedule.lr(epoch))
        else:
            rate = self.lag_lr if epoch == 0 else float(self.schedule.lr(epoch - 1))
        return np.full(steps_per_epoch, rate)

    def params(self) -> dict[str, Any]:
        """Return the schedule's parameters, `interval` and, where given, `lag_lr`, as JSON holds them."""
        return {**self.schedule.params(), "interval": self.interval, **json_plain(self)}

    def scaled_to(self, total_steps: int) -> PerEpoch:
        """Return it for another number of epochs."""
        return replace(self, schedule=self.schedule.scaled_to(total_steps))

    def _repr_html_(self) -> str:
        """Return the formula, the parameters and the curve over epochs, as a notebook shows them."""

        def rates() -> FloatArray:
            return np.concatenate([self.epoch_lr(epoch, 1) for epoch in range(self.total_steps)])

        return schedule_html(f"base_lr × {self.schedule.shape.formula}", self.params(), rates)
