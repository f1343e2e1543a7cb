"""Numbers, differences and lists of names, as the four lines write them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrsearch.comparison.result import Comparison
from lrsearch.comparison.words.sentences import LISTED
from lrsearch.metric import POINTS, UNITS

_NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def score(comparison: Comparison, name: str) -> str:
    """Return the mean of a family and its SD, with the unit: 91.2 % ± 0.3; of a single run the score alone."""
    place, unit = comparison.families.index(name), comparison.settings.metric.unit
    mean, sd = float(comparison.means.mean[place]), float(comparison.means.sd[place])
    if math.isnan(sd):
        return f"{mean:.4g}" + {POINTS: " %", UNITS: ""}.get(unit, f" {unit}")
    decimals = decimals_of(sd)
    if unit == POINTS:
        return f"{mean:.{decimals}f} % ± {sd:.{decimals}f}"
    return f"{mean:.{decimals}f} ± {sd:.{decimals}f}" + ("" if unit == UNITS else f" {unit}")


def size(comparison: Comparison, value: float) -> str:
    """Return a difference, rounded to two digits, with its unit."""
    unit = comparison.settings.metric.unit
    return f"{value:.{decimals_of(value)}f}" + ("" if unit == UNITS else f" {unit}")


def decimals_of(scale: float) -> int:
    """Return the decimals that give a number of this size two digits."""
    return 2 if not scale > 0 or math.isinf(scale) else min(max(1 - math.floor(math.log10(scale)), 0), 8)


def count_in_words(count: int) -> str:
    """Return a count in words up to twelve, and in digits beyond."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count}"


def first_names(names: Sequence[str]) -> str:
    """Return the first few names between backticks, with "..." for the others."""
    shown = [f"`{name}`" for name in names[:LISTED]]
    return ", ".join([*shown, "..."] if len(names) > LISTED else shown)
