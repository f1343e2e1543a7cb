"""What a reader should know before believing the numbers of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lrsearch.comparison.arrays import BoolArray, FloatArray
from lrsearch.comparison.failure import Failure, FailureRule
from lrsearch.comparison.settings import Settings
from lrsearch.metric import POINTS

FEW_BLOCKS = 10
FAR_SDS = 10.0


def few_blocks(blocks: int) -> Iterator[str]:
    """Yield a warning where there are fewer than 10 blocks."""
    if blocks < FEW_BLOCKS:
        yield f"only {blocks} blocks: below {FEW_BLOCKS} the tests see large differences alone"


def fractions(scores: ArrayLike, unit: str) -> Iterator[str]:
    """Yield a warning where scores in points look like fractions."""
    given = np.asarray(scores, dtype=np.float64)
    if unit == POINTS and given.min() >= 0 and given.max() <= 1:
        yield "all scores are from 0 to 1 and are read as points: multiply fractions by 100"


def lost_members(failures: Sequence[Failure], *, grouped: bool) -> Iterator[str]:
    """Yield a warning where families with failed runs have left their groups."""
    if grouped and failures:
        names = ", ".join(failure.family for failure in failures)
        yield f"left out of their groups for failed runs: {names}"


def far_runs(
    scores: FloatArray, failed: BoolArray, families: Sequence[str], blocks: Sequence[str], rule: FailureRule
) -> Iterator[str]:
    """Yield a warning of each run that lies 10 robust SDs or more on the worse side of its own family.

    It is kept: without a worst value nothing says that it has failed. The robust SD of scores[blocks, families] is
    1.4826 times the median absolute deviation, or the smallest step between two scores where that is larger.
    """
    if rule.limit is not None:
        return
    steps = np.diff(np.unique(scores[~failed]))
    sign, number = rule.settings.metric.sign, rule.settings.metric.number
    better = sign * scores
    for place, family in enumerate(families):
        scored = better[~failed[:, place], place]
        if not scored.size:
            continue
        middle = float(np.median(scored))
        scale = max(1.4826 * float(np.median(np.abs(scored - middle))), float(steps.min(initial=np.inf)))
        for block in np.flatnonzero(~failed[:, place] & (better[:, place] <= middle - FAR_SDS * scale)).tolist():
            yield (
                f"the run of {family} in block {blocks[block]} scores {number(scores[block, place])}, far worse than "
                f"its family's median {number(sign * middle)}, and is kept: if it failed, state with "
                "--failed-at (failed_at in Python) which scores count as failed"
            )


def skewed_differences(scores: FloatArray, settings: Settings) -> Iterator[str]:
    """Yield a warning where the differences of two columns of scores[blocks, 2] are skewed.

    Flipping signs takes the differences as symmetric. They count as skewed where their skewness is beyond two of its
    standard errors under normal noise, which happens there in one comparison of twenty.
    """
    if scores.shape[1] != 2:
        return
    differences = scores[:, 0] - scores[:, 1]
    n = len(differences)
    standard_error = np.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    if np.ptp(differences) and abs(skewness := float(stats.skew(differences, bias=False))) > 2 * standard_error:
        yield (
            f"the differences are skewed (skewness {skewness:+.1f}), and the test takes them as symmetric: its error "
            f"rate may be about twice the {settings.alpha:g} that is stated"
        )
