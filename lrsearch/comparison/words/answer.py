"""The answer in four lines: which to use, how sure that is, whether it matters, and what to avoid."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lrsearch.comparison.best import BETTER_MEAN, FEWER_PARAMETERS
from lrsearch.comparison.cautions import look_like_fractions
from lrsearch.comparison.contrasts import Against
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.words.amounts import count_in_words, decimals_of, first_names, score, size
from lrsearch.comparison.words.sentences import (
    BETTER,
    BETTER_BY_LESS,
    BETTER_BY_MORE,
    EQUIVALENT,
    UNDECIDED,
    WORSE,
    WORSE_BY_LESS,
    WORSE_BY_MORE,
    joined,
)
from lrsearch.metric import UNITS, Metric
from lrsearch.text import time_in_words

_SEPARATED = (BETTER_BY_MORE, BETTER, BETTER_BY_LESS)


@dataclass(frozen=True)
class Background:
    """What is known of the candidates besides their scores.

    Attributes:
        repeats: what the blocks are, such as "fresh seeds".
        configuration: of the preferred candidate, in words; "" where it is not known.
        baselines: the user's own schedules; the first of them is what another has to beat.
        left_out: families of which no trial was finished.
        block_seconds: what another block would take; None to take the comparison's.
        advice: what to change where every candidate has failed.
    """

    repeats: str = "blocks"
    configuration: str = ""
    baselines: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    block_seconds: float | None = None
    advice: str = "check what produced these scores, or which of them count as failed (--failed-at)"


def answer_lines(comparison: Comparison, background: Background = Background()) -> tuple[str, str, str, str]:
    """Return the four lines: Use, How sure, Does it matter, Avoid. Names stand between backticks."""
    return (
        _use(comparison, background),
        f"How sure: {_how_sure(comparison)}.",
        f"Does it matter: {_matters(comparison, background)}.",
        f"Avoid: {_avoid(comparison, background)}.",
    )


def with_lines(comparison: Comparison) -> Comparison:
    """Return the comparison with its four lines, as far as scores alone say them."""
    return replace(comparison, lines=answer_lines(comparison))


def doubting_points(comparison: Comparison, unit: str | None) -> Comparison:
    """Return the comparison without a word of what matters where it took fractions for points, as no `unit` was given.

    Against a ROPE in points no difference of fractions would matter.
    """
    scores = comparison.scores[np.isfinite(comparison.scores)]
    if unit is not None or not look_like_fractions(scores, comparison.settings.metric):
        return comparison
    use, sure, _, avoid = comparison.lines
    doubt = "Does it matter: not known, as all scores are from 0 to 1: give points (88.2, not 0.882), or their unit."
    return replace(comparison, lines=(use, sure, doubt, avoid))


def _use(comparison: Comparison, background: Background) -> str:
    chosen, preferred = comparison.recommended, comparison.preferred
    if not comparison.judged:
        return f"No answer yet. {' '.join(comparison.sentences)}"
    if preferred is None:
        return f"Use none of these yet: every one has a failed run. To change: {background.advice}."
    taken = f"`{preferred}`{_about(background.configuration)}"
    figures = f"{score(comparison, preferred)}, {_repeats(comparison, background)}"
    if not _nothing_separated(comparison):
        return f"Use {taken}: {figures}."
    gap = float(np.nanmax(comparison.recommendation.gap_high))
    reasons = {FEWER_PARAMETERS: "the simplest", BETTER_MEAN: "the best by its score"}
    reason = reasons.get(comparison.recommendation.tie_breaker, "the steadiest")
    if preferred in background.baselines:
        reason = "your own"
    take = f"take `{preferred}`, {reason}{_about(background.configuration)}: {figures}"
    count = count_in_words(len(chosen))
    if comparison.settings.rope is not None and gap <= comparison.settings.rope:
        opening = f"Any of the {count} will do: no difference was found"
    else:
        opening = f"No difference was found between the {count}"
    return f"{opening}, and none above {size(comparison, gap)} between two of them is left; {take}."


def _how_sure(comparison: Comparison) -> str:
    chosen, preferred = comparison.recommended, comparison.preferred
    if not comparison.judged:
        return "not at all, as nothing was tested"
    if preferred is None:
        return f"a candidate with a failed run is not compared; {comparison.failure_rule.sentence}"
    tested = comparison.recommendation.p_worse
    if np.isfinite(tested).sum() == 1:
        return "it is the only one without a failed run, so that nothing could be compared with it"
    scope = "" if comparison.includes_test_sampling else _scope(comparison)
    others = [name for name in _best_first(comparison) if name in chosen and name != preferred]
    if not others:
        p = [float(tested[place]) for place in _worse(comparison)]
        intact = " without a failed run" if comparison.failures else ""
        if len(p) == 1:
            return f"the other one{intact} is shown worse (p = {p[0]:.2g}){scope}"
        return f"every other one{intact} is shown worse (p at most {max(p):.2g}){scope}"
    gap = float(comparison.recommendation.gap_high[comparison.families.index(preferred)])
    verb = "is" if len(others) == 1 else "are"
    counted = f"{count_in_words(len(others))} {'other' if len(others) == 1 else 'others'}"
    return (
        f"{counted} ({first_names(others)}) {verb} not shown worse; a gap of up to about {size(comparison, gap)} from "
        f"`{preferred}` to the best cannot be excluded{scope}"
    )


def _matters(comparison: Comparison, background: Background) -> str:
    if comparison.preferred is None:
        return "not known"
    parts = []
    if (reference := _reference(comparison, background)) is not None:
        parts.append(_against(comparison, reference))
    if len(comparison.recommended) > 1:
        parts.append(_among(comparison, background))
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
    figures = _figures(settings.metric, difference, low, high)
    if settings.rope is None:
        said = "better" if low > 0 else "worse" if high < 0 else "no difference was found"
        if said == "no difference was found" and j in _worse(comparison):  # than the best, which may be a third one
            said = "better, by how much is not known" if len(comparison.recommended) == 1 else "not known"
        return f"against `{reference}` {figures[1:-1] if said in figures else f'{said} {figures}'}"
    margin = size(comparison, settings.rope)
    verdicts = {
        BETTER_BY_MORE: f"yes {figures}",
        BETTER: f"it is better {figures}, perhaps by less than the {margin} that matter",
        BETTER_BY_LESS: f"no {figures}: better, but by less than {margin}",
        EQUIVALENT: f"no {figures}: less than {margin} either way",
        UNDECIDED: f"not known {figures}",
        WORSE_BY_LESS: f"no {figures}: worse, but by less than {margin}",
        WORSE: f"it is worse {figures}",
        WORSE_BY_MORE: f"it is worse {figures}",
    }
    return f"against `{reference}` {verdicts[str(pairs.verdict[i, j])]}"


def _figures(metric: Metric, difference: float, low: float, high: float) -> str:
    """Return how much better one candidate is, with its limits; `high` is infinite in a one-sided test.

    Where less is better, a sign would leave open which way it points: words say which limit is better and which worse.
    """
    decimals = decimals_of((high - low) / 2)
    unit = "" if metric.unit == UNITS else f" {metric.unit}"
    if metric.maximize:
        limit = "or more" if math.isinf(high) else f"to {high:.{decimals}f}"
        return f"({'+' if difference > 0 else ''}{difference:.{decimals}f}{unit}, {low:.{decimals}f} {limit})"
    side = "worse by" if difference < 0 else "better by"
    ends = sorted((abs(low), abs(high)))
    limits = f"{ends[0]:.{decimals}f} to {ends[1]:.{decimals}f}"
    if math.isinf(high):
        limits = f"at most {-low:.{decimals}f} worse" if low < 0 else f"{low:.{decimals}f} or more"
    elif low < 0 < high:
        limits = f"{-low:.{decimals}f} worse to {high:.{decimals}f} better"
    return f"({side} {abs(difference):.{decimals}f}{unit}, {limits})"


def _among(comparison: Comparison, background: Background) -> str:
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
    seconds = comparison.block_seconds if background.block_seconds is None else background.block_seconds
    share = len(places) / len(comparison.families)
    time = f"{blocks:,.0f} {units}" if not seconds else time_in_words(blocks * seconds * share)
    return f"{opening} not known, and settling it takes about {time}"


def _avoid(comparison: Comparison, background: Background) -> str:
    worse = [comparison.families[place] for place in _worse(comparison)]
    parts = [f"{joined([f'`{name}`' for name in worse])}, shown worse"] if worse else []
    for failure in comparison.failures:
        times = {1: "once", 2: "twice"}.get(failure.runs.count, f"{failure.runs.count} times")
        diverged = f", {failure.diverged} diverged" if 0 < failure.diverged < failure.runs.count else ""
        verb = "diverged" if failure.diverged == failure.runs.count else "failed"
        parts.append(f"`{failure.family}`, which {verb} {times} in {failure.runs.total}{diverged}")
    if background.left_out:
        parts.append(f"{joined([f'`{name}`' for name in background.left_out])}, of which no trial was finished")
    if comparison.preferred is None and not parts:
        return "not known"
    return "; ".join(parts) or "nothing: none is shown worse, and no run failed"


def _reference(comparison: Comparison, background: Background) -> str | None:
    """Return what the preferred candidate is set against: the plan's reference, the user's own, constant, the worst.

    Where it is the user's own, the best of the others. One that is recommended too is worth it in these cases alone.
    """
    planned, preferred = comparison.settings.contrasts, comparison.preferred
    others = [name for name in _best_first(comparison) if name != preferred]
    if preferred in background.baselines:
        return next(iter(others), None)
    asked = [planned.reference] if isinstance(planned, Against) else background.baselines
    worse = [name for name in ("constant", *reversed(others)) if name not in comparison.recommended]
    return next((name for name in (*asked, *worse) if name in others), None)


def _best_first(comparison: Comparison) -> list[str]:
    """Return the names of those in the test by their means, the best first."""
    p_worse = comparison.recommendation.p_worse
    return [comparison.families[place] for place in comparison.best_first if np.isfinite(p_worse[place])]


def _worse(comparison: Comparison) -> list[int]:
    p_worse = comparison.recommendation.p_worse
    return [int(place) for place in comparison.best_first if p_worse[place] <= comparison.settings.alpha]


def _nothing_separated(comparison: Comparison) -> bool:
    return not (
        len(comparison.recommended) < 2 or _worse(comparison) or np.isin(comparison.pairs.verdict, _SEPARATED).any()
    )


def _repeats(comparison: Comparison, background: Background) -> str:
    """Return what the score of the preferred candidate is: mean and SD of 12 fresh seeds or of its runs, or one run."""
    if comparison.unpaired_runs is None:
        return f"mean and SD of {comparison.blocks} {background.repeats}"
    runs = comparison.unpaired_runs[comparison.families.index(str(comparison.preferred))]
    return "one run" if runs == 1 else f"mean and SD of {runs} runs"


def _scope(comparison: Comparison) -> str:
    return f", on these {comparison.test_examples:,} test examples" if comparison.test_examples else ""


def _about(configuration: str) -> str:
    return f" ({configuration})" if configuration else ""
