"""The families: each a small frozen class that says what follows warm-up, as a factor of base_lr.

In the formulas s = 0 .. n counts steps after warm-up, n is their number, x = s / n and r = final_lr / base_lr.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from lrsearch.errors import InputError
from lrsearch.schedules.parameters import Span, make_plain
from lrsearch.schedules.shape import FloatArray, Shape


def _down_to(r: float, remaining: FloatArray) -> FloatArray:
    """Return the factors that fall from 1 to r as `remaining` falls from 1 to 0."""
    return r + (1.0 - r) * remaining


def _cosine(y: FloatArray) -> FloatArray:
    """Return half a cosine wave, from 1 at y = 0 to 0 at y = 1."""
    return (1.0 + np.cos(np.pi * y)) / 2.0


@final
@dataclass(frozen=True)
class Constant(Shape):
    """No schedule: base_lr throughout.

    >>> Constant().factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 1.0, 1.0]
    """

    family = "constant"
    formula = "1"
    source = "torch ConstantLR with factor 1"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return 1 at each step."""
        return np.ones_like(s)


@final
@dataclass(frozen=True)
class SquareRoot(Shape):
    """The inverse square root of time.

    >>> SquareRoot(timescale=1).factor(np.array([0.0, 3.0, 99.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.1]
    """

    timescale: float

    family = "square_root"
    formula = "(1 + s / timescale) ** -1/2"
    source = "Zhang et al., Dive into Deep Learning, section 12.11; transformers get_inverse_sqrt_schedule"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return the formula."""
        return 1.0 / np.sqrt(1.0 + s / self.timescale)


@final
@dataclass(frozen=True)
class Exponential(Shape):
    """The same fraction less at every step.

    >>> Exponential(final_lr=0.025).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.25]
    """

    final_lr: float

    family = "exponential"
    formula = "r ** x"
    source = "torch ExponentialLR with gamma = r ** (1 / n)"

    def __post_init__(self) -> None:
        make_plain(self)
        if self.final_lr == 0:
            raise InputError("final_lr of exponential must be > 0, because no factor leads to 0; got 0")

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        return np.power(self.final_lr / span.base_lr, s / span.steps)


@final
@dataclass(frozen=True)
class Step(Shape):
    """A drop by gamma every step_size steps (each drop at the nearest whole step where step_size is not whole).

    >>> Step(step_size=10, gamma=0.5).factor(np.array([9.0, 10.0, 20.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.25]
    """

    step_size: float
    gamma: float = 0.1

    family = "step"
    formula = "gamma ** (s // step_size)"
    source = "torch StepLR"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return the formula."""
        drops = np.ceil((s + 0.5) / self.step_size) - 1.0
        return np.power(self.gamma, drops)


@final
@dataclass(frozen=True)
class MultiStep(Shape):
    """A drop by gamma at each milestone, an absolute step of the run; one at total_steps never takes effect.

    >>> MultiStep(milestones=(15, 30), gamma=0.5).factor(np.array([14.0, 15.0, 29.0]), Span(0.3, 0, 30)).tolist()
    [1.0, 0.5, 0.5]
    """

    milestones: tuple[int, ...]
    gamma: float = 0.1

    family = "multistep"
    formula = "gamma ** (number of milestones <= step)"
    source = "torch MultiStepLR"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        return np.power(self.gamma, np.searchsorted(self.milestones, s + span.warmup_steps, side="right"))


@final
@dataclass(frozen=True)
class Linear(Shape):
    """A straight line down to final_lr.

    >>> Linear().factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.0]
    """

    final_lr: float = 0.0

    family = "linear"
    formula = "1 - (1 - r) x"
    source = "torch LinearLR; transformers get_linear_schedule_with_warmup"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula, in the form that loses nothing near the end."""
        return _down_to(self.final_lr / span.base_lr, 1.0 - s / span.steps)


@final
@dataclass(frozen=True)
class Polynomial(Shape):
    """A power of the remaining time.

    >>> Polynomial(power=2).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.25, 0.0]
    """

    final_lr: float = 0.0
    power: float = 1.0

    family = "polynomial"
    formula = "r + (1 - r) (1 - x) ** power"
    source = "torch PolynomialLR; transformers get_polynomial_decay_schedule_with_warmup"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        return _down_to(self.final_lr / span.base_lr, np.power(1.0 - s / span.steps, self.power))


@final
@dataclass(frozen=True)
class Cosine(Shape):
    """Half a cosine wave over decay_steps (all that follows warm-up unless given), then final_lr.

    >>> Cosine(decay_steps=50).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.0, 0.0]
    """

    final_lr: float = 0.0
    decay_steps: float | None = None

    family = "cosine"
    formula = "r + (1 - r) (1 + cos(pi min(s / decay_steps, 1))) / 2"
    source = "Loshchilov and Hutter 2017, arXiv:1608.03983; torch CosineAnnealingLR"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        y = np.minimum(s / (self.decay_steps or span.steps), 1.0)
        return _down_to(self.final_lr / span.base_lr, _cosine(y))


@final
@dataclass(frozen=True)
class CosineRestarts(Shape):
    """Cosine cycles, each cycle_mult times as long as the one before (SGDR); cycles begin at whole steps.

    >>> CosineRestarts(first_cycle_steps=20, cycle_mult=2).factor(np.array([10.0, 20.0, 60.0]), Span(1, 0, 60)).tolist()
    [0.5, 1.0, 0.0]
    """

    first_cycle_steps: float
    cycle_mult: int = 1
    final_lr: float = 0.0

    family = "cosine_restarts"
    formula = "r + (1 - r) (1 + cos(pi (s - start) / length)) / 2 within each cycle"
    source = "Loshchilov and Hutter 2017, arXiv:1608.03983; torch CosineAnnealingWarmRestarts"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula; where a cycle ends with training, its last step is final_lr."""
        edges, length = [0.0], float(self.first_cycle_steps)
        while round(edges[-1]) < span.steps:
            edges.append(edges[-1] + length)
            length *= self.cycle_mult
        rounded = np.rint(edges)
        cycle = np.searchsorted(rounded[:-1], s, side="right") - 1
        start, end = rounded[cycle], rounded[cycle + 1]
        return _down_to(self.final_lr / span.base_lr, _cosine((s - start) / (end - start)))


