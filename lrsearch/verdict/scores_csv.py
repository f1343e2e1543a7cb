"""A verdict on scores of any origin, from a table that somebody else made."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from lrsearch.comparison import Comparison, compare_scores
from lrsearch.config.files import read_text
from lrsearch.errors import InputError

_MOST_BYTES = 64 << 20


def compare_table(path: Path, *, rope: float, alpha: float, seed: int) -> Comparison:
    """Compare scores of any origin: a CSV file with the columns block, family, score (points, higher is better).

    Raises:
        InputError: if the file cannot be read, a cell is missing, twice there or not a number.
    """
    cells: dict[tuple[str, str], float] = {}
    for line, row in enumerate(_rows(path), start=2):
        cell = (row["block"], row["family"])
        if not all(cell) or None in row:
            raise InputError(f"scores {path}, line {line}: it must have a block, a family, a score and no more cells")
        if cell in cells:
            raise InputError(f"scores {path}, line {line}: block {cell[0]} and family {cell[1]} are there twice")
        try:
            cells[cell] = float(row["score"])
        except (TypeError, ValueError):
            raise InputError(f"scores {path}, line {line}: score must be a number, got {row['score']!r}") from None
    blocks, families = (list(dict.fromkeys(cell[axis] for cell in cells)) for axis in (0, 1))
    for block in blocks:
        for family in families:
            if (block, family) not in cells:
                raise InputError(f"scores {path}: family {family} has no score in block {block}; every block needs all")
    if len(families) < 2:
        raise InputError(f"scores {path} must hold two or more families, got {families[0]} alone")
    table = [[cells[block, family] for family in families] for block in blocks]
    rng = np.random.default_rng(seed)
    return compare_scores(table, families, rope=rope, alpha=alpha, rng=rng, blocks=blocks)


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a table by column; cells beyond the columns come under None."""
    try:
        reader = csv.DictReader(read_text(path, "scores", most_bytes=_MOST_BYTES).splitlines())
        rows, columns = list(reader), reader.fieldnames or ()
    except csv.Error as error:
        raise InputError(f"scores {path} cannot be read: {error}") from error
    if any(columns.count(column) != 1 for column in ("block", "family", "score")):
        raise InputError(f"scores {path} must be a CSV table with the columns block, family, score, each of them once")
    if not rows:
        raise InputError(f"scores {path} must hold scores, and has no line below its columns")
    return rows
