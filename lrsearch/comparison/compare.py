"""From a table of scores to a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.comparison.analysis import analyse_columns, analyse_pairs
from lrsearch.comparison.arrays import FloatArray, numbers
from lrsearch.comparison.best import prefer
from lrsearch.comparison.contrasts import Contrasts, columns_of, describe, tested_pairs
from lrsearch.comparison.crosscheck import iman_davenport
from lrsearch.comparison.inference.flips import flip_pairs, image_variance, require_attainable
from lrsearch.comparison.inference.proportions import Failure, failed_runs, failures
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.sentences import require_claim, verdict_text
from lrsearch.errors import InputError

FEWEST_BLOCKS = 6
FEW_BLOCKS = 10


def compare_scores(
    scores: ArrayLike,
    families: Sequence[str],
    *,
    rope: float,
    rng: np.random.Generator,
    alpha: float = 0.05,
    contrasts: Contrasts = "all",
    claim: str = "these configurations",
    metric: str = "accuracy",
    block_seconds: float | None = None,
    chance: float | None = None,
    correct: ArrayLike | None = None,
    images: int | None = None,
    parameters: Mapping[str, int] | None = None,
    small_budget: Mapping[str, float] | None = None,
) -> Comparison:
    """Return the comparison of scores[blocks, families], in points, higher being better.

    A block is one unit: the same seeds, order and split for all families, shared with no other block. `rope` (points)
    is the difference that would not matter, fixed before the scores were seen. `claim` begins with "these
    configurations" (blocks are seeds) or "these families" (blocks are whole searches). `contrasts` is "all",
    `Against(reference)` or `Groups({name: families})`. With `chance` (points), a family with a run below twice chance
    has failed and is not tested. `correct` [blocks, families, images] makes the intervals hold beyond these test
    images; `images` is their number where only that is known. `block_seconds` turns blocks still to run into minutes.
    `parameters` and `small_budget` are tie-breakers by family.

    Raises:
        InputError: scores that are not finite, fewer than 6 blocks or 2 families, names that do not fit, an alpha that
            so few blocks cannot reach, or per-example results that contradict the scores.
    """
    table = _checked_scores(scores, families, rope=rope, alpha=alpha)
    require_claim(claim)
    failed = failed_runs(table, chance)
    lost = failures(failed, families, alpha)
    columns = columns_of(contrasts, families, np.asarray(failed.any(axis=0)))
    alive = np.flatnonzero(columns.alive)
    # A failed member has left its group; a column without any member left is shown with its failures counted.
    shown = table @ np.where(columns.alive[:, None], columns.weights, columns.of_all).T
    right = None if correct is None else _checked_correct(correct, table)
    added = None if right is None else image_variance(np.einsum("ck,bkn->bcn", columns.weights[alive], right))
    flips = flip_pairs(shown[:, alive], rng, added)
    tested = tested_pairs(contrasts, columns, flips)
    pairs = analyse_pairs(shown, alive, flips, tested, alpha=alpha, rope=rope)
    single = analyse_columns(shown, columns.names, alive, flips, pairs, alpha=alpha, rope=rope)
    comparison = Comparison(
        **vars(pairs),
        **vars(single),
        families=columns.names,
        scores=shown,
        blocks=len(table),
        claim=claim,
        metric=metric,
        contrasts=describe(contrasts),
        alpha=alpha,
        rope=rope,
        preferred=prefer(
            single.recommended, dict(zip(columns.names, single.sd, strict=True)), parameters, small_budget
        ),
        failures=lost,
        omnibus_max_t=float(np.nanmin(pairs.p[np.triu_indices(len(columns.names), k=1)]))
        if tested.size
        else float("nan"),
        omnibus_iman_davenport=iman_davenport(shown[:, alive]),
        block_seconds=block_seconds,
        images=images if right is None else right.shape[2],
        crossed=right is not None,
        warnings=_warnings(len(table), lost, grouped=columns.names != tuple(families)),
    )
    return replace(comparison, verdict_text=verdict_text(comparison))


def _checked_scores(scores: ArrayLike, families: Sequence[str], *, rope: float, alpha: float) -> FloatArray:
    """Return scores[blocks, families] as floats; raise InputError where they or what goes with them will not do."""
    table = numbers(scores, "scores", axes="blocks, families")
    blocks, columns = table.shape
    if columns != len(families) or columns < 2 or len(set(families)) < columns:
        raise InputError(
            f"families must name each of two or more columns once, but there are {columns} columns of scores "
            f"and the names {list(families)}"
        )
    if blocks < FEWEST_BLOCKS:
        raise InputError(f"scores must have at least {FEWEST_BLOCKS} blocks, but have {blocks}: run more")
    if not (np.isfinite(rope) and rope > 0):
        raise InputError(f"rope must be a positive number of points, but is {rope:g}")
    require_attainable(alpha, blocks)
    return table


def _checked_correct(correct: ArrayLike, scores: FloatArray) -> FloatArray:
    """Return correct[blocks, families, images] as floats; raise InputError where it contradicts the scores."""
    right = np.asarray(correct, dtype=np.float64)
    if right.ndim != 3 or right.shape[:2] != scores.shape or right.shape[2] < 2:
        raise InputError(
            f"correct must have the axes [blocks, families, images] with two images or more and scores of shape "
            f"{scores.shape}, but its shape is {right.shape}"
        )
    furthest = np.abs(100 * right.mean(axis=2) - scores).max()
    if furthest > 0.00501:
        raise InputError(
            f"scores must be the accuracies of correct, in points to two decimals, but they differ by {furthest:.3g}"
        )
    return right


def _warnings(blocks: int, lost: tuple[Failure, ...], *, grouped: bool) -> tuple[str, ...]:
    """Return what a reader should know before believing the numbers."""
    found = []
    if blocks < FEW_BLOCKS:
        found.append(f"only {blocks} blocks: below {FEW_BLOCKS} the tests see large differences alone")
    if grouped and lost:
        names = ", ".join(failure.family for failure in lost)
        found.append(f"left out of their groups for failed runs: {names}")
    return tuple(found)
