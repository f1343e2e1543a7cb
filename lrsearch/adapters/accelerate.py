"""A run's scheduler inside a loop of accelerate."""

from __future__ import annotations

from lrsearch.errors import InputError
from lrsearch.runs.run import Run

try:
    from accelerate import Accelerator
    from accelerate.optimizer import AcceleratedOptimizer
    from accelerate.scheduler import AcceleratedScheduler
except ModuleNotFoundError as error:
    raise InputError(f"lrsearch.adapters.accelerate: {error}; pip install accelerate") from error


def prepared_scheduler(run: Run, accelerator: Accelerator, optimizer: AcceleratedOptimizer) -> AcceleratedScheduler:
    """Return the run's scheduler, prepared: it steps once an update, however many processes train.

        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        scheduler = prepared_scheduler(run, accelerator, optimizer)

    `accelerator.prepare(run.scheduler(optimizer))` would step it once for each process, because it takes a schedule to
    count the batches of a loop that has one process, and the schedule would be at its end early by that factor. As any
    prepared scheduler it waits for the end of a gradient accumulation, and for updates that mixed precision skipped.
    The loop itself is one's own: it reports by `run.report`.

    Args:
        run: whose schedule it is.
        accelerator: keeps the scheduler in `save_state`.
        optimizer: prepared.

    Raises:
        InputError: if the optimizer is not prepared.
    """
    if not isinstance(optimizer, AcceleratedOptimizer):
        raise InputError(f"optimizer must be prepared by accelerator.prepare, got {type(optimizer).__name__}")
    scheduler = AcceleratedScheduler(run.scheduler(optimizer.optimizer), optimizer, split_batches=True)
    scheduler._is_accelerate_prepared = True
    return accelerator.prepare_scheduler(scheduler)
