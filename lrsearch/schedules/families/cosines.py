"""Families made of cosine waves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np

from lrsearch.schedules.curves import cosine, down_to
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import DecaySteps, FinalLr, Limit, Parameter, Span
from lrsearch.schedules.priors import FINAL_LR, Choice, Prior, Value

_CYCLE_MULT = Parameter("how many times as long each cycle is as the one before", "whole", low=1)
# The beginnings of cycles are kept in a list; more than 100,000 are not meant.
_SHORTEST_CYCLE = Limit("(total_steps - warmup_steps) / 100000", lambda span: span.steps / 100_000)


@final
@dataclass(frozen=True)
class Cosine(Shape):
    """Half a cosine wave over decay_steps (all that follows warm-up unless given), then final_lr.

    >>> Cosine(decay_steps=50).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.0, 0.0]
    """

    final_lr: FinalLr = 0.0
    decay_steps: DecaySteps | None = None

    family = "cosine"
    formula = "r + (1 - r) (1 + cos(pi min(s / decay_steps, 1))) / 2"
    source = "Loshchilov and Hutter 2017, arXiv:1608.03983; torch CosineAnnealingLR"
    searched = {"final_lr": FINAL_LR}
    twins = {
        "PyTorch": "CosineAnnealingLR",
        "transformers": "cosine",
        "timm": "CosineLRScheduler",
        "optax": "cosine_decay_schedule",
    }
    python = "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 + math.cos(math.pi * min(s / DECAY_STEPS, 1))) / 2"
    optax = "schedule = optax.cosine_decay_schedule(BASE_LR, DECAY_STEPS, FINAL_LR / BASE_LR)"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        y = np.minimum(s / (self.decay_steps or span.steps), 1.0)
        return down_to(self.final_lr / span.base_lr, cosine(y))

    def constants(self, span: Span) -> dict[str, Any]:
        """Return the length of the wave."""
        return {"DECAY_STEPS": self.decay_steps or span.steps}


@final
@dataclass(frozen=True)
class CosineRestarts(Shape):
    """Cosine cycles, each cycle_mult times as long as the one before (SGDR); cycles begin at whole steps.

    >>> CosineRestarts(first_cycle_steps=20, cycle_mult=2).factor(np.array([10.0, 20.0, 60.0]), Span(1, 0, 60)).tolist()
    [0.5, 1.0, 0.0]
    """

    first_cycle_steps: Annotated[
        float,
        Parameter("the length of the first cycle, counted after warm-up", "steps", low=0.05, least=_SHORTEST_CYCLE),
    ]
    cycle_mult: Annotated[int, _CYCLE_MULT] = 1
    final_lr: FinalLr = 0.0

    family = "cosine_restarts"
    formula = "r + (1 - r) (1 + cos(pi (s - start) / length)) / 2 within each cycle"
    source = "Loshchilov and Hutter 2017, arXiv:1608.03983; torch CosineAnnealingWarmRestarts"
    searched = {
        "final_lr": FINAL_LR,
        "cycles": Prior(2, 4, integer=True, least=1, most=50),
        "cycle_mult": Choice((1, 2)),
    }
    twins = {
        "PyTorch": "CosineAnnealingWarmRestarts",
        "transformers": "cosine_with_restarts",
        "timm": "CosineLRScheduler",
        "optax": "sgdr_schedule",
    }
    rises = True
    python = """\
cycle = bisect.bisect_right(CYCLE_STARTS[:-1], s) - 1
start, end = CYCLE_STARTS[cycle], CYCLE_STARTS[cycle + 1]
return FINAL_LR + (BASE_LR - FINAL_LR) * (1 + math.cos(math.pi * (s - start) / (end - start))) / 2"""
    optax = """\
