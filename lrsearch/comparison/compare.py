"""From a table of scores to a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.comparison import cautions
from lrsearch.comparison.analysis import analyse_pairs, recommend
from lrsearch.comparison.arrays import BoolArray, FloatArray, numbers
from lrsearch.comparison.best import compare_with_best
from lrsearch.comparison.contrasts import Contrasts, columns_of, tested_pairs
from lrsearch.comparison.failure import FailureRule, failures
from lrsearch.comparison.inference.flips import flip_pairs, require_attainable, sampling_variance
from lrsearch.comparison.parts import Means
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.settings import CONFIGURATIONS, Settings
from lrsearch.comparison.words.answer import doubting_points, with_lines
from lrsearch.comparison.words.sentences import verdict_sentences
from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.metric import Direction, Metric
from lrsearch.records import off_the_means

FEWEST_BLOCKS = 6


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """The scores of one comparison and what is known of their runs.

    Attributes:
        scores: [blocks, families]; a run that diverged may have any score, or NaN.
        families: the names of the columns.
        diverged: [blocks, families], which runs did, or have no score because they crashed.
        blocks: the names of the rows.
        correct: [blocks, families, examples], what each run scored on each test example; None if unknown.
        test_examples: their number, where only that is known.
        block_seconds: what a block takes, if known.
        parameters: the number of parameters by family, which breaks ties.
        crashed: [blocks, families], which of the diverged runs crashed; none if None.
    """

    scores: FloatArray
    families: tuple[str, ...]
    diverged: BoolArray
    blocks: tuple[str, ...]
    correct: FloatArray | None = None
    test_examples: int | None = None
    block_seconds: float | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)
    crashed: BoolArray | None = None


@checked
def compare_scores(
    scores: ArrayLike,
    families: Sequence[object],
    *,
    rope: float | None,
    rng: np.random.Generator,
    alpha: float = 0.05,
    contrasts: Contrasts = "all",
    claim: str = CONFIGURATIONS,
    metric: str | None = None,
    unit: str | None = None,
    direction: Direction = "maximize",
    chance: float | None = None,
    failed_at: float | None = None,
    block_seconds: float | None = None,
    correct: ArrayLike | None = None,
    images: int | None = None,
    parameters: Mapping[str, int] | None = None,
    blocks: Sequence[str] | None = None,
) -> Comparison:
    """Return the comparison of scores[blocks, families].

    A block is one unit: the same seeds, order and split for all families, shared with no other block.

    Args:
        scores: [blocks, families], in `unit`.
        families: the names of the columns; other things than text are named by their text.
        rope: the difference that would not matter, in `unit`, fixed before the scores were seen. If None, the verdict
            says which are separated and by how much, and nothing of what matters.
        rng: draws the sign flips where there are more than 13 blocks.
        alpha: the family-wise error rate.
        contrasts: "all", or `Against(reference)` or `Groups({name: families})` of lrsearch.comparison.
        claim: begins with "these configurations" (blocks are seeds) or "these families" (blocks are whole searches).
        metric: what a score measures; if None, "accuracy" where more is better, and else "score".
        unit: of a score; if None, percentage "points" of an accuracy, as `metric` calls it, and else "units".
        direction: "maximize" where more of the metric is better, "minimize" where less is.
        chance: the score of a model that has learned nothing. A run within a tenth of the way from it to the best
            median of a family has failed, and its family is neither tested nor recommended.
        failed_at: a run that scores worse than this has failed, for every `chance`.
        block_seconds: turns blocks still to run into minutes.
        correct: [blocks, families, examples], what each run scored on each test example, such as whether it was right:
            the intervals then hold beyond these test examples. In stored values: 1, not 100 points.
        images: the number of test examples where only that is known.
        parameters: the number of parameters by family, which breaks ties.
        blocks: the names of the rows; their numbers from 0 if None.

    Raises:
        InputError: scores that are not finite, fewer than 6 blocks or 2 families, names that do not fit, an alpha that
            so few blocks cannot reach, or per-example results that contradict the scores.
    """
    for name, value in (("images", images), ("block_seconds", block_seconds)):
        if value is not None and not 0 < value < np.inf:
            raise InputError(f"{name} must be above 0 and finite, got {value}")
    if chance is not None and not np.isfinite(chance):
        raise InputError(f"chance must be a finite score, got {chance}")
    given = numbers(scores, "scores", axes="blocks, families")
    settings = Settings(
        rope=rope,
        alpha=alpha,
        contrasts=contrasts,
        claim=claim,
        metric=Metric.of_scores(metric, direction, unit),
        worst_value=chance,
        failed_at=failed_at,
    )
    table = ScoreTable(
        scores=given,
        families=tuple(map(str, families)),
        diverged=np.zeros(given.shape, dtype=bool),
        blocks=tuple(map(str, range(len(given)) if blocks is None else blocks)),
        correct=None if correct is None else numbers(correct, "correct", axes="blocks, families, examples"),
        test_examples=images,
        block_seconds=block_seconds,
        parameters=parameters or {},
    )
    comparison = compare_table(table, settings, rng)
    warnings = (*comparison.warnings, *cautions.unlikely_points(given, settings.metric))
    return doubting_points(replace(comparison, warnings=warnings), unit)


def compare_table(
    table: ScoreTable, settings: Settings, rng: np.random.Generator, rule: FailureRule | None = None
) -> Comparison:
    """Return the comparison of a table under `settings`; `rule` says which runs have failed, where that is fixed.

    Raises:
        InputError: as `compare_scores`.
    """
    _require_comparable(table, settings)
    rule = rule or FailureRule.of(table.scores, table.diverged, settings)
    failed = rule.failed(table.scores, table.diverged)
    lost = failures(failed, table.diverged, table.families, alpha=settings.alpha, crashed=table.crashed)
    columns = columns_of(settings.contrasts, table.families, np.asarray(failed.any(axis=0)))
    alive = np.flatnonzero(columns.alive)
    # A failed member has left its group; a column without any member left is shown with its failures counted.
    shown = _mean_of(table.scores, np.where(columns.alive[:, None], columns.weights, columns.of_all))
    better = settings.metric.sign * shown
    kept = better[:, alive]
    right = table.correct
    added = (
        None
        if right is None
        else sampling_variance(settings.metric.scale * np.einsum("ck,bkn->bcn", columns.weights[alive], right))
    )
    flips = flip_pairs(kept, rng, added)
    pairs = analyse_pairs(better, alive, flips, tested_pairs(settings.contrasts, columns, flips), settings)
    means = Means.of(shown)
    best = compare_with_best(flips, len(alive), settings.alpha)
    comparison = Comparison(
        families=columns.names,
        scores=shown,
        means=means,
        pairs=pairs,
        recommendation=recommend(columns.names, alive, best, pairs, means, table.parameters, settings),
        settings=settings,
        failures=lost,
        failure_rule=rule,
        test_examples=table.test_examples if right is None else right.shape[2],
        includes_test_sampling=right is not None,
        block_seconds=table.block_seconds,
        warnings=(
            *cautions.few_blocks(len(shown)),
            *(settings.metric.coarse_rope(settings.rope, right.shape[2]) if right is not None else ()),
            *cautions.lost_members(lost, grouped=columns.names != table.families),
            *cautions.far_runs(table.scores, failed, table.families, rule, table.blocks),
            *cautions.skewed_differences(kept, settings),
        ),
    )
    return with_lines(replace(comparison, sentences=verdict_sentences(comparison)))


def _mean_of(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted means [blocks, columns] over the families that have a weight [columns, families]."""
    return np.stack([scores[:, weight > 0] @ weight[weight > 0] for weight in weights], axis=1)


