"""Families whose rate drops by a factor now and then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np

from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import Gamma, Limit, Parameter, Span
from lrsearch.schedules.priors import GAMMA, Prior, Value

_PYTHON = "return BASE_LR * GAMMA ** bisect.bisect_right(DROPS, s)"
_OPTAX = "schedule = optax.piecewise_constant_schedule(BASE_LR, {at: GAMMA ** DROPS.count(at) for at in DROPS})"
_MILESTONE = Prior(0.25, 0.95, integer=True, unit="fraction_of_T")


@final
@dataclass(frozen=True)
class Step(Shape):
    """A drop by gamma every step_size steps (each drop at the nearest whole step where step_size is not whole).

    >>> Step(step_size=10, gamma=0.5).factor(np.array([9.0, 10.0, 20.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.25]
    """

    step_size: Annotated[float, Parameter("steps between drops, counted after warm-up", "steps", low=1)]
    gamma: Gamma = 0.1

    family = "step"
    formula = "gamma ** (s // step_size)"
    source = "torch StepLR"
    searched = {"gamma": GAMMA, "step_size": Prior(0.1, 0.5, integer=True, unit="fraction_of_T")}
    twins = {"PyTorch": "StepLR", "timm": "StepLRScheduler", "optax": "piecewise_constant_schedule"}
    python, optax = _PYTHON, _OPTAX

    def _drops(self, s: FloatArray) -> FloatArray:
        return np.ceil((s + 0.5) / self.step_size) - 1.0

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return the formula."""
        return np.power(self.gamma, self._drops(s))

    def constants(self, span: Span) -> dict[str, Any]:
        """Return the steps after warm-up from which on the rate has dropped once more."""
        steps = np.arange(span.steps + 1.0)
        return {"DROPS": np.repeat(np.arange(1, span.steps + 1), np.diff(self._drops(steps)).astype(int)).tolist()}


@final
@dataclass(frozen=True)
class MultiStep(Shape):
    """A drop by gamma at each milestone, an absolute step of the run; one at total_steps never takes effect.

    >>> MultiStep(milestones=(15, 30), gamma=0.5).factor(np.array([14.0, 15.0, 29.0]), Span(0.3, 0, 30)).tolist()
    [1.0, 0.5, 0.5]
    """

    milestones: Annotated[
        tuple[int, ...],
        Parameter(
            "steps of the run at which the rate drops; one listed twice counts twice",
            "milestones",
            low=1,
            limit=Limit("total_steps", lambda span: span.total_steps),
        ),
    ]
    gamma: Gamma = 0.1

    family = "multistep"
    formula = "gamma ** (number of milestones <= step)"
    source = "torch MultiStepLR"
    searched = {"gamma": GAMMA, "milestone_1": _MILESTONE, "milestone_2": _MILESTONE}
    twins = {"PyTorch": "MultiStepLR", "timm": "MultiStepLRScheduler", "optax": "piecewise_constant_schedule"}
    python, optax = _PYTHON, _OPTAX

    @classmethod
    def from_sample(cls, sample: Mapping[str, Value], total_steps: int) -> dict[str, Any]:
        """Return the two milestones sorted, one step apart where they were equal."""
        values: dict[str, Any] = dict(sample)
        early, late = sorted((values.pop("milestone_1"), values.pop("milestone_2")))
        if early == late:
            early, late = (early, late + 1) if late < total_steps else (max(early - 1, 1), late)
        return {**values, "milestones": (early, late)}

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        return np.power(self.gamma, np.searchsorted(self.milestones, s + span.warmup_steps, side="right"))

    def constants(self, span: Span) -> dict[str, Any]:
        """Return the milestones counted from the end of warm-up."""
        return {"DROPS": [milestone - span.warmup_steps for milestone in self.milestones]}
