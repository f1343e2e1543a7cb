"""What a score measures, in which direction it is better, and the unit in which people read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from lrsearch.errors import InputError
from lrsearch.tables import Column, Points, number

Direction = Literal["maximize", "minimize"]
POINTS, UNITS = "points", "units"
"""Percentage points, 100 to a stored fraction; and what differences are counted in where no unit is given."""
_ROPE_IN_POINTS = 0.3


@dataclass(frozen=True)
class Metric:
    """What a score measures, in which direction it is better, and the unit in which people read it.

    Attributes:
        name: such as "accuracy".
        direction: "maximize" where more is better, "minimize" where less is.
        unit: "points" for a fraction that is read in percentage points; any other unit is that of the stored value.

    Raises:
        InputError: an empty name or unit, or one with control characters, or another direction.
    """

    name: str = "accuracy"
    direction: Direction = "maximize"
    unit: str = POINTS

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            raise InputError(f"direction must be maximize or minimize, got {self.direction!r}")
        for name, value in (("metric", self.name), ("unit", self.unit)):
            if not value.strip():
                raise InputError(f"{name} must not be empty: leave it out where there is none")
            if not value.isprintable():
                raise InputError(f"{name} must hold no control characters, got {value!r}")

    @classmethod
    def of_scores(cls, name: str | None, direction: Direction, unit: str | None) -> Metric:
        """Return the metric of scores from elsewhere: without a unit, an accuracy is in points, as its name says.

        Without a name it is an accuracy where more is better.

        Raises:
            InputError: as the class.
        """
        name = ("accuracy" if direction == "maximize" else "score") if name is None else name
        accuracy = direction == "maximize" and "accuracy" in name.lower()
        return cls(name, direction, (POINTS if accuracy else UNITS) if unit is None else unit)

    @property
    def maximize(self) -> bool:
        """Whether a higher value is better."""
        return self.direction == "maximize"

    @property
    def sign(self) -> float:
        """What turns a value into one of which more is better: 1 or -1."""
        return 1.0 if self.maximize else -1.0

    @property
    def worst(self) -> float:
        """The worst that there is: an infinity."""
        return -self.sign * math.inf

    @property
    def scale(self) -> float:
        """What turns a stored value into the one that people read: 100 for points, 1 for any other unit."""
        return 100.0 if self.unit == POINTS else 1.0

    @property
    def title(self) -> str:
        """Its name with its unit, for an axis or a heading: accuracy (points)."""
        return self._with_unit(self.name)

    @property
    def decimals(self) -> int | None:
        """The decimals in which it is read: two for points, None for four significant digits."""
        return 2 if self.unit == POINTS else None

    @property
    def default_rope(self) -> float | None:
        """The difference that would not matter where none is stated, in points; other units have no usual one."""
        return _ROPE_IN_POINTS if self.unit == POINTS else None

    def amount(self, size: float) -> str:
        """Return a difference with its unit, in the singular where it is one: 0.3 points, 1 point."""
        one = size == 1 and self.unit in (POINTS, UNITS)
        return f"{size:g} {self.unit.removesuffix('s') if one else self.unit}"

    def coarse_rope(self, rope: float | None, test_examples: int | None) -> Iterator[str]:
        """Yield a warning where a ROPE is below what one test example is worth: accuracies differ by that or not."""
        if rope is not None and self.unit == POINTS and test_examples and rope < (one := 100 / test_examples):
            yield (
                f"the ROPE of {self.amount(rope)} is below one test example of {test_examples} ({one:.2f} points): two "
                "scores cannot differ by so little; set a larger rope in [plan], or take more test examples"
            )

    def number(self, value: float | None, *, signed: bool = False) -> str:
        """Return a score or a difference, already in its unit, as text without the unit."""
        return number(value, decimals=self.decimals, signed=signed)

    def column(self, heading: str = "") -> Column:
        """Return a column of values in the unit that people read, under `heading`, or under the metric's title."""
        return Column(heading or self.title, decimals=self.decimals)

    def stored_column(self, key: str) -> Column:
        """Return a column of what `stored` returns, under a heading that names the unit: best (points)."""
        return Column(key, self._with_unit(key))

    def stored(self, value: float | None) -> float | None:
        """Return a stored value, which programs get as it is and people in their unit; None stays None."""
        return Points(value) if self.unit == POINTS and value is not None else value

    def best(self, values: Iterable[float]) -> float | None:
        """Return the best of some values; None if there are none."""
        return max(values, key=lambda value: self.sign * value, default=None)

    def _with_unit(self, name: str) -> str:
        return name if self.unit == UNITS else f"{name} ({self.unit})"


ACCURACY = Metric()
"""A fraction of right answers, the more the better, read in points."""
