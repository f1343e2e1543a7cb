"""Numbers, differences and lists of names, as the four lines write them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrsearch.comparison.result import Comparison
from lrsearch.comparison.words.sentences import LISTED
from lrsearch.metric import POINTS, UNITS

_NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_MOST_DECIMALS = 8


def score(comparison: Comparison, name: str) -> str:
    """Return the mean of a family and its SD, with the unit: 91.2 % ± 0.3; of a single run the score alone."""
    place, unit = comparison.families.index(name), comparison.settings.metric.unit
    mean, sd = float(comparison.means.mean[place]), float(comparison.means.sd[place])
    if math.isnan(sd):
        return f"{mean:.4g}" + {POINTS: " %", UNITS: ""}.get(unit, f" {unit}")
    percent = " %" if unit == POINTS else ""
    return f"{rounded(mean, sd)}{percent} ± {rounded(sd, sd)}" + ("" if unit in (POINTS, UNITS) else f" {unit}")


def size(comparison: Comparison, value: float) -> str:
    """Return a difference, rounded to two digits, with its unit."""
    unit = comparison.settings.metric.unit
    return rounded(value, value) + ("" if unit == UNITS else f" {unit}")


def rounded(value: float, scale: float) -> str:
    """Return a number to the decimal place at which one of the size `scale` has two digits.

    Beyond 8 decimals its digits are counted from its first one: 1.01e-12.
    """
    decimals = 2 if not scale > 0 or math.isinf(scale) else max(1 - math.floor(math.log10(scale)), 0)
    if decimals <= _MOST_DECIMALS or value == 0:
        return f"{value:.{min(decimals, _MOST_DECIMALS)}f}"
    return f"{value:.{max(decimals + math.floor(math.log10(abs(value))) + 1, 1)}g}"


def count_in_words(count: int) -> str:
    """Return a count in words up to twelve, and in digits beyond."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count}"


def first_names(names: Sequence[str]) -> str:
    """Return the first few names between backticks, with "..." for the others."""
    shown = [f"`{name}`" for name in names[:LISTED]]
    return ", ".join([*shown, "..."] if len(names) > LISTED else shown)
