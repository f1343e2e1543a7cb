"""A schedule as arguments of timm's scheduler factory, refused where its curve would be another one.

Read from timm 1.0.31, scheduler_factory.py. Its numbers are called epochs; with `updates_per_epoch=1` they are the
schedule's own steps, so that nothing has to be a whole number of epochs. Its milestones act one step early.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lrsearch.export.document import Configuration
from lrsearch.export.frameworks import arguments_code, exact_or_nearest, refuse
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule
from lrsearch.schedules.families import (
    Cosine,
    CosineRestarts,
    Exponential,
    Linear,
    MultiStep,
    Polynomial,
    SquareRoot,
    Step,
    WarmupStableDecay,
)

_LIBRARY = "timm"


def timm_arguments(configuration: Configuration, *, approximate: bool = False) -> tuple[dict[str, Any], str]:
    """Return keyword arguments of `timm.scheduler.create_scheduler_v2` that give the schedule.

    Returns:
        The arguments, and how their curve differs, which is "" unless it is approximate.

    Raises:
        InputError: if timm has no such curve, or with `approximate` none like it; the message says what differs.
    """
    schedule = configuration.to_schedule()
    if isinstance(schedule, ReduceOnPlateau):
        refuse(_LIBRARY, schedule.family, "its plateau scheduler is deprecated and warms up by the epoch")
    return exact_or_nearest(schedule, _scheduler, _nearest, approximate=approximate)


def _scheduler(schedule: Schedule | PerEpoch) -> dict[str, Any]:
    if isinstance(schedule, Schedule):
        return _arguments(schedule) | {"step_on_epochs": False, "updates_per_epoch": 1}
    if schedule.lag_lr is not None:
        refuse(_LIBRARY, schedule.family, "its schedulers act in time, this one an epoch late")
    return _arguments(schedule.schedule) | {"step_on_epochs": True}


def _nearest(schedule: Schedule | PerEpoch) -> Schedule | PerEpoch:
    """Return the schedule that timm has beside this one: in time, with whole numbers of steps."""
    if isinstance(schedule, PerEpoch):
        inside = _nearest(schedule.schedule)
        assert isinstance(inside, Schedule)
        return PerEpoch(inside)
    shape = schedule.shape
    if isinstance(shape, Step):
        shape = replace(shape, step_size=round(shape.step_size))
    elif isinstance(shape, CosineRestarts):
        shape = replace(shape, first_cycle_steps=max(round(shape.first_cycle_steps), 1))
    elif isinstance(shape, WarmupStableDecay):
        shape = replace(shape, decay_steps=round(shape.decay_steps))
    return replace(schedule, shape=shape)


def timm_code(configuration: Configuration, *, approximate: bool = False) -> str:
    """Return a Python file with BASE_LR and the dict SCHEDULER_ARGUMENTS.

    Raises:
        InputError: as `timm_arguments`.
    """
    by_epoch = configuration.interval == "epoch"
    step = "step(epochs_done)" if by_epoch else "step_update(updates_done)"
    usage = [
        f"timm: give the optimizer the rate {configuration.schedule['base_lr']!r}, then",
        "    scheduler, _ = timm.scheduler.create_scheduler_v2(optimizer, **SCHEDULER_ARGUMENTS)",
        f"and call scheduler.{step} after each {'epoch' if by_epoch else 'update'}; what it calls epochs are "
        f"{'epochs' if by_epoch else 'updates'} here.",
    ]
    arguments, note = timm_arguments(configuration, approximate=approximate)
    return arguments_code("SCHEDULER_ARGUMENTS", arguments, usage, note, configuration)


def _arguments(schedule: Schedule) -> dict[str, Any]:
    if schedule.family not in _FAMILIES:
        refuse(_LIBRARY, schedule.family, "it has no such schedule")
    return {
        "num_epochs": schedule.span.steps,
        "warmup_epochs": schedule.warmup_steps,
        "warmup_lr": schedule.warmup_begin_lr,
        "warmup_prefix": True,
        "cycle_decay": 1.0,
        **_FAMILIES[schedule.family](schedule),
    }


def _constant(_: Schedule) -> dict[str, Any]:
    return {"sched": "constant"}


def _square_root(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, SquareRoot)
    # The last phase of its rsqrt leads to min_lr; it is put behind the end of training.
    behind = {"num_epochs": schedule.span.steps + 1, "decay_epochs": 1}
    return {"sched": "rsqrt", "stable_timescale": schedule.shape.timescale, "min_lr": 0.0, **behind}


def _exponential(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, Exponential)
    gamma = (schedule.shape.final_lr / schedule.base_lr) ** (1 / schedule.span.steps)
    return {"sched": "step", "decay_epochs": 1, "decay_rate": gamma}


def _step(schedule: Schedule) -> dict[str, Any]:
    shape = schedule.shape
    assert isinstance(shape, Step)
    if shape.step_size != int(shape.step_size):
        refuse(_LIBRARY, schedule.family, f"it drops at every {shape.step_size:g} steps, this one at the nearest whole")
    return {"sched": "step", "decay_epochs": int(shape.step_size), "decay_rate": shape.gamma}


def _multistep(schedule: Schedule) -> dict[str, Any]:
    shape = schedule.shape
    assert isinstance(shape, MultiStep)
    one_later = [milestone + 1 - schedule.warmup_steps for milestone in shape.milestones]
    return {"sched": "multistep", "decay_milestones": one_later, "decay_rate": shape.gamma}


def _linear(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, Linear)
    return {"sched": "poly", "decay_rate": 1.0, "min_lr": schedule.shape.final_lr}


def _polynomial(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, Polynomial)
    return {"sched": "poly", "decay_rate": schedule.shape.power, "min_lr": schedule.shape.final_lr}


def _cosine(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, Cosine)
    length = schedule.shape.decay_steps or schedule.span.steps
    return {"sched": "cosine", "num_epochs": length, "min_lr": schedule.shape.final_lr}


def _cosine_restarts(schedule: Schedule) -> dict[str, Any]:
    shape, steps = schedule.shape, schedule.span.steps
    assert isinstance(shape, CosineRestarts)
    if shape.first_cycle_steps != int(shape.first_cycle_steps):
        refuse(
            _LIBRARY,
            schedule.family,
            f"its cycles take {shape.first_cycle_steps:g} steps, these begin at the nearest whole one",
        )
    if shape.cycle_mult > 2:
        refuse(
            _LIBRARY, schedule.family, f"with cycles that grow by {shape.cycle_mult} it misses restarts by a rounding"
        )
    ends = [int(shape.first_cycle_steps)]
    while ends[-1] < steps:
        ends.append(ends[-1] + int(shape.first_cycle_steps) * shape.cycle_mult ** len(ends))
    return {
        "sched": "cosine",
        "num_epochs": int(shape.first_cycle_steps),
        "cycle_mul": float(shape.cycle_mult),
        "cycle_limit": len(ends),
        "min_lr": shape.final_lr,
    }


def _warmup_stable_decay(schedule: Schedule) -> dict[str, Any]:
    shape = schedule.shape
    assert isinstance(shape, WarmupStableDecay)
    if shape.decay_steps != int(shape.decay_steps):
        refuse(_LIBRARY, schedule.family, f"it rounds the length of the decay, {shape.decay_steps:g} steps")
    decay = {"decay_epochs": int(shape.decay_steps), "decay_fn": shape.decay_shape, "min_lr": shape.final_lr}
    return {"sched": "wsd", **decay}


_FAMILIES: dict[str, Callable[[Schedule], dict[str, Any]]] = {
    "constant": _constant,
    "square_root": _square_root,
    "exponential": _exponential,
    "step": _step,
    "multistep": _multistep,
    "linear": _linear,
    "polynomial": _polynomial,
    "cosine": _cosine,
    "cosine_restarts": _cosine_restarts,
    "warmup_stable_decay": _warmup_stable_decay,
}
