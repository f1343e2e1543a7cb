"""How a value is written: `number` and `text` are the only places that decide it.

What a value is decides how it looks: a `Points`, a `Share` and an `Interval` say so themselves, and every other number
follows its column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsearch.text import plain

MISSING = "-"
"""Stands for a missing value, and for NaN."""
STAR = "★"
"""Marks the one that is preferred."""
DIGITS = 4
"""Significant digits of a number whose column says nothing else."""
FIVE_NUMBERS = ("lowest", "lower quartile", "median", "upper quartile", "highest")
"""The heads of what `five_numbers` gives."""
_LEAST_P = 0.0001


class Points(float):
    """A score from 0 to 1 that people read in points, 100 times as large; in CSV and JSON it stays as it is."""


class Share(float):
    """A proportion from 0 to 1 that people read in per cent; in CSV and JSON it stays as it is."""


class PValue(float):
    """A p-value, read with four decimals, or as below the smallest of these."""


class Interval(NamedTuple):
    """The limits of an interval, or of a range of ranks."""

    low: float
    high: float


class Estimate(NamedTuple):
    """An estimate between the limits of its interval."""

    low: float
    estimate: float
    high: float


def five_numbers(values: Sequence[float] | NDArray[np.float64]) -> list[float | None]:
    """Return the extremes and quartiles of values, the lowest first; None in place of each where there are no values.

    >>> five_numbers([3, 1, 2, 5, 4]), five_numbers([])
    ([1.0, 2.0, 3.0, 4.0, 5.0], [None, None, None, None, None])
    """
    return np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist() if np.size(values) else [None] * 5


def number(value: float | None, *, decimals: int | None = None, signed: bool = False) -> str:
    """Return a number as people read it: whole numbers whole, others with `decimals` or four significant digits.

    >>> number(0.123456), number(0.5, decimals=2, signed=True), number(12), number(float("nan")), number(-math.inf)
    ('0.1235', '+0.50', '12', '-', '-inf')
    """
    if value is None or math.isnan(value):
        return MISSING
    sign = "+" if signed and value else ""
    value = type(value)(0) if value == 0 else value  # without the sign of a negative zero
    if isinstance(value, int):
        return f"{value:{sign}d}"
    if isinstance(value, Points):
        return f"{100 * value:{sign}.{2 if decimals is None else decimals}f}"
    if isinstance(value, PValue):
        return f"< {_LEAST_P}" if value < _LEAST_P else f"{value:.4f}"
    if isinstance(value, Share):
        return f"{100 * value:{sign}.0f} %"
    return f"{value:{sign}.{DIGITS}g}" if decimals is None else f"{value:{sign}.{decimals}f}"


def text(value: Any, *, decimals: int | None = None, signed: bool = False) -> str:
    """Return any value as people read it; control characters and marks of writing direction become question marks.

    >>> text(Points(0.8312)), text(Share(0.25)), text(Interval(-0.5, 0.25), decimals=2, signed=True)
    ('83.12', '25 %', '-0.50 to +0.25')
    >>> text(Estimate(-2.94, -0.77, 1.41), decimals=2, signed=True)
    '-2.94 < -0.77 < +1.41'
    >>> text(True), text(None), text({"base_lr": 0.1, "milestones": (3, 5)}), text([])
    ('yes', '-', 'base_lr=0.1, milestones=3, 5', '-')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return number(value, decimals=decimals, signed=signed)
    if isinstance(value, Interval):
        limits = [number(limit, decimals=decimals, signed=signed) for limit in value]
        return MISSING if MISSING in limits else " to ".join(limits)
    if isinstance(value, Estimate):
        low, estimate, high = (number(v, decimals=decimals, signed=signed) for v in value)
        return estimate if MISSING in (low, high) else f"{low} < {estimate} < {high}"
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(name))}={text(item)}" for name, item in value.items()) or MISSING
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(text(item) for item in value) or MISSING
    return plain(str(value))
