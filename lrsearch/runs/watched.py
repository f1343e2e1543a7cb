"""How many updates a run has made, by the schedule's own use: a schedule that notes for which step it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.errors import InputError
from lrsearch.schedules import Schedule
from lrsearch.schedules.family import FloatArray
from lrsearch.schedules.parameters import Span
from lrsearch.text import counted

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

LEAST_SHARE = 0.99
"""Of total_steps, that a run must make at least: mixed precision skips a few updates."""


class WatchedSchedule(Schedule):
    """A schedule that notes the last update for which its rate was asked: -1 where it was never asked."""

    last_asked: int = -1

    @classmethod
    def of(cls, schedule: Schedule) -> WatchedSchedule:
        """Return the same schedule, watched."""
        return cls(
            schedule.base_lr, schedule.warmup_steps, schedule.warmup_begin_lr, schedule.total_steps, schedule.shape
        )

    def resume(self, last_asked: int) -> None:
        """Take over the last update for which a rate was asked before the run's checkpoint."""
        object.__setattr__(self, "last_asked", last_asked)

    def _curve(self, step: ArrayLike, peak: float, shape: Callable[[FloatArray, Span], FloatArray]) -> FloatArray:
        rates = super()._curve(step, peak, shape)
        last = int(np.max(step, initial=-1))
        object.__setattr__(self, "last_asked", max(self.last_asked, min(last, self.total_steps - 1)))
        return rates


class Updates:
    """The updates of a run: those of its schedulers, or else those whose rate was set by hand."""

    def __init__(self, schedule: WatchedSchedule) -> None:
        self._schedule = schedule
        self._schedulers: list[LRScheduler] = []

    def scheduler(self, optimizer: Optimizer) -> LRScheduler:
        """Return a scheduler whose steps are counted."""
        from lrsearch.training.torch_schedule import to_torch

        made = to_torch(self._schedule, optimizer)
        self._schedulers.append(made)
        return made

    def require_kept(self, stateful: Mapping[str, object]) -> None:
        """Raise InputError unless the schedulers are among what a checkpoint keeps."""
        kept = [id(one) for value in stateful.values() for one in (value, getattr(value, "scheduler", None))]  # wrapped
        if any(id(scheduler) not in kept for scheduler in self._schedulers):
            raise InputError(
                f"the scheduler must be kept as well, got {', '.join(stateful)}: run.epochs(..., scheduler=scheduler)"
            )

    def require_all(self) -> None:
        """Raise InputError unless a run that has ended has made total_steps updates, or nearly as many."""
        total_steps = self._schedule.total_steps
        if not self.done:
            raise InputError("it never uses the schedule: step run.scheduler(optimizer), or set rates by run.lr(step)")
        if not LEAST_SHARE * total_steps <= self.done <= total_steps:
            made = counted(self.done, "update")
            used = f"the rates of {made} were asked for"
            if self._schedulers:
                used = f"the scheduler was stepped for {made}"
            raise InputError(
                f"{used}, and total_steps is {total_steps}: step once after every optimizer step, and set [run] "
                "total_steps to their number"
            )

    @property
    def done(self) -> int:
        """How many there were."""
        if self._schedulers:
            return max(int(scheduler.last_epoch) for scheduler in self._schedulers)
        return self._schedule.last_asked + 1
