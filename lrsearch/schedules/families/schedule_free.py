"""Schedule-Free: an optimizer of its own, whose rate only warms up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, final

import numpy as np

from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import Parameter, Span
from lrsearch.schedules.priors import Prior
from lrsearch.schedules.schedule import PerEpoch, Schedule


@final
@dataclass(frozen=True)
class ScheduleFree(Shape):
    """No schedule and no horizon: an average of the weights in place of a decay, by an optimizer of its own.

    >>> ScheduleFree().factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 1.0, 1.0]
    """

    interpolation: Annotated[
        float,
        Parameter("how far gradients are taken from the weights towards their average", high=1, above=True, below=True),
    ] = 0.9

    family = "schedule_free"
    formula = "1"
    source = "Defazio et al. 2024, arXiv:2405.15682; the package schedulefree"
    searched = {"interpolation": Prior(0.8, 0.98)}
    by_default = False
    optimizer = "Schedule-Free"
    python = "return BASE_LR"
    optax = "schedule = optax.constant_schedule(BASE_LR)"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return 1 at each step."""
        return np.ones_like(s)


def schedule_free_shape(schedule: object) -> ScheduleFree | None:
    """Return the shape of a schedule that is Schedule-Free; None for any other."""
    inner = schedule.schedule if isinstance(schedule, PerEpoch) else schedule
    return inner.shape if isinstance(inner, Schedule) and isinstance(inner.shape, ScheduleFree) else None
