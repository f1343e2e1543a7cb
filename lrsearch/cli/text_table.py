"""Tables as lines of text that fit a width: no name, number or interval is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from lrsearch.tables import Table

_BROKEN = {"recommended": "recom- mended", "diverged": "diver- ged", "accuracy": "accu- racy"}


def table_lines(shown: Table, width: int) -> list[Text]:
    """Return the lines of a table, columns of numbers to the right, none ending in a blank.

    Cells break after commas alone, headings and the names of the first column at spaces: no word, number or interval is
    cut. Columns that do not fit into `width` characters follow in a table of their own, the first column repeated.
    """
    lines = [Text(shown.title, style="bold", no_wrap=True)] if shown.title else []
    separators = [" ", *[", "] * (len(shown.columns) - 1)]
    parts = zip(shown.headings, shown.column_cells, shown.numeric, separators, strict=True)
    return lines + _lines([_Column(*part) for part in parts], width)


def _lines(columns: Sequence[_Column], width: int) -> list[Text]:
    fitting = next((n for n in range(len(columns), 2, -1) if _layout(columns[:n], width)[2]), min(len(columns), 2))
    widths, gap, _ = _layout(columns[:fitting], width)
    lines = []
    folded = [column.folded(w) for column, w in zip(columns, widths, strict=False)]
    for place, cells in enumerate(zip(*folded, strict=True)):
        for parts in zip_longest(*cells, fillvalue=""):
            placed = [column.placed(part, w) for column, part, w in zip(columns, parts, widths, strict=False)]
            lines.append(Text((" " * gap).join(placed).rstrip(), style="" if place else "bold", no_wrap=True))
    return lines if fitting == len(columns) else [*lines, Text(), *_lines([columns[0], *columns[fitting:]], width)]


@dataclass(frozen=True)
class _Column:
    head: str
    cells: tuple[str, ...]
    right: bool
    separator: str  # after which a cell may break

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
    bounds = [column.widths for column in columns]
    for gap, stages in ((2, 3), (1, 3), (1, 4)):
        widths = [bound[0] for bound in bounds]
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