lengths = [end - start for start, end in zip(CYCLE_STARTS, CYCLE_STARTS[1:])]
cycles = [optax.cosine_decay_schedule(BASE_LR, length, FINAL_LR / BASE_LR) for length in lengths]
schedule = optax.join_schedules(cycles, CYCLE_STARTS[1:-1])"""

    @classmethod
    def from_sample(cls, sample: Mapping[str, Value], total_steps: int) -> dict[str, Any]:
        """Return the first_cycle_steps with which the last of `cycles` cycles ends at total_steps."""
        values: dict[str, Any] = dict(sample)
        cycle_mult = _CYCLE_MULT.plain("cycle_mult", values["cycle_mult"])
        lengths = [cycle_mult**cycle for cycle in range(values.pop("cycles"))]
        return {**values, "first_cycle_steps": (total_steps - values["warmup_steps"]) / sum(lengths)}

    def _edges(self, steps: int) -> FloatArray:
        """Return where cycles begin, rounded, and where the last one ends (it may lie after training)."""
        edges, length = [0.0], float(self.first_cycle_steps)
        while round(edges[-1]) < steps:
            edges.append(edges[-1] + length)
            length *= self.cycle_mult
        return np.rint(edges)

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula; where a cycle ends with training, its last step is final_lr."""
        edges = self._edges(span.steps)
        cycle = np.searchsorted(edges[:-1], s, side="right") - 1
        start, end = edges[cycle], edges[cycle + 1]
        return down_to(self.final_lr / span.base_lr, cosine((s - start) / (end - start)))

    def constants(self, span: Span) -> dict[str, Any]:
        """Return the steps after warm-up at which cycles begin; the last one is an end."""
        return {"CYCLE_STARTS": sorted({int(edge) for edge in self._edges(span.steps)})}


@final
@dataclass(frozen=True)
class OneCycle(Shape):
    """A cosine rise from base_lr / div_factor to base_lr, then a cosine fall; momentum stays as it is.

    >>> OneCycle(pct_start=0.25, div_factor=10).factor(np.array([0.0, 25.0, 100.0]), Span(1.0, 0, 100)).tolist()
    [0.1, 1.0, 1e-05]
    """

    pct_start: Annotated[float, Parameter("the fraction of training spent rising", high=1)] = 0.3
    div_factor: Annotated[float, Parameter("base_lr over the first rate", low=1)] = 25.0
    final_div_factor: Annotated[float, Parameter("the first rate over the last", low=1)] = 1e4

    family = "one_cycle"
    formula = "cosine from 1 / div_factor to 1 at s = pct_start n, then to 1 / (div_factor final_div_factor) at n"
    source = "Smith and Topin 2018, arXiv:1708.07120; torch OneCycleLR in two phases"
    searched = {
        "pct_start": Prior(0.1, 0.45),
        "div_factor": Prior(5.0, 50.0, log=True),
        "final_div_factor": Prior(10.0, 1e4, log=True),
    }
    twins = {"PyTorch": "OneCycleLR", "optax": "cosine_onecycle_schedule"}
    takes_warmup = False
    rises = True
    python = """\
first, last = BASE_LR / DIV_FACTOR, BASE_LR / (DIV_FACTOR * FINAL_DIV_FACTOR)
if s < PEAK_STEP:
    return first + (BASE_LR - first) * (1 - math.cos(math.pi * s / PEAK_STEP)) / 2
return last + (BASE_LR - last) * (1 + math.cos(math.pi * (s - PEAK_STEP) / max(n - PEAK_STEP, 1))) / 2"""
    optax = """\
scales = {TOTAL_STEPS: 1 / (DIV_FACTOR * FINAL_DIV_FACTOR)} | {PEAK_STEP: DIV_FACTOR}
schedule = optax.piecewise_interpolate_schedule("cosine", BASE_LR / DIV_FACTOR, scales)"""

    def _peak(self, steps: int) -> int:
        return round(self.pct_start * steps)

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula, with the peak at the nearest whole step."""
        peak = self._peak(span.steps)
        first, last = 1.0 / self.div_factor, 1.0 / (self.div_factor * self.final_div_factor)
        rise = down_to(first, cosine(1.0 - s / max(peak, 1)))
        fall = down_to(last, cosine((s - peak) / max(span.steps - peak, 1)))
        return np.where(s < peak, rise, fall)

    def constants(self, span: Span) -> dict[str, Any]:
        """Return the step of the highest rate."""
        return {"PEAK_STEP": self._peak(span.steps)}
