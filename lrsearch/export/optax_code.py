"""A schedule as Python source that builds an optax schedule, of optax's own parts wherever it has them."""

from __future__ import annotations

from collections.abc import Iterator

from lrsearch.export.document import Configuration
from lrsearch.export.frameworks import refuse
from lrsearch.export.source_code import comments, constants, indented, joined, part_functions
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule

_WARMUP = """\
warm_up = optax.linear_schedule(WARMUP_BEGIN_LR, BASE_LR, WARMUP_STEPS)
schedule = optax.join_schedules([warm_up, schedule], [WARMUP_STEPS])"""

_LATE = """\
# The loop that this comes from set the rate of epoch e after epoch e - 1.
late = lambda count: schedule(jnp.maximum(count // steps_per_epoch - 1, 0))
return lambda count: jnp.where(count < steps_per_epoch, LAG_LR, late(count))"""


def optax_code(configuration: Configuration) -> str:
    """Return a Python file with `make_schedule()`, which returns an optax schedule: an update's number to its rate.

    Where the schedule steps by the epoch, it is `make_schedule(steps_per_epoch)`.

    Raises:
        InputError: if optax cannot express the family; reduce_on_plateau is no function of the step.
    """
    return joined(_lines(configuration))


def _lines(configuration: Configuration) -> Iterator[str]:
    schedule = configuration.to_schedule()
    if isinstance(schedule, ReduceOnPlateau):
        refuse(
            "optax", schedule.family, "it reads the validation loss, and optax's schedules are functions of the step"
        )
    yield f'"""The learning-rate schedule {schedule.family} for optax: make_schedule()."""'
    yield from ("", "import jax.numpy as jnp", "import optax", "")
    yield from constants(schedule)
    yield from ("", "")
    yield from part_functions(schedule, "", _part)
    yield f"def make_schedule({'steps_per_epoch' if isinstance(schedule, PerEpoch) else ''}):"
    yield '    """Return the schedule: the number of an update, counted from 0, to its learning rate."""'
    yield from indented("\n".join(_schedule(schedule.schedule if isinstance(schedule, PerEpoch) else schedule)))
    yield from indented(_result(schedule))
    yield from ("", "")
    yield from comments(configuration)


def _schedule(schedule: Schedule) -> Iterator[str]:
    """Yield the lines that make `schedule`, warm-up included."""
    if schedule.shape.optax is None:
        refuse("optax", schedule.family, "it has no such schedule")
    yield schedule.shape.optax
    if schedule.warmup_steps:
        yield _WARMUP


def _part(part: Schedule) -> Iterator[str]:
    yield from _schedule(part)
    yield "return schedule"


def _result(schedule: Schedule | PerEpoch) -> str:
    if not isinstance(schedule, PerEpoch):
        return "return schedule"
    return "return lambda count: schedule(count // steps_per_epoch)" if schedule.lag_lr is None else _LATE
