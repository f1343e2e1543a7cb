"""One table for every reader: the console, the report, a notebook, CSV and JSON render the same value.

Build a `Table` of plain values, never of formatted numbers: `number` and `text` are the only places that decide how a
value is written. What a value is decides how it looks: a `Points`, a `Share` and an `Interval` say so themselves, and
every other number follows its column.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from lrsearch.records import finite
from lrsearch.text import plain

MISSING = "-"
"""Stands for a value that is not there, and for NaN."""
_SHORT_CELL = 32  # characters; what is shorter is kept on one line of a page
_DIGITS = 4
_LEAST_P = 0.0001
_FORMULA_SIGNS = ("=", "+", "-", "@")


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


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: its name in CSV and JSON.
        heading: what people read above it; the key if empty.
        decimals: of its fractional numbers; if None, as many as give the largest four significant digits, each number
            for itself in a column that holds text as well.
        signed: whether its numbers above 0 bear a plus sign.
    """

    key: str
    heading: str = ""
    decimals: int | None = None
    signed: bool = False

    @property
    def title(self) -> str:
        """What people read above the column."""
        return plain(self.heading or self.key)

    def texts(self, values: Sequence[Any]) -> tuple[str, ...]:
        """Return the column's values as people read them, all with the same decimals."""
        alike = self.decimals is None and all(_is_number(value) or isinstance(value, Interval) for value in values)
        decimals = _shared_decimals(values) if alike else self.decimals
        return tuple(text(value, decimals=decimals, signed=self.signed) for value in values)


@dataclass(frozen=True)
class Table:
    """Rows of plain values under columns; equal tables render equally everywhere.

    Attributes:
        columns: as many as every row has values.
        rows: numbers, text, True and False, None for what is missing, mappings (parameters), sequences.
        title: a line above the table; none if empty.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row must have {len(self.columns)} values, got {len(row)}: {row}")

    @property
    def headings(self) -> tuple[str, ...]:
        """The titles of the columns."""
        return tuple(column.title for column in self.columns)

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers alone, or nothing, and are aligned to the right."""
        return tuple(all(map(_is_number, self.values(place))) for place in range(len(self.columns)))

    @property
    def column_cells(self) -> tuple[tuple[str, ...], ...]:
        """The values of each column as people read them, column by column."""
        return tuple(column.texts(self.values(place)) for place, column in enumerate(self.columns))

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The values as people read them, row by row."""
        return tuple(zip(*self.column_cells, strict=True))

    def values(self, place: int) -> list[Any]:
        """Return the values of the column at `place`."""
        return [row[place] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        """Return {key: value} of each row, the values as they are: what JSON is made of."""
        return [dict(zip((column.key for column in self.columns), row, strict=True)) for row in self.rows]

    def to_csv(self) -> str:
        """Return the table as CSV with its keys as the header; mappings and sequences are written as JSON."""
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(plain(column.key) for column in self.columns)
        writer.writerows(map(_csv_cell, row) for row in self.rows)
        return written.getvalue()

    def to_html(self) -> str:
        """Return the table as HTML, every text in it escaped; its classes `number` and `short` need no style sheet."""
        kinds = ["number" if numeric else "" for numeric in self.numeric]
        heads = [_element("th", title, kind, ' scope="col"') for title, kind in zip(self.headings, kinds, strict=True)]
        rows = [
            "".join(
                _element("td", cell, kind or "short" * (len(cell) < _SHORT_CELL))
                for cell, kind in zip(row, kinds, strict=True)
            )
            for row in self.cells
        ]
        caption = f"<caption>{escape(plain(self.title))}</caption>\n" if self.title else ""
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table>\n{caption}<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def table(columns: Iterable[str | Column], rows: Iterable[Iterable[Any]], *, title: str = "") -> Table:
    """Return a table; a column that needs nothing but its name may be given as text."""
    made = (column if isinstance(column, Column) else Column(column) for column in columns)
    return Table(tuple(made), tuple(tuple(row) for row in rows), title)


def number(value: float | None, *, decimals: int | None = None, signed: bool = False) -> str:
    """Return a number as people read it: whole numbers whole, others with `decimals` or four significant digits.

    >>> number(0.123456), number(0.5, decimals=2, signed=True), number(12), number(float("nan")), number(-math.inf)
    ('0.1235', '+0.50', '12', '-', '-inf')
    """
    if value is None or math.isnan(value):
        return MISSING
    sign = "+" if signed else ""
    if isinstance(value, int):
        return f"{value:{sign}d}"
    if isinstance(value, Points):
        return f"{100 * value:{sign}.{2 if decimals is None else decimals}f}"
    if isinstance(value, PValue):
        return f"< {_LEAST_P}" if value < _LEAST_P else f"{value:.4f}"
    if isinstance(value, Share):
        return f"{100 * value:{sign}.0f} %"
    return f"{value:{sign}.{_DIGITS}g}" if decimals is None else f"{value:{sign}.{decimals}f}"


def text(value: Any, *, decimals: int | None = None, signed: bool = False) -> str:
    """Return any value as people read it; control characters and marks of writing direction become question marks.

    >>> text(Points(0.8312)), text(Share(0.25)), text(Interval(-0.5, 0.25), decimals=2, signed=True)
    ('83.12', '25 %', '-0.50 to +0.25')
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
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(name))}={text(item)}" for name, item in value.items()) or MISSING
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(text(item) for item in value) or MISSING
    return plain(str(value))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _shared_decimals(values: Sequence[Any]) -> int | None:
    """Return the decimals that give the largest fractional number of a column four digits; None to write each alone."""
    single = [limit for value in values for limit in (value if isinstance(value, Interval) else (value,))]
    sizes = [abs(v) for v in single if isinstance(v, float) and not isinstance(v, Points) and math.isfinite(v)]
    largest = max(sizes, default=0.0)
    if largest < 1e-3 or largest >= 1e6:
        return None
    return min(max(_DIGITS - 1 - math.floor(math.log10(largest)), 0), _DIGITS)


def _csv_cell(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(finite(value))
    if not isinstance(value, str):
        return value
    # A spreadsheet computes what begins like a formula, and names come from any storage.
    return f"'{plain(value)}" if value.startswith(_FORMULA_SIGNS) else plain(value)


def _element(tag: str, content: str, kind: str, attributes: str = "") -> str:
    named = f" class={kind}" if kind else ""
    return f"<{tag}{attributes}{named}>{escape(content)}</{tag}>"
