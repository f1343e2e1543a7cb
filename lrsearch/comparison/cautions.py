"""What a reader should know before believing the numbers of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import stats

from lrsearch.comparison.arrays import BoolArray, FloatArray
from lrsearch.comparison.failure import Failure, FailureRule
from lrsearch.comparison.inference.welch import RunGroups
from lrsearch.comparison.settings import Settings
from lrsearch.metric import ACCURACY, POINTS, Metric
from lrsearch.text import counted

FEW_BLOCKS = 10
FAR_SDS = 10.0
FEW_FOR_SCALE = 6  # fewer runs than this do not know their own scatter
FEW_RUNS = 4
FEW_NAMES = 4
FEWEST_FOR_ALPHA = 5
_LIKELY_POINTS = 20.0


def few_blocks(blocks: int) -> Iterator[str]:
    """Yield a warning where there are fewer than 10 blocks."""
    if blocks < FEW_BLOCKS:
        yield f"only {counted(blocks, 'block')}: below {FEW_BLOCKS} the tests see large differences alone"


def look_like_fractions(scores: FloatArray, metric: Metric) -> bool:
    """Return whether scores that are read in points are all from 0 to 1, as fractions or an AUC are."""
    return metric.unit == POINTS and bool(scores.size and scores.min() >= 0 and scores.max() <= 1)


def unlikely_points(scores: FloatArray, metric: Metric) -> Iterator[str]:
    """Yield a warning where scores in points look like fractions, or in an unstated unit like no accuracies.

    Accuracies lie from 0 to 100, and those of a model that has learned something are rarely all below 20.
    """
    if not scores.size:  # every run has diverged
        return
    low, high = scores.min(), scores.max()
    if look_like_fractions(scores, metric):
        yield "all scores are from 0 to 1 and are read as points: multiply fractions by 100"
    elif metric == ACCURACY and (low < 0 or high > 100 or high < _LIKELY_POINTS):
        yield (
            f"the scores lie from {metric.number(low)} to {metric.number(high)} and are read as accuracies in points, "
            "the more the better: if they measure something else, state --direction, --metric and --unit"
        )


def lost_members(failures: Sequence[Failure], *, grouped: bool) -> Iterator[str]:
    """Yield a warning where families with failed runs have left their groups."""
    if grouped and failures:
        names = ", ".join(failure.family for failure in failures)
        yield f"left out of their groups for failed runs: {names}"


def far_runs(
    scores: FloatArray,
    failed: BoolArray,
    families: Sequence[str],
    rule: FailureRule,
    blocks: Sequence[str] | None = None,
) -> Iterator[str]:
    """Yield a warning of each run that lies 10 robust SDs or more on the worse side of its own family.

    It is kept: without a worst value nothing says that it has failed. The robust SD of scores[runs, families] is 1.4826
    times the median absolute deviation, or the smallest step between two scores where that is larger; that of fewer
    than 6 runs is at least the median over the families. `blocks` names the rows; None where they are no blocks.
    """
    if rule.limit is not None:
        return
    scored_runs = ~failed & np.isfinite(scores)
    steps = np.diff(np.unique(scores[scored_runs]))
    sign, number = rule.settings.metric.sign, rule.settings.metric.number
    better = [sign * scores[scored_runs[:, place], place] for place in range(len(families))]
    middles = [float(np.median(scored)) if scored.size else 0.0 for scored in better]
    scales = [
        1.4826 * float(np.median(np.abs(scored - middle))) if scored.size else 0.0
        for scored, middle in zip(better, middles, strict=True)
    ]
    for place, (family, middle, scale) in enumerate(zip(families, middles, scales, strict=True)):
        least = float(np.median(scales)) if len(better[place]) < FEW_FOR_SCALE else 0.0
        nearest = middle - FAR_SDS * max(scale, least, float(steps.min(initial=np.inf)))
        for run in np.flatnonzero(scored_runs[:, place] & (sign * scores[:, place] <= nearest)).tolist():
            which = f"run {run + 1} of {family}" if blocks is None else f"the run of {family} in block {blocks[run]}"
            yield (
                f"{which} scores {number(scores[run, place])}, far worse than its family's median "
                f"{number(sign * middle)}, and is kept: if it failed, state with "
                "--failed-at (failed_at in Python) which scores count as failed"
            )


def few_runs(half_width: FloatArray, counts: Sequence[int], settings: Settings) -> Iterator[str]:
    """Yield, for each number of runs up to 4, what the pairs of which it is the smaller one can see.

    `half_width` [families, families] is that of their intervals, NaN where a pair was not tested.
    """
    smaller = np.minimum.outer(counts, counts)
    for n in range(1, FEW_RUNS + 1):
        seen = half_width[(smaller == n) & np.isfinite(half_width) & (half_width > 0)]
        if seen.size:
            low, high = settings.metric.number(float(seen.min())), settings.metric.number(float(seen.max()))
            limits = f"{low} {settings.metric.unit}" + (f" (by pair, up to {high})" if low != high else "")
            runs = counted(n, "run")
            yield f"with {runs} a group only differences above about {limits} could be seen"


def few_runs_for_alpha(runs: Sequence[int], settings: Settings) -> Iterator[str]:
    """Yield a warning where a smaller alpha than 0.05 meets fewer than 5 runs, for which it was not shown to hold."""
    if settings.alpha < 0.05 and settings.sigma is None and min(runs, default=FEWEST_FOR_ALPHA) < FEWEST_FOR_ALPHA:
        yield f"alpha {settings.alpha:g} needs at least {FEWEST_FOR_ALPHA} runs of each: with fewer it may not hold"


def untested(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield one warning of the families that were not tested, {name: reason}, the first few by name."""
    if reasons:
        named = [f"{name} ({reason})" for name, reason in list(reasons.items())[:FEW_NAMES]]
        others = len(reasons) - FEW_NAMES
        yield f"not tested: {', '.join(named)}" + (f" and {others} more" if others > 0 else "")


def contradicted_sigma(groups: RunGroups) -> Iterator[str]:
    """Yield a warning where the runs scatter otherwise than the stated sigma allows in 99 % of cases."""
    if groups.sigma_contradicted:
        yield f"the scatter of the runs contradicts the stated sigma of {groups.sigma:g}"


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
    spread = np.ptp(differences) > 1e-9 * np.abs(scores).max()  # else they are equal but for rounding
    if spread and abs(skewness := float(stats.skew(differences, bias=False))) > 2 * standard_error:
        yield (
            f"the differences are skewed (skewness {skewness:+.1f}), and the test takes them as symmetric: its error "
            f"rate may be about twice the {settings.alpha:g} that is stated"
        )
