"""From drawn numbers to the schedule that they stand for."""

from __future__ import annotations

from collections.abc import Mapping

from lrsearch.errors import InputError
from lrsearch.schedules.build import family_class, make_schedule
from lrsearch.schedules.families import ReduceOnPlateau
from lrsearch.schedules.parameters import require_known
from lrsearch.schedules.priors import Value
from lrsearch.schedules.schedule import Schedule


def schedule_from_sample(
    family: str,
    sample: Mapping[str, Value],
    *,
    total_steps: int,
    steps_per_epoch: int,
    warmup_begin_lr: float = 0.0,
) -> Schedule | ReduceOnPlateau:
    """Return the schedule that drawn values stand for.

    `milestone_1` and `milestone_2` become `milestones`, sorted, one step apart where they were equal; `cycles` and
    `cycle_mult` become the `first_cycle_steps` with which the last cycle ends at total_steps.

    Args:
        family: one of FAMILIES.
        sample: a value for each name of the family's `priors`.
        total_steps: the length of training in steps.
        steps_per_epoch: steps between two readings of the validation loss; a family that reads it needs whole epochs.
        warmup_begin_lr: the rate of step 0 where there is a warm-up.

    Raises:
        InputError: for an unknown family, a missing or unknown name, or a value that breaks a rule.

    >>> sample = {"base_lr": 0.1, "warmup_steps": 0, "final_lr": 0.0, "cycles": 3, "cycle_mult": 2}
    >>> schedule_from_sample("cosine_restarts", sample, total_steps=700, steps_per_epoch=7).shape.first_cycle_steps
    100
    """
    cls = family_class(family)
    searched = cls.priors()
    require_known(f"a sample of {family}", sample, searched)
    if missing := [name for name in searched if name not in sample]:
        raise InputError(f"a sample of {family} needs {', '.join(missing)}")
    if cls.reads_metric and total_steps % steps_per_epoch:
        raise InputError(
            f"{family} needs whole epochs: total_steps must be a multiple of steps_per_epoch,"
            f" got {total_steps} and {steps_per_epoch}"
        )
    values = cls.from_sample(sample, total_steps)
    if values.get("warmup_steps"):
        values["warmup_begin_lr"] = warmup_begin_lr
    return make_schedule(family, total_steps=total_steps, **values)
