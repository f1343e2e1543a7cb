"""Where the parameters of a search are drawn from, before the run is known and after, and the priors that are shared.

A parameter has the same name and the same prior in every family that has it, because a family must not win by its
search space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Value: TypeAlias = float | int | str


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; evenly in the logarithm where `log`; ints where `integer`."""

    low: float
    high: float
    log: bool = False
    integer: bool = False


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    choices: tuple[Value, ...]


@dataclass(frozen=True)
class Prior:
    """A range before the run is known.

    Attributes:
        low, high, log, integer: as in Range, counted in `unit`.
        unit: "plain"; "rate"; "fraction_of_T", of total_steps; or "epochs", of which there are no more than the run
            has. The bounds of a rate are for SGD without momentum (see `ranges.rate_scale`); those of every rate but
            base_lr keep their ratio to the bounds of base_lr.
        least, most: what a study file may not go beyond.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    unit: Literal["plain", "rate", "fraction_of_T", "epochs"] = "plain"
    least: float = -math.inf
    most: float = math.inf


BASE_LR = Prior(0.01, 1.0, log=True, unit="rate")
WARMUP_STEPS = Prior(0.0, 0.1, integer=True, unit="fraction_of_T")
FINAL_LR = Prior(1e-5, 1e-2, log=True, unit="rate")
GAMMA = Prior(0.1, 0.8, log=True)
TIMESCALE = Prior(0.003, 1.0, log=True, integer=True, unit="fraction_of_T")
DECAY_STEPS = Prior(0.1, 0.8, integer=True, unit="fraction_of_T")
