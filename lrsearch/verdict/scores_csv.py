"""A verdict on scores of any origin, from a CSV table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lrsearch.comparison import Against, Comparison, compare_runs, compare_scores
from lrsearch.comparison.arrays import FloatArray
from lrsearch.comparison.cautions import look_like_fractions
from lrsearch.comparison.compare import FEWEST_BLOCKS, ScoreTable
from lrsearch.comparison.contrasts import Contrasts
from lrsearch.comparison.settings import Settings
from lrsearch.comparison.unjudged import show_few_blocks
from lrsearch.config.files import read_text
from lrsearch.config.messages import shortened
from lrsearch.errors import InputError
from lrsearch.metric import Direction, Metric
from lrsearch.text import as_number, counted

_MOST_BYTES = 64 << 20
_COLUMNS = ("block", "family", "score")


class Run(NamedTuple):
    """One line of a table; `block` is empty where the table has no such column."""

    block: str
    family: str
    score: float


@dataclass(frozen=True)
class ScoresTable:
    """The runs of a CSV file in the order of its lines.

    Attributes:
        runs: one or more.
        has_blocks: whether there is a column block; no block then has two runs of a family.
    """

    runs: tuple[Run, ...]
    has_blocks: bool

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the families, in the order in which they first come."""
        return tuple(dict.fromkeys(run.family for run in self.runs))

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of the blocks, in the order in which they first come."""
        return tuple(dict.fromkeys(run.block for run in self.runs))

    @property
    def whole_blocks(self) -> tuple[str, ...]:
        """The blocks in which every family has run."""
        cells = {(run.block, run.family) for run in self.runs}
        return tuple(b for b in self.blocks if all((b, family) in cells for family in self.families))

    def measured(self, metric: str | None, direction: Direction, unit: str | None) -> Metric:
        """Return what the scores measure.

        Raises:
            InputError: if they are taken for accuracies in points, and all are from 0 to 1.
        """
        measured = Metric.of_scores(metric, direction, unit)
        if unit is None and look_like_fractions(self.scores, measured):
            raise InputError(
                "all scores are from 0 to 1, and accuracies are expected in points: give 88.2, not 0.882, or for "
                "another metric its name, such as --metric AUC (or --unit fraction); for a loss --direction minimize"
            )
        return measured

    @property
    def paired(self) -> bool:
        """Whether every family has run in every block."""
        return self.has_blocks and self.whole_blocks == self.blocks

    @property
    def scores(self) -> FloatArray:
        """The scores [runs]."""
        return np.array([run.score for run in self.runs])

    def of(self, family: str) -> list[float]:
        """Return the scores of a family."""
        return [run.score for run in self.runs if run.family == family]

    def matrix(self, blocks: tuple[str, ...]) -> list[list[float]]:
        """Return the scores [blocks, families] of whole blocks."""
        cells = {(run.block, run.family): run.score for run in self.runs}
        return [[cells[block, family] for family in self.families] for block in blocks]


def compare_table(
    path: Path,
    *,
    rope: float | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    direction: Direction = "maximize",
    metric: str | None = None,
    unit: str | None = None,
    failed_at: float | None = None,
    sigma: float | None = None,
    baseline: str | None = None,
    one_sided: bool = False,
) -> Comparison:
    """Compare the scores of a CSV file with the columns block, family, score; without block, as unpaired runs.

    Where a family lacks a run in some block, the runs are unpaired too. Fewer than 6 blocks are shown and not judged.

    Args:
        path: the file.
        rope: the difference that would not matter; if None, 0.3 where scores are in points, and else none.
        alpha: the family-wise error rate.
        seed: of the null distribution that is drawn.
        direction: "maximize" where more of the metric is better, "minimize" where less is.
        metric: what a score measures; if None, "accuracy" where more is better, and else "score".
        unit: of a score; if None, percentage "points" of an accuracy, as `metric` calls it, and else "units".
        failed_at: a run that scores worse than this has failed.
        sigma: the SD of a run, known beforehand, for unpaired runs.
        baseline: test each family against this one alone; all pairs if None.
        one_sided: with `baseline`, for unpaired runs: whether only what is better than it counts.

    Raises:
        InputError: if the file cannot be read, a cell is twice there or not a number, or an argument does not fit the
            table, as a metric in points does not where all scores are from 0 to 1.
    """
    table = read_scores(path)
    measured = table.measured(metric, direction, unit)
    rope = measured.default_rope if rope is None else rope
    if len(table.families) < 2:
        raise InputError(f"scores {path} must hold two or more families, got {table.families[0]} alone")
    contrasts: Contrasts = "all" if baseline is None else Against(baseline)
    shared: dict[str, Any] = {"rope": rope, "alpha": alpha, "contrasts": contrasts, "failed_at": failed_at}
    shared |= {"metric": metric, "unit": unit, "direction": direction, "rng": np.random.default_rng(seed)}
    if table.paired:
        if sigma is not None or one_sided:
            raise InputError("sigma (--sigma) and one_sided (--one-sided) are for tables without the column block")
        if len(table.blocks) >= FEWEST_BLOCKS:
            return compare_scores(table.matrix(table.blocks), table.families, blocks=table.blocks, **shared)
        settings = Settings(rope, alpha, contrasts, metric=measured, failed_at=failed_at)
        scores = np.array(table.matrix(table.blocks))
        few = ScoreTable(scores, table.families, np.zeros(scores.shape, dtype=bool), table.blocks)
        return show_few_blocks(few, settings)
    runs = {family: table.of(family) for family in table.families}
    comparison = compare_runs(runs, one_sided=one_sided, sigma=sigma, **shared)
    return replace(comparison, warnings=(*_unused_blocks(table), *comparison.warnings))


def _unused_blocks(table: ScoresTable) -> Iterator[str]:
    """Yield a warning where the blocks are not used, because some lack a family."""
    if table.has_blocks:
        whole = len(table.whole_blocks)
        advice = f": leave these out of the table to compare within the {whole} whole ones"
        yield (
            f"the column block is not used: {len(table.blocks) - whole} of {counted(len(table.blocks), 'block')} "
            f"lack a family{advice if whole >= FEWEST_BLOCKS else ''}"
        )


def read_scores(path: Path) -> ScoresTable:
    """Return the runs of a CSV file with the columns family and score, and block where it has one.

    Raises:
        InputError: if the file cannot be read, a cell is empty, twice there or not a number.
    """
    runs, seen, has_blocks = [], set(), False
    for line, (block, family, score) in _rows(path):
        where = f"scores {path}, line {line}"
        has_blocks = block is not None
        for name, value in (("block", block), ("family", family)):
            if value == "":
                raise InputError(f"{where}: the {name} is empty")
        if block is not None and (block, family) in seen:
            raise InputError(f"{where}: block {block} and family {family} stand twice")
        seen.add((block, family))
        try:
            runs.append(Run(block or "", family, as_number(score)))
        except ValueError:
            raise InputError(f"{where}: score must be a number, got {score!r}") from None
        if not math.isfinite(runs[-1].score):
            raise InputError(
                f"{where}: score must be a finite number, got {score!r}: for a run that diverged write a number, and "
                "say with --failed-at that one so bad has failed"
            )
    return ScoresTable(tuple(runs), has_blocks)


def _rows(path: Path) -> Iterator[tuple[int, tuple[str | None, str, str]]]:
    """Yield the number of each line with its block (or None), family and score, blanks around them left away."""
    lines = read_text(path, "scores", most_bytes=_MOST_BYTES).splitlines()
    reader = csv.reader(lines)
    try:
        header = [name.strip() for name in next(reader, [])]
        if any(header.count(name) != 1 for name in _COLUMNS[1:]) or header.count("block") > 1:
            raise InputError(
                f"scores {path} must be a CSV table, block being optional, with the columns {', '.join(_COLUMNS)}, "
                f"each of them once, got {shortened(', '.join(header))}{_separator_hint(header)}"
            )
        family_place, score_place = header.index("family"), header.index("score")
        block_place = header.index("block") if "block" in header else None
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
            block = None if block_place is None else cells[block_place].strip()
            yield reader.line_num, (block, cells[family_place].strip(), cells[score_place].strip())
    except csv.Error as error:
        raise InputError(f"scores {path} cannot be read: {error}") from error
    if empty:
        raise InputError(f"scores {path} must hold scores, and has no line below its columns")


def _separator_hint(header: list[str]) -> str:
    """Return what is wrong where a header of one cell is separated by something else than commas."""
    names = {";": "semicolons", "\t": "tabs", "|": "bars"}
    used = next((name for sign, name in names.items() if len(header) == 1 and sign in header[0]), None)
    return f"; its cells are separated by {used}: use commas" if used else ""
