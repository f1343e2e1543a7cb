"""One candidate against one baseline while runs are added: from scores to a verdict that is valid after every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.comparison.arrays import BoolArray, FloatArray, one_axis
from lrsearch.comparison.inference.sequential import Look, paired_looks, unpaired_looks
from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.metric import Direction, Metric
from lrsearch.verdict.scores_csv import Run, read_scores
from lrsearch.verdict.sequential_verdict import SequentialVerdict

CONTRADICTION = "the runs contradict each other"


@checked
def compare_sequential(
    candidate: ArrayLike,
    baseline: ArrayLike,
    *,
    names: tuple[str, str] = ("candidate", "baseline"),
    paired: bool = True,
    alpha: float = 0.05,
    direction: Direction = "maximize",
    metric: str | None = None,
    unit: str | None = None,
    failed_at: float | None = None,
) -> SequentialVerdict:
    """Return the verdict on candidate[runs] against baseline[runs], which may be asked again after every run.

    Where only an outcome in favour of the candidate counts, twice the `alpha` may be given, and "worse" be ignored.

    Args:
        candidate: scores in the order of running; a run that diverged is NaN or infinite.
        baseline: the same.
        names: of the two.
        paired: whether run k of both shares its seeds. Unpaired runs are taken to have alternated.
        alpha: the error rate over all interim analyses, both directions together.
        direction: "maximize" where more of the metric is better, "minimize" where less is.
        metric: what a score measures; if None, "accuracy" where more is better, and else "score".
        unit: of a score; if None, percentage "points" of an accuracy, as `metric` calls it, and else "units".
        failed_at: a run that scores worse than this has failed: there is no verdict.

    Raises:
        InputError: scores that are no numbers, an alpha outside 0 to 1, or paired runs of unequal number.
    """
    if names[0] == names[1]:
        raise InputError(f"names must be those of two, got {names[0]} twice")
    a, b = (one_axis(scores, name) for scores, name in ((candidate, "candidate"), (baseline, "baseline")))
    if paired and len(a) != len(b):
        raise InputError(f"paired runs must be as many of the candidate as of the baseline, got {len(a)} and {len(b)}")
    order = sorted([(k, True) for k in range(len(a))] + [(k, False) for k in range(len(b))], key=lambda run: run[0])
    of_candidate = np.array([mine for _, mine in order], dtype=bool)
    scores = np.array([(a if mine else b)[k] for k, mine in order])
    asked = _Question(names, paired, alpha, Metric.of_scores(metric, direction, unit), failed_at)
    return asked.answer(scores, of_candidate)


def compare_growing_table(
    path: Path,
    *,
    candidate: str,
    baseline: str,
    alpha: float = 0.05,
    direction: Direction = "maximize",
    metric: str | None = None,
    unit: str | None = None,
    failed_at: float | None = None,
) -> SequentialVerdict:
    """Return the verdict on two families of a CSV file, whose lines stand in the order of running.

    With a column block the runs of a block are a pair, which counts once both are there. See `compare_sequential`.

    Raises:
        InputError: if the file cannot be read, or lacks one of the two.
    """
    rows = read_scores(path)
    names = (candidate, baseline)
    if missing := [name for name in names if name not in rows.families]:
        raise InputError(
            f"scores {path}: there is no family {', '.join(missing)}; there are {', '.join(rows.families)}"
        )
    if candidate == baseline:
        raise InputError(f"candidate and baseline must be two families, got {candidate} twice")
    runs = [run for run in rows.runs if run.family in names]
    if rows.has_blocks:
        runs = _in_pairs(runs, names)
    scores, of_candidate = np.array([run.score for run in runs]), np.array([run.family == candidate for run in runs])
    asked = _Question(names, rows.has_blocks, alpha, rows.measured(metric, direction, unit), failed_at)
    return asked.answer(scores, of_candidate.astype(bool))


def _in_pairs(runs: Sequence[Run], names: tuple[str, str]) -> list[Run]:
    """Return the runs of the blocks in which both have run, block after block in the order of their completion."""
    waiting: dict[str, Run] = {}
    pairs: list[Run] = []
    for run in runs:
        other = waiting.pop(run.block, None)
        if other is None:
            waiting[run.block] = run
        else:
            pairs += sorted((other, run), key=lambda one: names.index(one.family))
    return pairs


@dataclass(frozen=True)
class _Question:
    """What is asked of two families' runs; the attributes are those of the verdict."""

    names: tuple[str, str]
    paired: bool
    alpha: float
    metric: Metric
    failed_at: float | None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha must be above 0 and below 1, got {self.alpha:g}")

    def answer(self, scores: FloatArray, of_candidate: BoolArray) -> SequentialVerdict:
        """Return the verdict on scores[runs] in the order of running, the two of a pair one after the other."""
        better = self.metric.sign * scores
        failed = ~np.isfinite(scores)
        if self.failed_at is not None:
            failed |= better < self.metric.sign * self.failed_at
        problem, looks = "", tuple[Look, ...]()
        if failed.any():
            problem = f"a run of {self.names[0] if of_candidate[failed.argmax()] else self.names[1]} failed"
        elif self.paired:
            looks = paired_looks(better[of_candidate] - better[~of_candidate], self.alpha)
        else:
            looks = unpaired_looks(better, of_candidate, self.alpha)
        if looks and looks[-1].low > looks[-1].high:
            problem = CONTRADICTION
        return SequentialVerdict(
            candidate=self.names[0],
            baseline=self.names[1],
            looks=looks,
            runs=(int(of_candidate.sum()), int((~of_candidate).sum())),
            paired=self.paired,
            problem=problem,
            alpha=self.alpha,
            metric=self.metric,
        )
