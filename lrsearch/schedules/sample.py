"""From sampled numbers to a schedule: what a search draws for each family, and what the draw stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from lrsearch.errors import InputError
from lrsearch.schedules.build import family_class, make_schedule
from lrsearch.schedules.parameters import PARAMETERS, refuse_unknown
from lrsearch.schedules.plateau import ReduceOnPlateau
from lrsearch.schedules.schedule import Schedule

Value: TypeAlias = float | int | str

SEARCHED: dict[str, tuple[str, ...]] = {
    "constant": ("base_lr", "warmup_steps"),
    "square_root": ("base_lr", "warmup_steps", "timescale"),
    "exponential": ("base_lr", "warmup_steps", "final_lr"),
    "step": ("base_lr", "warmup_steps", "gamma", "step_size"),
    "multistep": ("base_lr", "warmup_steps", "gamma", "milestone_1", "milestone_2"),
    "linear": ("base_lr", "warmup_steps", "final_lr"),
    "polynomial": ("base_lr", "warmup_steps", "final_lr", "power"),
    "cosine": ("base_lr", "warmup_steps", "final_lr"),
    "cosine_restarts": ("base_lr", "warmup_steps", "final_lr", "cycles", "cycle_mult"),
    "one_cycle": ("base_lr", "pct_start", "div_factor", "final_div_factor"),
    "warmup_stable_decay": ("base_lr", "warmup_steps", "final_lr", "decay_steps", "decay_shape"),
    "rex": ("base_lr", "warmup_steps", "final_lr", "beta"),
    "reduce_on_plateau": ("base_lr", "warmup_steps", "factor", "patience"),
}


def schedule_from_sample(
    family: str,
    sample: Mapping[str, Value],
    *,
    total_steps: int,
    steps_per_epoch: int,
    warmup_begin_lr: float = 0.0,
) -> Schedule | ReduceOnPlateau:
    """Return the schedule that sampled values stand for.

    `milestone_1` and `milestone_2` become `milestones`, sorted, one step apart where they were equal; `cycles` and
    `cycle_mult` become the `first_cycle_steps` with which the last cycle ends at total_steps.

    Args:
        family: one of FAMILY_NAMES.
        sample: a value for each name of `default_ranges(family)`.
        total_steps: the length of training in steps.
        steps_per_epoch: steps between two readings of the select loss; reduce_on_plateau needs whole epochs.
        warmup_begin_lr: the rate of step 0 where there is a warm-up.

    Raises:
        InputError: for an unknown family, a missing or unknown name, or a value that breaks a rule.

    >>> sample = {"base_lr": 0.1, "warmup_steps": 0, "final_lr": 0.0, "cycles": 3, "cycle_mult": 2}
    >>> schedule_from_sample("cosine_restarts", sample, total_steps=700, steps_per_epoch=7).shape.first_cycle_steps
    100
    """
    family_class(family)
    refuse_unknown(f"a sample of {family}", sample, SEARCHED[family])
    missing = [name for name in SEARCHED[family] if name not in sample]
    if missing:
        raise InputError(f"a sample of {family} needs {', '.join(missing)}")
    if family == ReduceOnPlateau.family and total_steps % steps_per_epoch:
        raise InputError(
            f"{family} needs whole epochs: total_steps must be a multiple of steps_per_epoch,"
            f" got {total_steps} and {steps_per_epoch}"
        )
    values: dict[str, Any] = dict(sample)
    if family == "multistep":
        early, late = sorted((values.pop("milestone_1"), values.pop("milestone_2")))
        if early == late:
            early, late = (early, late + 1) if late < total_steps else (max(early - 1, 1), late)
        values["milestones"] = (early, late)
    if family == "cosine_restarts":
        cycle_mult = PARAMETERS["cycle_mult"].plain("cycle_mult", values["cycle_mult"])
        lengths = [cycle_mult**cycle for cycle in range(values.pop("cycles"))]
        values["first_cycle_steps"] = (total_steps - values["warmup_steps"]) / sum(lengths)
    if values.get("warmup_steps"):
        values["warmup_begin_lr"] = warmup_begin_lr
    return make_schedule(family, total_steps=total_steps, **values)
