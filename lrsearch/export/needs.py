"""What a configuration needs beside its schedule and its optimizer: an average of the weights."""

from __future__ import annotations

from lrsearch.config import OptimizerConfig
from lrsearch.schedules import AnySchedule, schedule_free_shape

_STATISTICS = "BatchNorm's running statistics are taken again for it (torch.optim.swa_utils.update_bn)"


def needed_beside(optimizer: OptimizerConfig, schedule: AnySchedule) -> str:
    """Return in one sentence what else a program needs that trains a configuration; "" for nothing.

    Args:
        optimizer: its fixed numbers.
        schedule: its schedule.
    """
    shape = schedule_free_shape(schedule)
    if shape is not None:
        kind, given = "SGDScheduleFree", f"momentum={shape.interpolation!r}"
        if optimizer.name == "adamw":
            kind, given = "AdamWScheduleFree", f"betas=({shape.interpolation!r}, {optimizer.beta2!r})"
        return (
            f"the package schedulefree (in JAX optax.contrib.schedule_free): {kind}(parameters, {given}, "
            f"weight_decay={optimizer.weight_decay!r}) with the rates of this schedule, optimizer.train() before "
            f"training and optimizer.eval() before every evaluation, which reads the average; {_STATISTICS}"
        )
    if optimizer.average is not None:
        return (
            f"an exponential average of the weights that keeps {optimizer.ema_decay!r} at each update "
            f"(torch.optim.swa_utils.AveragedModel), which the scores are of; {_STATISTICS}"
        )
    return ""
