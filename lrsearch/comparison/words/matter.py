"""Whether a difference matters: against what the user would take otherwise, and among the recommended."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lrsearch.comparison.contrasts import Against
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.words.amounts import count_in_words, rounded, size
from lrsearch.comparison.words.sentences import (
    BETTER,
    BETTER_BY_LESS,
    BETTER_BY_MORE,
    EQUIVALENT,
    UNDECIDED,
    WORSE,
    WORSE_BY_LESS,
    WORSE_BY_MORE,
)
from lrsearch.metric import UNITS, Metric
from lrsearch.text import time_in_words


def whether_it_matters(comparison: Comparison, baselines: Sequence[str], block_seconds: float | None) -> str:
    """Return what the third line says.

    Args:
        comparison: that is judged, or not.
        baselines: the user's own schedules.
        block_seconds: what another block would take; None to take the comparison's.
    """
    if comparison.preferred is None:
        return "not known"
    parts = []
    if (reference := _reference(comparison, baselines)) is not None:
        parts.append(_against(comparison, reference))
    if len(comparison.recommended) > 1:
        parts.append(_among(comparison, block_seconds))
    if comparison.settings.rope is None:
        parts.append("say which difference would not matter to you (rope, in [plan] or --rope), and this says more")
    return "; ".join(filter(None, parts)) or "nothing could be compared"


def _against(comparison: Comparison, reference: str) -> str:
    """Return whether the preferred candidate is better than `reference` by a difference that matters."""
    pairs, settings = comparison.pairs, comparison.settings
    i, j = (comparison.families.index(str(name)) for name in (comparison.preferred, reference))
    difference, low, high = (float(of[i, j]) for of in (pairs.difference, pairs.low, pairs.high))
    if math.isnan(low):
        return ""
    if math.isinf(low):  # one-sided, and asked the other way round
        return f"how much better than `{reference}` it is was not asked: one-sided"
    figures, unsure = _figures(settings.metric, difference, low, high), "not known"
    if j in comparison.shown_worse and len(comparison.recommended) == 1:  # of several, a third one may be the better
        unsure = "better, by how much is not known"
    if settings.rope is None:
        said = "better" if low > 0 else "worse" if high < 0 else "no difference was found"
        if said == "no difference was found" and j in comparison.shown_worse:
            said = unsure
        return f"against `{reference}` {figures[1:-1] if said in figures else f'{said} {figures}'}"
    margin = size(comparison, settings.rope)
    verdicts = {
        BETTER_BY_MORE: f"yes {figures}",
        BETTER: f"it is better {figures}, perhaps by less than the {margin} that matter",
        BETTER_BY_LESS: f"no {figures}: better, but by less than {margin}",
        EQUIVALENT: f"no {figures}: less than {margin} either way",
        UNDECIDED: f"{unsure} {figures}",
        WORSE_BY_LESS: f"no {figures}: worse, but by less than {margin}",
        WORSE: f"it is worse {figures}",
        WORSE_BY_MORE: f"it is worse {figures}",
    }
    return f"against `{reference}` {verdicts[str(pairs.verdict[i, j])]}"


def _figures(metric: Metric, difference: float, low: float, high: float) -> str:
    """Return how much better one candidate is, with its limits; `high` is infinite in a one-sided test.

    Where less is better, a sign would leave open which way it points: words say which limit is better and which worse.
    """
    scale = (high - low) / 2
    unit = "" if metric.unit == UNITS else f" {metric.unit}"
    if metric.maximize:
        limit = "or more" if math.isinf(high) else f"to {rounded(high, scale)}"
        return f"({'+' if difference > 0 else ''}{rounded(difference, scale)}{unit}, {rounded(low, scale)} {limit})"
    side = "worse by" if difference < 0 else "better by"
    ends = sorted((abs(low), abs(high)))
    limits = f"{rounded(ends[0], scale)} to {rounded(ends[1], scale)}"
    if math.isinf(high):
        limits = f"at most {rounded(-low, scale)} worse" if low < 0 else f"{rounded(low, scale)} or more"
    elif low < 0 < high:
        limits = f"{rounded(-low, scale)} worse to {rounded(high, scale)} better"
    return f"({side} {rounded(abs(difference), scale)}{unit}, {limits})"


def _among(comparison: Comparison, block_seconds: float | None) -> str:
    """Return whether it matters which of the recommended candidates one takes, or what would tell."""
    places = [comparison.families.index(name) for name in comparison.recommended]
    among = np.ix_(places, places)
    verdicts, needed = comparison.pairs.verdict[among], comparison.pairs.blocks_to_settle[among]
    opening = f"among the {count_in_words(len(places))}"
    if comparison.settings.rope is None:
        return ""
    if set(comparison.recommended) <= set(comparison.recommendation.equivalent_to_best):
        return f"{opening} no (each is within {size(comparison, comparison.settings.rope)} of the best)"
    if not (verdicts == UNDECIDED).any():
        return ""
    units = "blocks" if comparison.unpaired_runs is None else "runs each"
    blocks = float(needed[verdicts == UNDECIDED].max())
    if not math.isfinite(blocks):
        more = "more test examples" if comparison.includes_test_sampling else f"more than 1,000 {units}"
        return f"{opening} not known, and telling would take {more}"
    seconds = comparison.block_seconds if block_seconds is None else block_seconds
    share = len(places) / len(comparison.families)
    time = f"{blocks:,.0f} {units}" if not seconds else f"{time_in_words(blocks * seconds * share)} on one process"
    return f"{opening} not known, and settling it takes about {time}"


def _reference(comparison: Comparison, baselines: Sequence[str]) -> str | None:
    """Return what the preferred candidate is set against: the plan's reference, the user's own, constant, the worst.

    Where it is the user's own, the best of the others. One that is recommended too is worth it in these cases alone.
    """
    planned, preferred = comparison.settings.contrasts, comparison.preferred
    others = [name for name in tested_best_first(comparison) if name != preferred]
    if preferred in baselines:
        return next(iter(others), None)
    asked = [planned.reference] if isinstance(planned, Against) else baselines
    worse = [name for name in ("constant", *reversed(others)) if name not in comparison.recommended]
    return next((name for name in (*asked, *worse) if name in others), None)


def tested_best_first(comparison: Comparison) -> list[str]:
    """Return the names of those in the test by their means, the best first."""
    p_worse = comparison.recommendation.p_worse
    return [comparison.families[place] for place in comparison.best_first if np.isfinite(p_worse[place])]
