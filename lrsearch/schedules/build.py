"""Schedules of any family from plain numbers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, TypeAlias

from lrsearch.errors import InputError
from lrsearch.schedules.families import FAMILIES, ReduceOnPlateau
from lrsearch.schedules.family import Family, Shape
from lrsearch.schedules.fixed import FIXED, Join
from lrsearch.schedules.parameters import require_known, rules
from lrsearch.schedules.schedule import PerEpoch, Schedule
from lrsearch.text import did_you_mean

AnySchedule: TypeAlias = Schedule | PerEpoch | ReduceOnPlateau
"""Everything that a lane can be trained with: it has epoch_lr, params, family, base_lr, total_steps and scaled_to."""

_OF_EVERY_SCHEDULE = ("total_steps", "base_lr", "warmup_steps", "warmup_begin_lr")


@dataclass(frozen=True)
class FamilyDescription:
    """A family in words; `parameters` holds the meaning and the rule of each of its own parameters."""

    family: str
    description: str
    formula: str
    source: str
    parameters: dict[str, str]


def family_class(family: str) -> type[Family]:
    """Return the class of a family; raise InputError, suggesting the likeliest, if there is none."""
    if not isinstance(family, str):
        raise InputError(f"family must be the name of one, such as 'cosine', got {family!r}")
    if family not in FAMILIES:
        raise InputError(f"unknown family {family!r}{did_you_mean(family, FAMILIES)}")
    return FAMILIES[family]


def schedule_class(name: str) -> type[Family]:
    """Return the class of a family, or of a kind of fixed schedule; raise InputError if there is none of this name."""
    return FIXED[name] if isinstance(name, str) and name in FIXED else family_class(name)


def default_families(*, reading_metric: bool = True) -> tuple[str, ...]:
    """Return the families of a search that names none; without those that read a metric where not `reading_metric`."""
    return tuple(
        name for name, family in FAMILIES.items() if family.by_default and (reading_metric or not family.reads_metric)
    )


def step_families() -> tuple[str, ...]:
    """Return the families that are functions of the step, so that their rates are known before a run."""
    return tuple(name for name, family in FAMILIES.items() if not family.reads_metric)


def reads_metric(family: object) -> bool:
    """Return whether this is the name of a family whose rate depends on the validation loss."""
    return family in FAMILIES and FAMILIES[str(family)].reads_metric


def own_optimizer(family: object) -> str:
    """Return what takes the optimizer's place in a family; "" where the study's own stays."""
    return FAMILIES[str(family)].optimizer if family in FAMILIES else ""


def describe_family(family: str) -> FamilyDescription:
    """Return the formula, the source and the parameters of a family.

    >>> describe_family("rex").formula
    'r + (1 - r) (1 - x) / (1 - x (1 - beta))'
    """
    cls = family_class(family)
    meanings = {name: f"{rule.meaning} ({rule.rule})" for name, rule in cls.parameters().items()}
    return FamilyDescription(family, (cls.__doc__ or "").partition("\n")[0], cls.formula, cls.source, meanings)


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

    "tabulated" and "join" are made likewise; `tabulated` and `join` are shorter.

    Raises:
        InputError: for an unknown family or parameter, a missing one, or a value that breaks a rule.

    >>> make_schedule("cosine", total_steps=100, base_lr=0.3, final_lr=0.01).lr([0, 50, 100]).round(3).tolist()
    [0.3, 0.155, 0.01]
    """
    cls = schedule_class(family)
    family_rules = cls.parameters()
    require_known(family, parameters, (*family_rules, *_OF_EVERY_SCHEDULE))
    for name, rule in family_rules.items():
        if name not in parameters and getattr(cls, name, MISSING) is MISSING:
            raise InputError(f"{family} needs {name}: {rule.meaning}")
    if cls is Join:
        parameters["parts"] = _parts(parameters["parts"], parameters["boundaries"], total_steps)
    if issubclass(cls, Shape):
        return Schedule(base_lr, warmup_steps, warmup_begin_lr, total_steps, cls(**parameters))
    assert issubclass(cls, ReduceOnPlateau)
    return cls(base_lr, total_steps, warmup_steps, warmup_begin_lr, **parameters)


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


def _parts(parts: Any, boundaries: Any, total_steps: Any) -> Any:
    """Return the parts of a join as schedules; one that gives no total_steps lasts until the next begins."""
    if not isinstance(parts, list | tuple) or all(isinstance(part, Schedule) for part in parts):
        return parts
    ends = (*rules(Join)["boundaries"].plain("boundaries", boundaries), total_steps)
    made: list[Any] = []
    for part, start, end in zip(parts, (0, *ends), ends, strict=False):
        if not isinstance(part, Mapping) or part.get("family") == Join.family:
            raise InputError("parts must be tables of schedules such as { family = 'linear', base_lr = 0.1 }, no joins")
        try:
            made.append(schedule_from_params({"total_steps": end - start, **part}))
        except InputError as error:
            raise InputError(f"part {len(made) + 1} of {len(parts)}: {error}") from error
    return (*made, *parts[len(made) :])
