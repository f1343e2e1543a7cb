"""A schedule inside your own PyTorch loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrsearch.errors import InputError
from lrsearch.schedules import Schedule

_NOT_STATE = ("schedule", "factors")


class ScheduleLR(LRScheduler):
    """A torch scheduler that multiplies each parameter group's `initial_lr` by the schedule's factor.

    Its state holds plain numbers alone, so that `torch.load(weights_only=True)` reads it; it can be pickled.

    Attributes:
        schedule: the schedule.
        factors: lr(step) / base_lr of steps 0 .. total_steps, as plain floats.
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule, last_epoch: int = -1) -> None:
        self.schedule = schedule
        self.factors: list[float] = schedule.factor(np.arange(schedule.total_steps + 1)).tolist()
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of each parameter group; after the last update it stays that of total_steps."""
        factor = self.factors[min(self.last_epoch, self.schedule.total_steps)]
        return [rate * factor for rate in self.base_lrs]

    def state_dict(self) -> dict[str, Any]:
        """Return how far the run is; the schedule is given anew by the program that loads it."""
        return {name: value for name, value in super().state_dict().items() if name not in _NOT_STATE}


def to_torch(schedule: Schedule, optimizer: Optimizer, *, ratios: bool = True, last_epoch: int = -1) -> LRScheduler:
    """Return a torch scheduler that gives the first parameter group of an optimizer the schedule's rate.

    Every other group keeps its ratio to the first (layer decay; a group at 0 stays frozen), so that the rate itself
    that was given to the optimizer does not matter. Call `step()` after each `optimizer.step()`; after the last update
    the rate stays at `schedule.lr(total_steps)`. A rate that is a tensor stays the same tensor.

    Args:
        schedule: a function of the step.
        optimizer: whose rates are set.
        ratios: False gives every group the schedule's rate.
        last_epoch: the number of the last update that is done, to continue at the next one; -1 begins.

    Raises:
        InputError: for anything but a Schedule and an optimizer, or where the first group's rate is 0, to which nothing
            has a ratio. reduce_on_plateau is torch's ReduceLROnPlateau, and a PerEpoch is
            `to_torch(per_epoch.schedule, optimizer)`, stepped once per epoch.
    """
    if not isinstance(schedule, Schedule):
        raise InputError(
            f"to_torch needs a Schedule, got {type(schedule).__name__}; use torch's ReduceLROnPlateau for"
            " reduce_on_plateau, and to_torch(per_epoch.schedule, optimizer) stepped per epoch for a PerEpoch"
        )
    if not isinstance(optimizer, Optimizer):
        raise InputError(
            f"to_torch needs a torch optimizer as its second argument, got {type(optimizer).__name__}: "
            "to_torch(schedule, torch.optim.SGD(model.parameters(), lr=1.0))"
        )
    if not isinstance(ratios, bool):
        raise InputError(f"ratios must be True or False, got {ratios!r}")
    if isinstance(last_epoch, bool) or not isinstance(last_epoch, int) or last_epoch < -1:
        raise InputError(f"last_epoch must be the number of an update, or -1 to begin, got {last_epoch!r}")
    if schedule.shape.optimizer and not callable(getattr(optimizer, "eval", None)):
        raise InputError(
            f"to_torch needs an optimizer of the package schedulefree for {schedule.family}, such as "
            f"schedulefree.SGDScheduleFree, got {type(optimizer).__name__}"
        )
    groups = optimizer.param_groups
    rates = [float(group["lr"] if last_epoch < 0 else group.get("initial_lr", group["lr"])) for group in groups]
    if ratios and rates[0] == 0:
        raise InputError(
            "to_torch needs a rate above 0 in the first parameter group, because the others keep their ratio to it, "
            "got 0; put a group that is trained first, or give ratios=False"
        )
    for group, rate in zip(groups, rates, strict=True):
        base_lr = schedule.base_lr * (rate / rates[0] if ratios else 1.0)
        group["initial_lr"] = base_lr
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(base_lr)
        else:
            group["lr"] = base_lr
    return ScheduleLR(optimizer, schedule, last_epoch)
