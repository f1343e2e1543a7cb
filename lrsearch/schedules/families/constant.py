"""Families that hold the peak rate: to the end, or until a last decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, final

import numpy as np

from lrsearch.schedules.curves import cosine, down_to
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import DecaySteps, FinalLr, Parameter, Span
from lrsearch.schedules.priors import DECAY_STEPS, FINAL_LR, Choice, Prior

_SHAPES = ("linear", "cosine", "1-sqrt")
_POWER_SHAPES = ("1-y^p", "(1-y)^p")


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
    twins = {
        "PyTorch": "ConstantLR",
        "transformers": "constant_with_warmup",
        "timm": "constant",
        "optax": "constant_schedule",
    }
    python = "return BASE_LR"
    optax = "schedule = optax.constant_schedule(BASE_LR)"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return 1 at each step."""
        return np.ones_like(s)


@final
@dataclass(frozen=True)
class WarmupStableDecay(Shape):
    """base_lr until the last decay_steps, which lead down to final_lr.

    >>> WarmupStableDecay(decay_steps=40).factor(np.array([60.0, 80.0, 100.0]), Span(0.1, 0, 100)).tolist()
    [1.0, 0.5, 0.0]
    """

    decay_steps: DecaySteps
    decay_shape: Annotated[str, Parameter("the form of the decay", "choice", choices=_SHAPES)] = "linear"
    final_lr: FinalLr = 0.0

    family = "warmup_stable_decay"
    formula = (
        "1, then r + (1 - r) d(y), y = 0 .. 1 over the last decay_steps, d = 1 - y | (1 + cos(pi y)) / 2 | 1 - sqrt(y)"
    )
    source = "Hu et al. 2024, arXiv:2404.06395; Haegele et al. 2024, arXiv:2405.18392; transformers get_wsd_schedule"
    searched = {
        "final_lr": FINAL_LR,
        "decay_steps": DECAY_STEPS,
        "decay_shape": Choice(_SHAPES),
    }
    twins = {"transformers": "warmup_stable_decay", "timm": "WSDLRScheduler"}
    python = """\
y = max(s - (n - DECAY_STEPS), 0) / DECAY_STEPS
decays = {"linear": 1 - y, "cosine": (1 + math.cos(math.pi * y)) / 2, "1-sqrt": 1 - math.sqrt(y)}
return FINAL_LR + (BASE_LR - FINAL_LR) * decays[DECAY_SHAPE]"""
    optax = """\
decays = {
    "linear": optax.linear_schedule(BASE_LR, FINAL_LR, DECAY_STEPS),
    "cosine": optax.cosine_decay_schedule(BASE_LR, DECAY_STEPS, FINAL_LR / BASE_LR),
    "1-sqrt": lambda count: FINAL_LR + (BASE_LR - FINAL_LR) * (1 - jnp.sqrt(jnp.clip(count / DECAY_STEPS, 0, 1))),
}
stable_steps = TOTAL_STEPS - WARMUP_STEPS - DECAY_STEPS
schedule = optax.join_schedules([optax.constant_schedule(BASE_LR), decays[DECAY_SHAPE]], [stable_steps])"""

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        y = np.maximum(s - (span.steps - self.decay_steps), 0.0) / self.decay_steps
        decays = {"linear": lambda: 1.0 - y, "cosine": lambda: cosine(y), "1-sqrt": lambda: 1.0 - np.sqrt(y)}
        return down_to(self.final_lr / span.base_lr, decays[self.decay_shape]())


@final
@dataclass(frozen=True)
class PowerCooldown(Shape):
    """base_lr until the last decay_steps, which lead down to final_lr by a power; 1-sqrt and linear are two of them.

    >>> PowerCooldown(decay_steps=40).factor(np.array([60.0, 70.0, 100.0]), Span(1, 0, 100)).tolist()
    [1.0, 0.5, 0.0]
    """

    decay_steps: DecaySteps
    cooldown_shape: Annotated[str, Parameter("the form of the decay", "choice", choices=_POWER_SHAPES)] = "1-y^p"
    cooldown_power: Annotated[float, Parameter("the p of the decay; 1 is linear", above=True)] = 0.5
    final_lr: FinalLr = 0.0

    family = "power_cooldown"
    formula = "1, then r + (1 - r) d(y), y = 0 .. 1 over the last decay_steps, d = 1 - y ** p | (1 - y) ** p"
    source = "Haegele et al. 2024, arXiv:2405.18392, whose 1-sqrt has p = 1/2"
    searched = {
        "final_lr": FINAL_LR,
        "decay_steps": DECAY_STEPS,
        "cooldown_shape": Choice(_POWER_SHAPES),
        "cooldown_power": Prior(0.25, 4.0, log=True),
    }
    by_default = False
    python = """\
y = max(s - (n - DECAY_STEPS), 0) / DECAY_STEPS
rest = 1 - y**COOLDOWN_POWER if COOLDOWN_SHAPE == "1-y^p" else (1 - y) ** COOLDOWN_POWER
return FINAL_LR + (BASE_LR - FINAL_LR) * rest"""
    optax = """\
y = lambda count: jnp.clip((count - (TOTAL_STEPS - WARMUP_STEPS - DECAY_STEPS)) / DECAY_STEPS, 0, 1)
rest = lambda y: 1 - y**COOLDOWN_POWER if COOLDOWN_SHAPE == "1-y^p" else (1 - y) ** COOLDOWN_POWER
schedule = lambda count: FINAL_LR + (BASE_LR - FINAL_LR) * rest(y(count))"""

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        y = np.maximum(s - (span.steps - self.decay_steps), 0.0) / self.decay_steps
        p = self.cooldown_power
        rest = 1.0 - np.power(y, p) if self.cooldown_shape == "1-y^p" else np.power(1.0 - y, p)
        return down_to(self.final_lr / span.base_lr, rest)
