"""Learning-rate schedules as pure functions of the step.

Owns the families: their curves, their parameters, the ranges in which these are searched, and how each is written for
other programs. May import NumPy, `errors` and `text` alone. Begin with family.py (what a family is) and families/
(each of them), then schedule.py; fixed/ holds the kinds that are given and not searched.
"""

from lrsearch.schedules.build import (
    AnySchedule,
    FamilyDescription,
    default_families,
    describe_family,
    family_class,
    make_schedule,
    own_optimizer,
    reads_metric,
    schedule_class,
    schedule_from_params,
    step_families,
)
from lrsearch.schedules.families import FAMILIES, ReduceOnPlateau, ScheduleFree, schedule_free_shape
from lrsearch.schedules.family import Family, Shape
from lrsearch.schedules.fixed import Join, Tabulated, join, tabulated
from lrsearch.schedules.priors import Choice, Prior, Range
from lrsearch.schedules.ranges import OptimizerKind, check_overrides, resolve_ranges
from lrsearch.schedules.sample import schedule_from_sample
from lrsearch.schedules.schedule import PerEpoch, Schedule

__all__ = [
    "FAMILIES",
    "AnySchedule",
    "Choice",
    "Family",
    "FamilyDescription",
    "Join",
    "OptimizerKind",
    "PerEpoch",
    "Prior",
    "Range",
    "ReduceOnPlateau",
    "Schedule",
    "ScheduleFree",
    "Shape",
    "Tabulated",
    "check_overrides",
    "default_families",
    "describe_family",
    "family_class",
    "join",
    "make_schedule",
    "own_optimizer",
    "reads_metric",
    "resolve_ranges",
    "schedule_class",
    "schedule_free_shape",
    "schedule_from_params",
    "schedule_from_sample",
    "step_families",
    "tabulated",
]