@final
@dataclass(frozen=True)
class OneCycle(Shape):
    """A cosine rise from base_lr / div_factor to base_lr, then a cosine fall; momentum stays as it is.

    >>> OneCycle(pct_start=0.25, div_factor=10).factor(np.array([0.0, 25.0, 100.0]), Span(1.0, 0, 100)).tolist()
    [0.1, 1.0, 1e-05]
    """

    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    family = "one_cycle"
    formula = "cosine from 1 / div_factor to 1 at s = pct_start n, then to 1 / (div_factor final_div_factor) at n"
    source = "Smith and Topin 2018, arXiv:1708.07120; torch OneCycleLR in two phases"
    takes_warmup = False

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula, with the peak at the nearest whole step."""
        peak = round(self.pct_start * span.steps)
        first, last = 1.0 / self.div_factor, 1.0 / (self.div_factor * self.final_div_factor)
        rise = _down_to(first, _cosine(1.0 - s / max(peak, 1)))
        fall = _down_to(last, _cosine((s - peak) / max(span.steps - peak, 1)))
        return np.where(s < peak, rise, fall)


@final
@dataclass(frozen=True)
class WarmupStableDecay(Shape):
    """base_lr until the last decay_steps, which lead down to final_lr.

    >>> WarmupStableDecay(decay_steps=40).factor(np.array([60.0, 80.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.0]
    """

    decay_steps: float
    decay_shape: str = "linear"
    final_lr: float = 0.0

    family = "warmup_stable_decay"
    formula = (
        "1, then r + (1 - r) d(y), y = 0 .. 1 over the last decay_steps, d = 1 - y | (1 + cos(pi y)) / 2 | 1 - sqrt(y)"
    )
    source = "Hu et al. 2024, arXiv:2404.06395; Haegele et al. 2024, arXiv:2405.18392; transformers get_wsd_schedule"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        y = np.maximum(s - (span.steps - self.decay_steps), 0.0) / self.decay_steps
        decays = {"linear": lambda: 1.0 - y, "cosine": lambda: _cosine(y), "1-sqrt": lambda: 1.0 - np.sqrt(y)}
        return _down_to(self.final_lr / span.base_lr, decays[self.decay_shape]())


@final
@dataclass(frozen=True)
class Rex(Shape):
    """A reflected exponential: slow at first, steep at the end (beta 1/2 is the paper's).

    >>> Rex(beta=0.5).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).round(3).tolist()
    [1.0, 0.667, 0.0]
    """

    final_lr: float = 0.0
    beta: float = 0.5

    family = "rex"
    formula = "r + (1 - r) (1 - x) / (1 - x (1 - beta))"
    source = "Chen, Wolfe and Kyrillidis 2021, arXiv:2107.04197"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        x = s / span.steps
        return _down_to(self.final_lr / span.base_lr, (1.0 - x) / (1.0 - x * (1.0 - self.beta)))


FAMILIES: dict[str, type[Shape]] = {
    "constant": Constant,
    "square_root": SquareRoot,
    "exponential": Exponential,
    "step": Step,
    "multistep": MultiStep,
    "linear": Linear,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
    "one_cycle": OneCycle,
    "warmup_stable_decay": WarmupStableDecay,
    "rex": Rex,
}
"""Every family that is a function of the step; reduce_on_plateau, which reads a metric, stands apart."""
