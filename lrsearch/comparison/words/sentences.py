"""From a comparison to words: the verdict of a pair, and two to five plain sentences for all of it."""

from collections.abc import Callable, Sequence

import numpy as np

from lrsearch.comparison.inference.power import MOST_BLOCKS
from lrsearch.comparison.result import Comparison
from lrsearch.tables import number
from lrsearch.text import counted

BETTER_BY_MORE, WORSE_BY_MORE = "better by more than the ROPE", "worse by more than the ROPE"
BETTER_BY_LESS, WORSE_BY_LESS = "better, but by less than matters", "worse, but by less than matters"
BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
SAME, NOT_TESTED, FAILED = "same", "not tested", "failed"

LISTED = 4


def pair_verdict(low: float, high: float, rope: float | None) -> str:
    """Return the verdict of a difference whose simultaneous interval is low .. high, with the ROPE +-rope, if any."""
    if np.isnan(low):
        return NOT_TESTED
    if rope is not None:
        if low > rope:
            return BETTER_BY_MORE
        if high < -rope:
            return WORSE_BY_MORE
        if low >= -rope and high <= rope:
            return BETTER_BY_LESS if low > 0 else WORSE_BY_LESS if high < 0 else EQUIVALENT
    return BETTER if low > 0 else WORSE if high < 0 else UNDECIDED


