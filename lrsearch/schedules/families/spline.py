"""The free-form family: what a curve could be that has no name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np

from lrsearch.errors import InputError
from lrsearch.schedules.curves import pchip, pchip_slopes
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import Parameter, Span
from lrsearch.schedules.priors import Prior, Value
from lrsearch.schedules.schedule import Schedule

POINTS = 5
_MOST_POINTS = 100
_NAMES = tuple(f"factor_{point}" for point in range(1, POINTS + 1))


@final
@dataclass(frozen=True)
class Spline(Shape):
    """A smooth curve through equally spaced factors, in between monotone and cubic in the logarithm.

    >>> Spline(factors=(1.0, 0.1, 0.01)).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).round(12).tolist()
    [1.0, 0.1, 0.01]
    """

    factors: Annotated[
        tuple[float, ...],
        Parameter("the rates at equally spaced points after warm-up, in proportion", "numbers", above=True, high=1),
    ]

    family = "spline"
    formula = "exp of PCHIP through ln(factors), k of them equally spaced over x = 0 .. 1, over the largest"
    source = (
        "scipy PchipInterpolator (Fritsch and Butland 1984); a free form as in Defazio et al. 2023, arXiv:2310.07831"
    )
    searched = {name: Prior(1e-4 if name == _NAMES[-1] else 1e-3, 1.0, log=True) for name in _NAMES}
    rises = True
    by_default = False
    free_form = True
    python = """\
x = s / n * (len(LOGS) - 1)
k = min(int(x), len(LOGS) - 2)
t = x - k
curve = (1 + 2 * t) * (1 - t) ** 2 * LOGS[k] + t * (1 - t) ** 2 * SLOPES[k]
curve += t**2 * (3 - 2 * t) * LOGS[k + 1] + t**2 * (t - 1) * SLOPES[k + 1]
return BASE_LR * math.exp(min(curve, 0))"""
    optax = """\
logs, slopes = jnp.asarray(LOGS), jnp.asarray(SLOPES)

def schedule(count):
    x = jnp.clip(count / (TOTAL_STEPS - WARMUP_STEPS), 0, 1) * (len(LOGS) - 1)
    k = jnp.clip(jnp.floor(x).astype(int), 0, len(LOGS) - 2)
    t = x - k
    curve = (1 + 2 * t) * (1 - t) ** 2 * logs[k] + t * (1 - t) ** 2 * slopes[k]
    curve += t**2 * (3 - 2 * t) * logs[k + 1] + t**2 * (t - 1) * slopes[k + 1]
    return BASE_LR * jnp.exp(jnp.minimum(curve, 0))"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= len(self.factors) <= _MOST_POINTS:
            raise InputError(f"factors must be 2 to {_MOST_POINTS} numbers, got {len(self.factors)}")

    @classmethod
    def from_sample(cls, sample: Mapping[str, Value], total_steps: int) -> dict[str, Any]:
        """Return the factors, so that the largest is 1."""
        del total_steps
        drawn = [float(sample[name]) for name in _NAMES]
        rest = {name: value for name, value in sample.items() if name not in _NAMES}
        return {**rest, "factors": [factor / max(drawn) for factor in drawn]}

    @staticmethod
    def sample_near(schedule: Schedule) -> dict[str, Value]:
        """Return the sample whose curve has another schedule's rates at its points."""
        steps = np.linspace(schedule.warmup_steps, schedule.total_steps, POINTS).round().astype(np.int64)
        factors = schedule.factor(steps).tolist()
        own: dict[str, Value] = {"base_lr": schedule.base_lr, "warmup_steps": schedule.warmup_steps}
        return own | dict(zip(_NAMES, factors, strict=True))

    @property
    def _logs(self) -> FloatArray:
        return np.log(np.asarray(self.factors) / max(self.factors))

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula; a monotone piece lies between its ends, so that the largest point is the peak."""
        return np.exp(np.minimum(pchip(self._logs, s / span.steps), 0.0))

    def constants(self, span: Span) -> dict[str, Any]:
        """Return the logarithms at the points, and their slopes between one point and the next."""
        del span
        return {"LOGS": self._logs.tolist(), "SLOPES": pchip_slopes(self._logs).tolist()}
