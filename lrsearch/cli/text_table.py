"""Tables as lines of text that fit a width: no name, number or interval is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from lrsearch.text import plain

_BROKEN = {"recommended": "recom- mended", "diverged": "diver- ged", "accuracy": "accu- racy"}


def number(value: Any) -> str:
    """Return a number with up to four significant digits, and anything else as text; None is a dash."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> list[Text]:
    """Return the lines of a table, columns of numbers to the right, none ending in a blank.

    Cells break after commas alone, headers and the names of the first column at spaces: no word, number or interval is
    cut. Columns that do not fit into `width` characters follow in a table of their own, the first column repeated.
    """
    made = [_Column.of(name, [row[i] for row in rows], named=i == 0) for i, name in enumerate(columns)]
    shown = next((n for n in range(len(made), 2, -1) if _layout(made[:n], width)[2]), min(len(made), 2))
    widths, gap, _ = _layout(made[:shown], width)
    lines = []
    for at, cells in enumerate(zip(*[own.folded(w) for own, w in zip(made, widths, strict=False)], strict=True)):
        for parts in zip_longest(*cells, fillvalue=""):
            placed = [own.placed(part, w) for own, part, w in zip(made, parts, widths, strict=False)]
            lines.append(Text((" " * gap).join(placed).rstrip(), style="" if at else "bold", no_wrap=True))
    if shown == len(made):
        return lines
    rest = table_lines([columns[0], *columns[shown:]], [[row[0], *row[shown:]] for row in rows], width)
    return [*lines, Text(), *rest]


@dataclass(frozen=True)
class _Column:
    head: str
    cells: tuple[str, ...]
    right: bool
    separator: str  # after which a cell may break

    @classmethod
    def of(cls, head: str, values: Sequence[Any], *, named: bool) -> _Column:
        right = all(isinstance(value, int | float | None) for value in values)
        return cls(plain(head), tuple(map(plain, _aligned(values))), right, " " if named else ", ")

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """On one line; the header broken at spaces; cells broken too; a word of the header broken too."""
        whole, head = cell_len(self.head), max(map(cell_len, self.head.split(" ")))
        broken = max(map(cell_len, _BROKEN.get(self.head, self.head).split(" ")))
        cells = max(map(cell_len, self.cells), default=0)
        least = max((cell_len(part) for cell in self.cells for part in _parts(cell, self.separator)), default=0)
        return max(cells, whole), max(cells, head), max(least, head), max(least, broken)

    def folded(self, width: int) -> list[list[str]]:
        """Return the lines of the header and those of each cell."""
        broken = max(map(cell_len, self.head.split(" "))) > width
        head = _BROKEN.get(self.head, self.head) if broken else self.head
        return [_folded(head.split(" "), width), *[_folded(_parts(cell, self.separator), width) for cell in self.cells]]

    def placed(self, text: str, width: int) -> str:
        blanks = " " * (width - cell_len(text))
        return blanks + text if self.right else text + blanks


def _layout(columns: Sequence[_Column], width: int) -> tuple[list[int], int, bool]:
    """Return the columns' widths, the gap between them, and whether they fit; the widest columns give way first."""
    bounds = [own.widths for own in columns]
    for gap, stages in ((2, 3), (1, 3), (1, 4)):
        widths = [own[0] for own in bounds]
        excess = sum(widths) + gap * (len(columns) - 1) - width
        for stage in range(1, stages):
            for i in sorted(range(len(columns)), key=lambda i: -widths[i]):
                cut = max(min(excess, widths[i] - bounds[i][stage]), 0)
                widths[i], excess = widths[i] - cut, excess - cut
        if excess <= 0:
            break
    return widths, gap, excess <= 0


def _parts(text: str, separator: str) -> list[str]:
    """Return the pieces between which a text may break, the comma of a separator kept."""
    pieces = text.split(separator)
    return [piece + separator.rstrip() for piece in pieces[:-1]] + pieces[-1:]


def _folded(parts: Sequence[str], width: int) -> list[str]:
    """Return lines of at most `width` characters, or of one part where that is longer."""
    lines = [parts[0]]
    for part in parts[1:]:
        if cell_len(lines[-1]) + 1 + cell_len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _aligned(values: Sequence[Any]) -> list[str]:
    """Return a column as texts: its numbers with the same decimals, four significant digits of the largest."""
    largest = max((abs(v) for v in values if isinstance(v, float) and math.isfinite(v)), default=0.0)
    if largest < 1e-3 or largest >= 1e6:
        return [number(value) for value in values]
    decimals = min(max(3 - math.floor(math.log10(largest)), 0), 4)
    return [f"{value:.{decimals}f}" if isinstance(value, float) else number(value) for value in values]
