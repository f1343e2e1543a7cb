"""A schedule inside anybody's own PyTorch loop."""

from __future__ import annotations

import numpy as np
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lrsearch.errors import InputError
from lrsearch.schedules import Schedule


def to_torch(schedule: Schedule, optimizer: Optimizer) -> LambdaLR:
    """Return a torch scheduler that gives every parameter group of an optimizer the schedule's rate.

    Call its `step()` after each `optimizer.step()`. The group's base rate becomes `schedule.base_lr`, so that the rate
    given to the optimizer does not matter; after the last update the rate stays at `schedule.lr(total_steps)`.

    Raises:
        InputError: for anything but a Schedule: reduce_on_plateau is torch's ReduceLROnPlateau, and a PerEpoch is
            `to_torch(per_epoch.schedule, optimizer)`, stepped once per epoch.
    """
    if not isinstance(schedule, Schedule):
        raise InputError(
            f"to_torch needs a Schedule, got {type(schedule).__name__}; use torch's ReduceLROnPlateau for"
            " reduce_on_plateau, and to_torch(per_epoch.schedule, optimizer) stepped per epoch for a PerEpoch"
        )
    for group in optimizer.param_groups:
        group["lr"] = schedule.base_lr
        group["initial_lr"] = schedule.base_lr
    # Plain floats: a numpy.float64 in a saved state is refused by torch.load(weights_only=True).
    factors: list[float] = schedule.factor(np.arange(schedule.total_steps + 1)).tolist()

    def factor(step: int) -> float:
        return factors[min(step, schedule.total_steps)]

    return LambdaLR(optimizer, factor)
