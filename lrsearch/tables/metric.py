"""A metric and the unit in which people read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lrsearch.tables.table import Column
from lrsearch.tables.values import Points


@dataclass(frozen=True)
class Metric:
    """A metric and the unit in which people read it: points where it is maximised, its own unit where minimised.

    Attributes:
        name: such as "accuracy".
        maximize: whether a higher value is better; it is a fraction then.
    """

    name: str = "accuracy"
    maximize: bool = True

    @property
    def scale(self) -> float:
        """What turns a stored value into the one that people read."""
        return 100.0 if self.maximize else 1.0

    @property
    def unit(self) -> str:
        """The unit of a difference, as it stands behind a number."""
        return "points" if self.maximize else "units"

    @property
    def title(self) -> str:
        """Its name with its unit, for an axis or a heading: accuracy (points)."""
        return f"{self.name} (points)" if self.maximize else self.name

    @property
    def decimals(self) -> int | None:
        """The decimals in which it is read; four significant digits if None."""
        return 2 if self.maximize else None

    def column(self, heading: str = "") -> Column:
        """Return a column of values in the unit that people read, under `heading`, or under the metric's title."""
        return Column(heading or self.title, decimals=self.decimals)

    def stored_column(self, key: str) -> Column:
        """Return a column of what `stored` returns, under a heading that names the unit: best (points)."""
        return Column(key, f"{key} (points)" if self.maximize else key)

    def stored(self, value: float | None) -> float | None:
        """Return a stored value, which programs get as it is and people in their unit; None stays None."""
        return Points(value) if self.maximize and value is not None else value

    def best(self, values: Iterable[float]) -> float | None:
        """Return the best of some values; None if there are none."""
        return max(values, default=None) if self.maximize else min(values, default=None)
