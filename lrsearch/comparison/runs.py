"""From runs that stand in no blocks, in any number for each family, to a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lrsearch.comparison import cautions
from lrsearch.comparison.analysis import probabilities, recommend, verdicts
from lrsearch.comparison.arrays import BoolArray, FloatArray, IntArray, one_axis
from lrsearch.comparison.best import WithBest
from lrsearch.comparison.contrasts import Against, Contrasts, Groups, require_reference
from lrsearch.comparison.inference.crosscheck import holm
from lrsearch.comparison.inference.welch import FEWEST_RUNS, RunGroups, WelchMaxT, runs_to_settle, welch_max_t
from lrsearch.comparison.parts import Pairs
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.settings import CONFIGURATIONS, Settings
from lrsearch.comparison.unjudged import one_run_each, show_untested
from lrsearch.comparison.words.answer import doubting_points, with_lines
from lrsearch.comparison.words.sentences import UNDECIDED, verdict_sentences
from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.metric import Direction, Metric


@checked
def compare_runs(
    runs: Mapping[str, Any],
    *,
    rope: float | None,
    rng: np.random.Generator,
    alpha: float = 0.05,
    contrasts: Contrasts = "all",
    one_sided: bool = False,
    sigma: float | None = None,
    claim: str = CONFIGURATIONS,
    metric: str | None = None,
    unit: str | None = None,
    direction: Direction = "maximize",
    chance: float | None = None,
    failed_at: float | None = None,
    parameters: Mapping[str, int] | None = None,
) -> Comparison:
    """Return the comparison of independent runs: {name: scores}, of which each family may have another number.

    The runs share nothing; where those of a block share their seeds, `compare_scores` sees more. The tests are those of
    `inference.welch`; they assume roughly symmetric noise. A family is tested if it has 3 runs, or one where sigma is
    known, all of them finite and not all the same.

    Args:
        runs: the scores [runs] of each family, in `unit`; a run that diverged is NaN or infinite.
        rope: the difference that would not matter, in `unit`, fixed before the scores were seen, or None.
        rng: draws the null distribution.
        alpha: the family-wise error rate.
        contrasts: "all", or `Against(reference)` of lrsearch.comparison.
        one_sided: with `Against`: whether a family counts only where it is better than the reference.
        sigma: the SD of a run, where it is known beforehand, the same for all families.
        claim: begins with "these configurations" (runs are seeds) or "these families" (runs are whole searches).
        metric: what a score measures; if None, "accuracy" where more is better, and else "score".
        unit: of a score; if None, percentage "points" of an accuracy, as `metric` calls it, and else "units".
        direction: "maximize" where more of the metric is better, "minimize" where less is.
        chance: the score of a model that has learned nothing; see `compare_scores`.
        failed_at: a run that scores worse than this has failed, for every `chance`.
        parameters: the number of parameters by family, which breaks ties.

    Raises:
        InputError: fewer than two families, one without runs, scores that are no numbers, or a setting outside its
            rule.
    """
    settings = Settings(
        rope=rope,
        alpha=alpha,
        contrasts=contrasts,
        claim=claim,
        metric=Metric.of_scores(metric, direction, unit),
        worst_value=chance,
        failed_at=failed_at,
        sigma=sigma,
        one_sided=one_sided,
    )
    names = tuple(map(str, runs))
    given = [one_axis(scores, f"the scores of {name}") for name, scores in runs.items()]
    _require_groups(names, given, settings)
    counts = tuple(map(len, given))
    scores = np.full((max(counts), len(names)), np.nan)
    diverged = np.zeros(scores.shape, dtype=bool)
    for place, column in enumerate(given):
        scores[: len(column), place] = np.where(np.isfinite(column), column, np.nan)
        diverged[: len(column), place] = ~np.isfinite(column)
    comparison = show_untested(scores, diverged, names, settings, unpaired_runs=counts)
    rule = comparison.failure_rule
    failed = rule.failed(scores, diverged)
    untested = _untested(names, given, failed, settings)
    warnings = (
        *(cautions.untested(untested) if max(counts) > 1 else ()),
        *cautions.far_runs(scores, failed, names, rule),
        *cautions.unlikely_points(scores[np.isfinite(scores)], settings.metric),
    )
    comparison = replace(comparison, warnings=warnings, untested=untested)
    intact = np.flatnonzero(~failed.any(axis=0))
    alive = np.array([place for place in intact if names[place] not in untested], dtype=np.int64)
    if len(alive) > 1:
        better = [settings.metric.sign * given[place] for place in alive]
        comparison = _judged(comparison, better, alive, intact, parameters or {}, rng)
    elif max(counts) == 1:
        return with_lines(replace(comparison, sentences=(one_run_each(comparison),)))
    return doubting_points(with_lines(replace(comparison, sentences=verdict_sentences(comparison))), unit)


def _judged(
    comparison: Comparison,
    better: Sequence[FloatArray],
    alive: IntArray,
    intact: IntArray,
    parameters: Mapping[str, int],
    rng: np.random.Generator,
) -> Comparison:
    """Return the comparison with the tests of its `alive` families, whose scores are `better` the larger they are.

    The `intact` ones have no failed run; those of them that cannot be tested are not alive.
    """
    settings, names = comparison.settings, comparison.families
    groups = RunGroups.of(better, settings.sigma)
    planned = _planned(settings, names, alive)
    tests = welch_max_t(groups, rng, alpha=settings.alpha, planned=planned, one_sided=settings.one_sided)
    pairs = _pairs(groups, tests, comparison, alive, intact, better)
    recommended = tests.p_worse > settings.alpha
    best = WithBest(
        p_worse=tests.p_worse,
        recommended=recommended,
        gap_high=np.maximum(tests.lead[recommended].max(axis=0, initial=0.0), 0.0),
    )
    counts = tuple(groups.counts.tolist())
    recommendation = recommend(names, alive, best, pairs, comparison.means, parameters, settings)
    return replace(
        comparison,
        pairs=pairs,
        recommendation=replace(recommendation, tie_breaker=recommendation.tie_breaker.replace("blocks", "runs")),
        warnings=(
            *comparison.warnings,
            *cautions.few_runs(tests.half_width, counts, settings),
            *cautions.few_runs_for_alpha(counts, settings),
            *cautions.contradicted_sigma(groups),
        ),
    )


def _require_groups(names: Sequence[str], runs: Sequence[FloatArray], settings: Settings) -> None:
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"runs must be those of two or more families, each named once, got {list(names)}")
    if not all(name.strip() for name in names):
        raise InputError(f"the families of runs must not be empty names, got {list(names)}")
    empty = [name for name, scores in zip(names, runs, strict=True) if not scores.size]
    if empty:
        raise InputError(f"every family must have a run, got none of {', '.join(empty)}")
    if isinstance(settings.contrasts, Groups):
        raise InputError("groups of families are means within blocks: give compare_scores a table with blocks")
    require_reference(settings.contrasts, names)


def _untested(
    names: Sequence[str], runs: Sequence[FloatArray], failed: BoolArray, settings: Settings
) -> dict[str, str]:
    """Return why a family without a failed run cannot be tested, by its name."""
    reasons = {}
    for place, (name, scores) in enumerate(zip(names, runs, strict=True)):
        if failed[:, place].any() or settings.sigma is not None:
            continue
        if len(scores) < FEWEST_RUNS:
            reasons[name] = "1 or 2 runs"
        elif np.ptp(scores) == 0:
            reasons[name] = f"no scatter: the same run stored {len(scores)} times?"
    return reasons


def _planned(settings: Settings, names: Sequence[str], alive: IntArray) -> BoolArray:
    """Return which pairs [alive, alive] are tested; one-sided, the first is asked to be better than the second."""
    if not isinstance(settings.contrasts, Against):
        return np.ones((len(alive), len(alive)), dtype=bool)
    reference = np.array([names[place] == settings.contrasts.reference for place in alive])
    against = ~reference[:, None] & reference
    return np.asarray(against if settings.one_sided else against | against.T)


def _pairs(
    groups: RunGroups,
    tests: WelchMaxT,
    comparison: Comparison,
    alive: IntArray,
    intact: IntArray,
    better: Sequence[FloatArray],
) -> Pairs:
    """Return the tests of the `alive` families laid out over all of them; the `intact` have no failed run."""
    settings, count = comparison.settings, len(comparison.families)

    def laid_out(values: FloatArray, diagonal: float) -> FloatArray:
        matrix = np.full((count, count), np.nan)
        matrix[np.ix_(alive, alive)] = values
        matrix[alive, alive] = diagonal
        return matrix

    low = tests.difference - tests.half_width
    high = np.where(np.isnan(low), np.nan, np.inf) if settings.one_sided else tests.difference + tests.half_width
    asked = ~np.isnan(tests.p)
    low, high = laid_out(np.where(asked, low, -high.T), 0.0), laid_out(np.where(asked, high, -low.T), 0.0)
    p = np.where(asked, tests.p, tests.p.T)
    verdict = verdicts(low, high, settings.rope, intact)
    upper = np.triu(~np.isnan(p), k=1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[upper] = holm(tests.p_welch[upper])
    half_width = np.nan if settings.rope is None else settings.rope / 2
    settled = laid_out(runs_to_settle(groups, tests, half_width), 0.0)
    several = alive[groups.counts >= FEWEST_RUNS]
    columns = dict(zip(alive.tolist(), better, strict=True))
    p_better, p_better_low, p_better_high = probabilities(
        [columns.get(place, np.empty(0)) for place in range(count)], several, settings.alpha
    )
    return Pairs(
        difference=laid_out(np.where(np.isnan(p), np.nan, tests.difference), 0.0),
        low=low,
        high=high,
        p=laid_out(p, 1.0),
        p_step_down=np.full((count, count), np.nan),
        p_holm=laid_out(np.where(upper, adjusted, adjusted.T), 1.0),
        p_better=p_better,
        p_better_low=p_better_low,
        p_better_high=p_better_high,
        verdict=verdict,
        blocks_to_settle=np.where(verdict == UNDECIDED, settled, np.where(np.isnan(low), np.nan, 0.0)),
        omnibus_max_t=float(np.nanmin(tests.p, initial=np.inf)) if asked.any() else float("nan"),
        omnibus_iman_davenport=float("nan"),
    )
