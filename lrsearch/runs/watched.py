"""How many updates a run has made, by the schedule's own use: a schedule that notes for which step it was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.schedules import Schedule
from lrsearch.schedules.family import FloatArray
from lrsearch.schedules.parameters import Span

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


class WatchedSchedule(Schedule):
    """A schedule that notes the last update for which its rate was asked: -1 where it was never asked."""

    last_asked: int = -1

    @classmethod
    def of(cls, schedule: Schedule) -> WatchedSchedule:
        """Return the same schedule, watched."""
        return cls(
            schedule.base_lr, schedule.warmup_steps, schedule.warmup_begin_lr, schedule.total_steps, schedule.shape
        )

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

    @property
    def counted(self) -> bool:
        """Whether a scheduler counts them."""
        return bool(self._schedulers)

    @property
    def done(self) -> int:
        """How many there were."""
        if self._schedulers:
            return max(int(scheduler.last_epoch) for scheduler in self._schedulers)
        return self._schedule.last_asked + 1
