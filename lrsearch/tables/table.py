"""Rows of plain values, never of formatted numbers, and how people and programs get them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from lrsearch.records import finite
from lrsearch.tables.values import DIGITS, Interval, Points, text
from lrsearch.text import plain

_SHORT_CELL = 32  # characters; what is shorter is kept on one line of a page
_FORMULA_SIGNS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: its name in CSV and JSON.
        heading: what people read above it; the key if empty.
        decimals: of its fractional numbers; if None, as many as give the largest four significant digits, each number
            for itself in a column that holds text as well.
        signed: whether its numbers above 0 have a plus sign.
        optional: whether people do not see it where it holds nothing.
    """

    key: str
    heading: str = ""
    decimals: int | None = None
    signed: bool = False
    optional: bool = False

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

    @property
    def for_people(self) -> Table:
        """The table without its optional columns that hold nothing."""
        shown = [
            place
            for place, column in enumerate(self.columns)
            if not column.optional or any(value is not None for value in self.values(place))
        ]
        rows = tuple(tuple(row[place] for place in shown) for row in self.rows)
        return Table(tuple(self.columns[place] for place in shown), rows, self.title)

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


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _shared_decimals(values: Sequence[Any]) -> int | None:
    """Return the decimals that give the largest fractional number of a column four digits; None to write each alone."""
    single = [limit for value in values for limit in (value if isinstance(value, Interval) else (value,))]
    sizes = [abs(v) for v in single if isinstance(v, float) and not isinstance(v, Points) and math.isfinite(v)]
    largest = max(sizes, default=0.0)
    if largest < 1e-3 or largest >= 1e6:
        return None
    return min(max(DIGITS - 1 - math.floor(math.log10(largest)), 0), DIGITS)


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