def _require_comparable(table: ScoreTable, settings: Settings) -> None:
    """Raise InputError where the table will not do."""
    blocks, columns = table.scores.shape
    families = table.families
    if columns != len(families) or columns < 2 or len(set(families)) < columns:
        raise InputError(
            f"families must name each of two or more columns once, but there are {columns} columns of scores "
            f"and the names {list(families)}"
        )
    if not all(name.strip() for name in families):
        raise InputError(f"families must not be empty names, got {list(families)}")
    if blocks < FEWEST_BLOCKS:
        raise InputError(f"scores must have at least {FEWEST_BLOCKS} blocks, but have {blocks}: run more")
    require_attainable(settings.alpha, blocks)
    right = table.correct
    if right is None:
        return
    if right.ndim != 3 or right.shape[:2] != table.scores.shape or right.shape[2] < 2:
        raise InputError(
            "correct must have the axes [blocks, families, examples] with two examples or more and scores of shape "
            f"{table.scores.shape}, but its shape is {right.shape}"
        )
    scale = settings.metric.scale
    if (off := off_the_means(table.scores / scale, right) & ~table.diverged).any():
        furthest = np.abs(scale * right.mean(axis=2) - table.scores)[off].max()
        what = "accuracies of correct, in points to two decimals" if scale != 1 else "means of correct"
        raise InputError(f"scores must be the {what}, but they differ by {furthest:.3g}")
