"""Learning-rate schedules as pure functions of the step.

Owns the families: their curves, parameters and search ranges. May import NumPy alone. Begin with schedule.py, then
shapes.py.
"""

from lrsearch.schedules.build import (
    FAMILY_NAMES,
    AnySchedule,
    FamilyDescription,
    describe_family,
    make_schedule,
    schedule_from_params,
)
from lrsearch.schedules.parameters import PARAMETERS
from lrsearch.schedules.plateau import ReduceOnPlateau
from lrsearch.schedules.ranges import (
    PRIORS,
    Choice,
    Prior,
    Range,
    check_overrides,
    default_ranges,
    resolve_ranges,
)
from lrsearch.schedules.sample import SEARCHED, schedule_from_sample
from lrsearch.schedules.schedule import PerEpoch, Schedule
from lrsearch.schedules.shape import Shape
from lrsearch.schedules.shapes import FAMILIES

__all__ = [
    "FAMILIES",
    "FAMILY_NAMES",
    "PARAMETERS",
    "PRIORS",
    "SEARCHED",
    "AnySchedule",
    "Choice",
    "FamilyDescription",
    "PerEpoch",
    "Prior",
    "Range",
    "ReduceOnPlateau",
    "Schedule",
    "Shape",
    "check_overrides",
    "default_ranges",
    "describe_family",
    "make_schedule",
    "resolve_ranges",
    "schedule_from_params",
    "schedule_from_sample",
]
