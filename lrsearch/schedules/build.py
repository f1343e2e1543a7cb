"""Schedules of any family from plain numbers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeAlias

from lrsearch.errors import InputError
from lrsearch.schedules.parameters import PARAMETERS, refuse_unknown
from lrsearch.schedules.plateau import ReduceOnPlateau
from lrsearch.schedules.schedule import PerEpoch, Schedule
from lrsearch.schedules.shape import Shape
from lrsearch.schedules.shapes import FAMILIES

AnySchedule: TypeAlias = Schedule | PerEpoch | ReduceOnPlateau
"""Everything that a lane can be trained with: it has epoch_lr, params, family, base_lr, total_steps and scaled_to."""

FAMILY_NAMES: tuple[str, ...] = (*FAMILIES, ReduceOnPlateau.family)

_OF_THE_RUN = ("total_steps", "base_lr", "warmup_steps", "warmup_begin_lr")


@dataclass(frozen=True)
class FamilyDescription:
    """What a person wants to know of a family; `parameters` holds each of its own parameters' meaning and rule."""

    family: str
    formula: str
    source: str
    parameters: dict[str, str]


def family_class(family: str) -> type[Shape] | type[ReduceOnPlateau]:
    """Return the class of a family; raise InputError, naming all, if there is none."""
    if family == ReduceOnPlateau.family:
        return ReduceOnPlateau
    if not isinstance(family, str) or family not in FAMILIES:
        raise InputError(f"family must be one of {', '.join(FAMILY_NAMES)}; got {family!r}")
    return FAMILIES[family]


def describe_family(family: str) -> FamilyDescription:
    """Return the formula, the source and the parameters of a family.

    >>> describe_family("rex").formula
    'r + (1 - r) (1 - x) / (1 - x (1 - beta))'
    """
    cls = family_class(family)
    own = [field.name for field in fields(cls) if field.name not in _OF_THE_RUN]
    meanings = {name: f"{PARAMETERS[name].meaning} ({PARAMETERS[name].rule})" for name in own}
    return FamilyDescription(family, cls.formula, cls.source, meanings)


def make_schedule(
    family: str,
    *,
    total_steps: int,
    base_lr: float,
    warmup_steps: int = 0,
    warmup_begin_lr: float = 0.0,
    **parameters: Any,
) -> Schedule | ReduceOnPlateau:
    """Return the schedule of a family from plain numbers; `describe_family` says which parameters it has.

    Raises:
        InputError: for an unknown family or parameter, a missing one, or a value that breaks a rule.

    >>> make_schedule("cosine", total_steps=100, base_lr=0.3, final_lr=0.01).lr([0, 50, 100]).round(3).tolist()
    [0.3, 0.155, 0.01]
    """
    cls = family_class(family)
    own = [field for field in fields(cls) if field.name not in _OF_THE_RUN]
    refuse_unknown(family, parameters, tuple(field.name for field in own))
    for field in own:
        if field.default is MISSING and field.name not in parameters:
            raise InputError(f"{family} needs {field.name}: {PARAMETERS[field.name].meaning}")
    if issubclass(cls, ReduceOnPlateau):
        return cls(base_lr, total_steps, warmup_steps, warmup_begin_lr, **parameters)
    return Schedule(base_lr, warmup_steps, warmup_begin_lr, total_steps, cls(**parameters))


def schedule_from_params(params: Mapping[str, Any]) -> AnySchedule:
    """Return the schedule whose `params()` these are.

    Args:
        params: family, total_steps, base_lr and the other parameters; `interval = "epoch"` and `lag_lr` make a
            PerEpoch.

    Raises:
        InputError: as `make_schedule`, or if family, total_steps or base_lr is missing.
    """
    values = dict(params)
    interval, lag_lr = values.pop("interval", "step"), values.pop("lag_lr", None)
    for name in ("family", "total_steps", "base_lr"):
        if name not in values:
            raise InputError(f"a schedule needs {name}, got only {', '.join(params) or 'nothing'}")
    if interval not in ("step", "epoch"):
        raise InputError(f"interval must be 'step' or 'epoch', got {interval!r}")
    if interval == "step" and lag_lr is not None:
        raise InputError(f"lag_lr needs interval = 'epoch', got lag_lr = {lag_lr!r} with interval = 'step'")
    schedule = make_schedule(**values)
    if interval == "step":
        return schedule
    if isinstance(schedule, ReduceOnPlateau):
        raise InputError("reduce_on_plateau acts at epoch boundaries by itself: leave interval = 'epoch' out")
    return PerEpoch(schedule, lag_lr)
