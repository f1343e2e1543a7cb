"""Families whose rate falls a little at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, final

import numpy as np

from lrsearch.schedules.curves import down_to
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import FinalLr, FinalLrAbove0, Parameter, Span, Timescale
from lrsearch.schedules.priors import FINAL_LR, TIMESCALE, Prior


@final
@dataclass(frozen=True)
class SquareRoot(Shape):
    """The inverse square root of time.

    >>> SquareRoot(timescale=1).factor(np.array([0.0, 3.0, 99.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.1]
    """

    timescale: Timescale

    family = "square_root"
    formula = "(1 + s / timescale) ** -1/2"
    source = "Zhang et al., Dive into Deep Learning, section 12.11; transformers get_inverse_sqrt_schedule"
    searched = {"timescale": TIMESCALE}
    twins = {"transformers": "inverse_sqrt", "timm": "rsqrt"}
    python = "return BASE_LR / math.sqrt(1 + s / TIMESCALE)"
    optax = "schedule = lambda count: BASE_LR / jnp.sqrt(1 + count / TIMESCALE)"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return the formula."""
        return 1.0 / np.sqrt(1.0 + s / self.timescale)


@final
@dataclass(frozen=True)
class InversePower(Shape):
    """A power of time; exponent 1/2 is square_root.

    >>> InversePower(timescale=1, exponent=1).factor(np.array([0.0, 1.0, 99.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.01]
    """

    timescale: Timescale
    exponent: Annotated[float, Parameter("how fast the rate falls; 1/2 is square_root", above=True)] = 0.5

    family = "inverse_power"
    formula = "(1 + s / timescale) ** -exponent"
    source = "Shen et al. 2024, arXiv:2408.13359 (PowerLR)"
    searched = {"timescale": TIMESCALE, "exponent": Prior(0.25, 1.0, log=True)}
    by_default = False
    python = "return BASE_LR * (1 + s / TIMESCALE) ** -EXPONENT"
    optax = "schedule = lambda count: BASE_LR * (1 + jnp.maximum(count, 0) / TIMESCALE) ** -EXPONENT"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return the formula."""
        return np.power(1.0 + s / self.timescale, -self.exponent)


@final
@dataclass(frozen=True)
class Exponential(Shape):
    """The same fraction less at every step.

    >>> Exponential(final_lr=0.025).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.25]
    """

    final_lr: FinalLrAbove0

    family = "exponential"
    formula = "r ** x"
    source = "torch ExponentialLR with gamma = r ** (1 / n)"
    searched = {"final_lr": FINAL_LR}
    twins = {"PyTorch": "ExponentialLR", "timm": "StepLRScheduler", "optax": "exponential_decay"}
    python = "return BASE_LR * (FINAL_LR / BASE_LR) ** (s / n)"
    optax = "schedule = optax.exponential_decay(BASE_LR, TOTAL_STEPS - WARMUP_STEPS, FINAL_LR / BASE_LR)"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        return np.power(self.final_lr / span.base_lr, s / span.steps)


@final
@dataclass(frozen=True)
class Linear(Shape):
    """A straight line down to final_lr.

    >>> Linear().factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.0]
    """

    final_lr: FinalLr = 0.0

    family = "linear"
    formula = "1 - (1 - r) x"
    source = "torch LinearLR; transformers get_linear_schedule_with_warmup"
    searched = {"final_lr": FINAL_LR}
    twins = {"PyTorch": "LinearLR", "transformers": "linear", "timm": "PolyLRScheduler", "optax": "linear_schedule"}
    python = "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n)"
    optax = "schedule = optax.linear_schedule(BASE_LR, FINAL_LR, TOTAL_STEPS - WARMUP_STEPS)"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula, in the form that loses nothing near the end."""
        return down_to(self.final_lr / span.base_lr, 1.0 - s / span.steps)


@final
@dataclass(frozen=True)
class Polynomial(Shape):
    """A power of the remaining time.

    >>> Polynomial(power=2).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.25, 0.0]
    """

    final_lr: FinalLr = 0.0
    power: Annotated[float, Parameter("the exponent; 1 is linear", above=True)] = 1.0

    family = "polynomial"
    formula = "r + (1 - r) (1 - x) ** power"
    source = "torch PolynomialLR; transformers get_polynomial_decay_schedule_with_warmup"
    searched = {"final_lr": FINAL_LR, "power": Prior(0.5, 4.0, log=True)}
    twins = {
        "PyTorch": "PolynomialLR",
        "transformers": "polynomial",
        "timm": "PolyLRScheduler",
        "optax": "polynomial_schedule",
    }
    python = "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n) ** POWER"
    optax = """\
# optax.polynomial_schedule, but for the end: compiled in float32, its power of a number just below 0 can be no number.
rest = lambda count: jnp.clip(1 - count / (TOTAL_STEPS - WARMUP_STEPS), 0, 1)
schedule = lambda count: FINAL_LR + (BASE_LR - FINAL_LR) * rest(count) ** POWER"""

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        return down_to(self.final_lr / span.base_lr, np.power(1.0 - s / span.steps, self.power))


@final
@dataclass(frozen=True)
class Rex(Shape):
    """A reflected exponential: slow at first, steep at the end (beta 1/2 is the paper's).

    >>> Rex(beta=0.5).factor(np.array([0.0, 50.0, 100.0]), Span(0.1, 0, 100)).round(3).tolist()
    [1.0, 0.667, 0.0]
    """

    final_lr: FinalLr = 0.0
    beta: Annotated[
        float, Parameter("how late the decay comes: 1 is linear, towards 0 ever later", high=1, above=True)
    ] = 0.5

    family = "rex"
    formula = "r + (1 - r) (1 - x) / (1 - x (1 - beta))"
    source = "Chen, Wolfe and Kyrillidis 2021, arXiv:2107.04197"
    searched = {"final_lr": FINAL_LR, "beta": Prior(0.1, 1.0, log=True)}
    python = "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n) / (1 - s / n * (1 - BETA))"
    optax = """\
x = lambda count: jnp.clip(count / (TOTAL_STEPS - WARMUP_STEPS), 0, 1)
rest = lambda x: FINAL_LR + (BASE_LR - FINAL_LR) * (1 - x) / (1 - x * (1 - BETA))
schedule = lambda count: rest(x(count))"""

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        x = s / span.steps
        return down_to(self.final_lr / span.base_lr, (1.0 - x) / (1.0 - x * (1.0 - self.beta)))
