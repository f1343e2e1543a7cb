"""A verdict on scores of any origin, from a CSV table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lrsearch.comparison import Comparison, compare_scores
from lrsearch.config.files import read_text
from lrsearch.errors import InputError
from lrsearch.metric import Direction, Metric

_MOST_BYTES = 64 << 20
_COLUMNS = ("block", "family", "score")


def compare_table(
    path: Path,
    *,
    rope: float | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    direction: Direction = "maximize",
    metric: str = "accuracy",
    unit: str | None = None,
    failed_at: float | None = None,
) -> Comparison:
    """Compare the scores of a CSV file with the columns block, family, score.

    Args:
        path: the file.
        rope: the difference that would not matter; 0.3 if None and scores are in points.
        alpha: the family-wise error rate.
        seed: of the random sign flips.
        direction: "maximize" where more of the metric is better, "minimize" where less is.
        metric: what a score measures.
        unit: of a score; if None, percentage "points" of an accuracy, as `metric` calls it, and else "units".
        failed_at: a run that scores worse than this has failed.

    Raises:
        InputError: if the file cannot be read, a cell is missing, repeated or not a number, or no ROPE is known.
    """
    if rope is None:
        measured = Metric.of_scores(metric, direction, unit)
        if measured.default_rope is None:
            raise InputError(
                f"rope (--rope) must be given for scores in {measured.unit}: the difference that would not matter"
            )
        rope = measured.default_rope
    cells = _cells(path)
    blocks, families = (list(dict.fromkeys(cell[axis] for cell in cells)) for axis in (0, 1))
    for block in blocks:
        for family in families:
            if (block, family) not in cells:
                raise InputError(f"scores {path}: family {family} has no score in block {block}; every block needs all")
    if len(families) < 2:
        raise InputError(f"scores {path} must hold two or more families, got {families[0]} alone")
    return compare_scores(
        [[cells[block, family] for family in families] for block in blocks],
        families,
        rope=rope,
        rng=np.random.default_rng(seed),
        alpha=alpha,
        metric=metric,
        unit=unit,
        direction=direction,
        failed_at=failed_at,
        blocks=blocks,
    )


def _cells(path: Path) -> dict[tuple[str, str], float]:
    """Return {(block, family): score}."""
    cells: dict[tuple[str, str], float] = {}
    for line, row in _rows(path):
        where = f"scores {path}, line {line}"
        block, family, score = row
        for name, value in (("block", block), ("family", family)):
            if not value:
                raise InputError(f"{where}: the {name} is empty")
        if (block, family) in cells:
            raise InputError(f"{where}: block {block} and family {family} stand twice")
        try:
            cells[block, family] = float(score)
        except ValueError:
            raise InputError(f"{where}: score must be a number, got {score!r}") from None
        if not math.isfinite(cells[block, family]):
            raise InputError(
                f"{where}: score must be a finite number, got {score!r}: give a run that diverged a score worse than "
                "--failed-at"
            )
    return cells


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Yield the number of each line with its block, family and score, blanks around them left away."""
    lines = read_text(path, "scores", most_bytes=_MOST_BYTES).splitlines()
    reader = csv.reader(lines)
    try:
        header = [name.strip() for name in next(reader, [])]
        if any(header.count(name) != 1 for name in _COLUMNS):
            raise InputError(
                f"scores {path} must be a CSV table with the columns {', '.join(_COLUMNS)}, each of them once"
                + _separator_hint(header)
            )
        places = [header.index(name) for name in _COLUMNS]
        empty = True
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"scores {path}, line {reader.line_num}: it has {len(cells)} cells, and the header has "
                    f"{len(header)}; write 88.2, not 88,2"
                )
            empty = False
            block, family, score = (cells[place].strip() for place in places)
            yield reader.line_num, (block, family, score)
    except csv.Error as error:
        raise InputError(f"scores {path} cannot be read: {error}") from error
    if empty:
        raise InputError(f"scores {path} must hold scores, and has no line below its columns")


def _separator_hint(header: list[str]) -> str:
    """Return what is wrong where a header of one cell is separated by something else than commas."""
    names = {";": "semicolons", "\t": "tabs", "|": "bars"}
    used = next((name for sign, name in names.items() if len(header) == 1 and sign in header[0]), None)
    return f"; its cells are separated by {used}: use commas" if used else ""
