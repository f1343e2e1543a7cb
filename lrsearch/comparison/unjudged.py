"""What is shown and not judged: too few paired blocks, one run of each, no two families that could be tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from lrsearch.comparison import cautions
from lrsearch.comparison.analysis import verdicts
from lrsearch.comparison.arrays import BoolArray, FloatArray, IntArray, pairs_of
from lrsearch.comparison.compare import FEWEST_BLOCKS, ScoreTable
from lrsearch.comparison.failure import FailureRule, failures
from lrsearch.comparison.inference.power import MOST_BLOCKS, blocks_to_settle
from lrsearch.comparison.parts import Means, Pairs, Recommendation
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.settings import Settings
from lrsearch.comparison.words.answer import with_lines


def show_few_blocks(table: ScoreTable, settings: Settings, rule: FailureRule | None = None) -> Comparison:
    """Return the means of a table of fewer blocks than can be judged, and how many would be enough.

    That number is the blocks of a new comparison in which every pair's interval, at a t quantile shared between the
    pairs by Bonferroni, is as narrow as half of the ROPE to either side; at least 6. `rule` says which runs have
    failed, where that is fixed.
    """
    shown = show_untested(table.scores, table.diverged, table.families, settings, rule=rule, crashed=table.crashed)
    warnings = tuple(cautions.unlikely_points(table.scores[np.isfinite(table.scores)], settings.metric))
    return with_lines(
        replace(shown, block_seconds=table.block_seconds, warnings=warnings, sentences=(_few_blocks(shown),))
    )


def show_untested(
    scores: FloatArray,
    diverged: BoolArray,
    families: tuple[str, ...],
    settings: Settings,
    *,
    rule: FailureRule | None = None,
    unpaired_runs: tuple[int, ...] | None = None,
    crashed: BoolArray | None = None,
) -> Comparison:
    """Return the means and the failures of scores [runs, families] of which some `diverged`, with nothing tested.

    `rule` says which runs have failed, where that is fixed; `unpaired_runs` are those of each family in no blocks;
    `crashed` those of the diverged that crashed.
    """
    rule = rule or FailureRule.of(scores, diverged, settings)
    failed = rule.failed(scores, diverged)
    return Comparison(
        families=families,
        scores=scores,
        means=Means.of(scores),
        pairs=_nothing_tested(len(families), np.flatnonzero(~failed.any(axis=0))),
        recommendation=_nothing_recommended(len(families)),
        settings=settings,
        failures=failures(failed, diverged, families, alpha=settings.alpha, runs=unpaired_runs, crashed=crashed),
        failure_rule=rule,
        unpaired_runs=unpaired_runs,
    )


def _few_blocks(comparison: Comparison) -> str:
    blocks, settings = comparison.blocks, comparison.settings
    if blocks == 1:
        return one_run_each(comparison)
    shown = f"{blocks} paired blocks are shown and not judged: a verdict needs at least {FEWEST_BLOCKS}"
    if settings.rope is None:
        return f"{shown}."
    scores = comparison.scores[:, np.isfinite(comparison.scores).all(axis=0)]
    if scores.shape[1] < 2:
        return f"{shown}."
    first, second = pairs_of(scores.shape[1])
    sds = (scores[:, first] - scores[:, second]).std(axis=0, ddof=1)
    quantile = float(stats.t.isf(settings.alpha / 2 / len(sds), blocks - 1))
    enough = blocks_to_settle(float(sds.max()), quantile=quantile, blocks=blocks, half_width=settings.rope / 2)
    number = f"about {enough:.0f}" if np.isfinite(enough) else f"more than {MOST_BLOCKS:,}"
    return f"{shown}, and by the scatter of these few {number} would be enough to settle every pair."


def one_run_each(comparison: Comparison) -> str:
    """Return the sentence of a table in which every family has run once."""
    return f"The {len(comparison.families)} families have one run each: no verdict."


def _nothing_tested(count: int, intact: IntArray) -> Pairs:
    """Return the pairs of `count` families of which none was tested; the `intact` have no failed run."""
    nothing = np.full((count, count), np.nan)
    names = ("difference", "low", "high", "p", "p_step_down", "p_holm", "p_better", "p_better_low", "p_better_high")
    return Pairs(
        **dict.fromkeys(names, nothing),
        verdict=verdicts(nothing, nothing, 1.0, intact),
        blocks_to_settle=nothing,
        omnibus_max_t=float("nan"),
        omnibus_iman_davenport=float("nan"),
    )


def _nothing_recommended(count: int) -> Recommendation:
    """Return the recommendation of `count` families that were not tested: none."""
    nothing = np.full(count, np.nan)
    return Recommendation((), None, "", (), nothing, nothing, nothing, nothing)