def verdict_sentences(comparison: Comparison) -> tuple[str, ...]:
    """Return two to six sentences: failures, recommended, not recommended, separated, undecided, what is not stated."""
    scope = _scope(comparison)
    sentences = (
        _failures(comparison),
        _recommendation(comparison, scope),
        _not_recommended(comparison),
        _separated(comparison, scope),
        _unseparated(comparison, scope),
        _unstated_rope(comparison),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _scope(comparison: Comparison) -> str:
    """Return on which examples a difference is claimed: nothing where it holds for others too."""
    if not comparison.settings.held_out:
        return " on the set that also chose them"
    return "" if comparison.includes_test_sampling else f" on these {_test_examples(comparison)}"


def _test_examples(comparison: Comparison) -> str:
    return f"{comparison.test_examples:,} test examples" if comparison.test_examples else "test examples"


def _failures(comparison: Comparison) -> str:
    if not comparison.failures:
        return ""
    failed = [
        f"{f.runs.count} of {counted(f.runs.total, 'run')} of {f.family} failed ({f.limits})"
        for f in comparison.failures
    ]
    return (
        f"First, {joined(failed)}: {comparison.failure_rule.sentence}, and what has a failed run is neither tested "
        "nor recommended."
    )


def _recommendation(comparison: Comparison, scope: str) -> str:
    settings = comparison.settings
    opening = f"Over {comparison.extent} of {settings.claim}, measured by {settings.metric.name} on this workload, "
    chosen = comparison.recommended
    if not chosen:
        return f"{opening}none can be recommended."
    if len(chosen) > 1:
        choice = f"{joined(chosen)} are recommended, as not shown worse than the best{scope}"
        preferred = f"{comparison.preferred} is preferred for {comparison.recommendation.tie_breaker}"
        return f"{opening}{choice}, and of them {preferred}."
    if np.isfinite(comparison.recommendation.p_worse).sum() == 1:
        return f"{opening}{chosen[0]} is recommended as the only one without a failed run."
    return f"{opening}{chosen[0]} alone is recommended{scope}."


def _not_recommended(comparison: Comparison) -> str:
    worse = comparison.shown_worse
    if not worse:
        return ""
    names, p = [comparison.families[i] for i in worse], comparison.recommendation.p_worse[worse]
    each = f"p = {p[0]:.2g}" if len(p) == 1 else f"each p at most {p.max():.2g}"
    return (
        f"Not recommended, as shown worse than the best by the one-sided test against the best ({each}): "
        f"{', '.join(names)}."
    )


def _separated(comparison: Comparison, scope: str) -> str:
    if not np.isfinite(comparison.low[~np.eye(len(comparison.families), dtype=bool)]).any():
        return "No difference between them could be tested."
    pairs = _pairs(comparison, BETTER_BY_MORE, BETTER, BETTER_BY_LESS)
    if not pairs:
        return f"No two of them are separated{scope}."
    return f"{_listed(comparison, pairs, _separation)}{scope}."


def _separation(comparison: Comparison, i: int, j: int) -> str:
    metric, pairs = comparison.settings.metric, comparison.pairs
    matters = {
        BETTER_BY_MORE: f", more than the {number(comparison.settings.rope)} that matter",
        BETTER_BY_LESS: ", less than matters",
    }
    difference, low, high = (metric.number(float(of[i, j])) for of in (pairs.difference, pairs.low, pairs.high))
    limits = f"at least {low}" if comparison.settings.one_sided else f"{low} to {high}"
    return (
        f"{comparison.families[i]} is better than {comparison.families[j]} by {difference} {metric.unit} "
        f"({limits}{matters.get(str(pairs.verdict[i, j]), '')})"
    )


def _unseparated(comparison: Comparison, scope: str) -> str:
    """Return one sentence of the pairs that are equivalent and of those that are undecided."""
    text = "; ".join(filter(None, [_equivalent(comparison, scope), _undecided(comparison)]))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _equivalent(comparison: Comparison, scope: str) -> str:
    pairs = _pairs(comparison, EQUIVALENT)
    if not pairs:
        return ""
    margin = f"{number(comparison.settings.rope)} {comparison.settings.metric.unit}"
    return f"equivalent within {margin} are {_listed(comparison, pairs, _couple)}{scope}"


def _undecided(comparison: Comparison) -> str:
    pairs = _pairs(comparison, UNDECIDED)
    if not pairs:
        return ""
    paired = comparison.unpaired_runs is None
    units = "blocks" if paired else "runs each"
    needed = np.array([comparison.pairs.blocks_to_settle[pair] for pair in pairs])
    within_reach = needed[np.isfinite(needed)]
    remedies = []
    if within_reach.size:
        blocks = within_reach.max()
        seconds = comparison.block_seconds
        time = "" if seconds is None else f" (about {blocks * seconds / 60:.0f} minutes on one process)"
        subject = "them" if within_reach.size == needed.size else f"{within_reach.size} of them"
        what = f"confirmation of {blocks:.0f} blocks" if paired else f"comparison of {blocks:.0f} runs each"
        remedies.append(f"a new {what}{time} would settle {subject}")
    if comparison.settings.rope is None:
        remedies.append(f"how many {units} would settle them depends on the difference that would not matter")
    elif within_reach.size < needed.size:
        or_examples = " or more test examples" if comparison.includes_test_sampling else ""
        remedies.append(f"{needed.size - within_reach.size} would need more than {MOST_BLOCKS:,} {units}{or_examples}")
    # Why a pair can be undecided though one of it is not recommended: two sides and all pairs need wider intervals.
    wider = ", by the wider two-sided intervals that hold for all pairs at once," * (not comparison.settings.one_sided)
    return f"undecided{wider} are {_listed(comparison, pairs, _couple)}; {joined(remedies)}"


def _unstated_rope(comparison: Comparison) -> str:
    if comparison.settings.rope is not None:
        return ""
    unit = comparison.settings.metric.unit
    return (
        f"Whether a difference matters is not said: state the one that would not, in {unit}, as rope in [plan] of the "
        "study file (--rope with --scores)."
    )


def _couple(comparison: Comparison, i: int, j: int) -> str:
    return f"{comparison.families[i]} against {comparison.families[j]}"


def _pairs(comparison: Comparison, *verdicts: str) -> list[tuple[int, int]]:
    """Return the pairs (i, j) with one of `verdicts`, mean_i being the larger, the largest difference first."""
    rows, columns = np.nonzero(np.isin(comparison.pairs.verdict, verdicts))
    pairs = [
        (int(i), int(j))
        for i, j in zip(rows, columns, strict=True)
        if (comparison.pairs.difference[i, j], j) > (0.0, i)
    ]
    return sorted(pairs, key=lambda pair: -comparison.pairs.difference[pair])


def _listed(comparison: Comparison, pairs: list[tuple[int, int]], say: Callable[[Comparison, int, int], str]) -> str:
    """Return the first few pairs in words and the number of the others."""
    more = "more pair" if len(pairs) == LISTED + 1 else "more pairs"
    return _some([say(comparison, i, j) for i, j in pairs], more)


def _some(items: Sequence[str], more: str) -> str:
    """Return the first few items, and the number of the others, in words."""
    others = len(items) - LISTED
    return joined([*items[:LISTED], f"{others} {more}"] if others > 0 else items)


def joined(items: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
