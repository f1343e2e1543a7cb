"""From a comparison to words: the verdict of a pair, and two to five plain sentences for all of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lrsearch.comparison.power import MOST_BLOCKS
from lrsearch.comparison.result import Comparison
from lrsearch.errors import InputError

BETTER_BY_MORE, WORSE_BY_MORE = "better by more than the ROPE", "worse by more than the ROPE"
BETTER_BY_LESS, WORSE_BY_LESS = "better, but by less than matters", "worse, but by less than matters"
BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
SAME, NOT_TESTED, FAILED = "same", "not tested", "failed"

CONFIGURATIONS, FAMILIES = "these configurations", "these families"
LISTED = 4

FEWER_PARAMETERS, SMALLER_SD = "fewer parameters", "a smaller SD over blocks"
TIE_BREAKERS = f"by the tie-breakers ({FEWER_PARAMETERS}, then a higher score at a small budget, then {SMALLER_SD})"


def make_claim(searches: int, *, trials: int | None = None, sampler: str | None = None) -> str:
    """Return what a comparison may claim: about families only where every block is a search of its own.

    `searches` is the number of independent searches behind the blocks; one search speaks of its configurations alone.
    """
    if searches < 2:
        return CONFIGURATIONS
    words = FAMILIES if trials is None else f"{FAMILIES}, tuned with {trials} trials"
    return words if sampler is None else f"{words} by {sampler}"


def require_claim(claim: str) -> None:
    """Raise InputError unless `claim` is about these configurations or these families, and about one of them alone."""
    if not claim.startswith((CONFIGURATIONS, FAMILIES)):
        raise InputError(f'claim must begin with "{CONFIGURATIONS}" or "{FAMILIES}", but is "{claim}"')
    if claim.startswith(CONFIGURATIONS) and "famil" in claim:
        raise InputError(f'a claim about configurations says nothing about families, but is "{claim}"')


def pair_verdict(low: float, high: float, rope: float) -> str:
    """Return the verdict of a difference whose simultaneous interval is low .. high, with the ROPE +-rope."""
    if np.isnan(low):
        return NOT_TESTED
    if low > rope:
        return BETTER_BY_MORE
    if high < -rope:
        return WORSE_BY_MORE
    if low >= -rope and high <= rope:
        return BETTER_BY_LESS if low > 0 else WORSE_BY_LESS if high < 0 else EQUIVALENT
    return BETTER if low > 0 else WORSE if high < 0 else UNDECIDED


def verdict_sentences(comparison: Comparison, tie_breaker: str = TIE_BREAKERS) -> tuple[str, ...]:
    """Return two to five sentences: failures, who is recommended, who is not, who is separated, what is left.

    `tie_breaker` says what made the preferred one the preferred: where it is not known which did, all in their order.
    """
    images = "" if comparison.crossed else f" on these {_images(comparison)}"
    sentences = (
        _failures(comparison),
        _recommendation(comparison, tie_breaker, images),
        _not_recommended(comparison),
        _separated(comparison, images),
        _unseparated(comparison, images),
    )
    return tuple(sentence for sentence in sentences if sentence)


def verdict_text(comparison: Comparison, tie_breaker: str = TIE_BREAKERS) -> str:
    """Return the sentences of the verdict as one paragraph."""
    return " ".join(verdict_sentences(comparison, tie_breaker))


def name_tie_breaker(comparison: Comparison, parameters: Mapping[str, int]) -> Comparison:
    """Return the comparison with a text that names the tie-breaker that decided.

    `parameters` are those that it was made with, by name; it was made without scores at a small budget.
    """
    counts = [parameters.get(name, np.inf) for name in comparison.recommended]
    fewest = counts.count(min(counts, default=np.inf))
    if fewest == 1:
        decided = FEWER_PARAMETERS
    else:
        decided = SMALLER_SD if fewest == len(counts) else f"{FEWER_PARAMETERS}, then {SMALLER_SD}"
    return replace(comparison, verdict_text=verdict_text(comparison, f"for {decided}"))


def _images(comparison: Comparison) -> str:
    return "test images" if comparison.images is None else f"{comparison.images:,} images"


def _failures(comparison: Comparison) -> str:
    if not comparison.failures:
        return ""
    counted = [
        f"{failure.runs.count} of {failure.runs.total} runs of {failure.family} failed "
        f"(exact interval {100 * failure.runs.low:.0f} to {100 * failure.runs.high:.0f} %)"
        for failure in comparison.failures
    ]
    return f"First, {_joined(counted)}: what has a failed run is neither tested nor recommended."


def _recommendation(comparison: Comparison, tie_breaker: str, images: str) -> str:
    opening = (
        f"Over {comparison.blocks} blocks of {comparison.claim}, measured by {comparison.metric} on this workload, "
    )
    chosen = comparison.recommended
    if not chosen:
        return f"{opening}none can be recommended."
    if len(chosen) > 1:
        choice = f"{_joined(chosen)} are recommended, as not shown worse than the best{images}"
        return f"{opening}{choice}, and of them {comparison.preferred} is preferred {tie_breaker}."
    if np.isfinite(comparison.p_worse).sum() == 1:
        return f"{opening}{chosen[0]} is recommended as the only one without a failed run."
    return f"{opening}{chosen[0]} alone is recommended{images}."


def _not_recommended(comparison: Comparison) -> str:
    worse = [i for i in np.argsort(-comparison.mean) if comparison.p_worse[i] <= comparison.alpha]
    if not worse:
        return ""
    names, p = [comparison.families[i] for i in worse], comparison.p_worse[worse]
    each = f"p = {p[0]:.2g}" if len(p) == 1 else f"each p at most {p.max():.2g}"
    return (
        f"Not recommended, as shown worse than the best by the one-sided test against the best ({each}): "
        f"{', '.join(names)}."
    )


def _separated(comparison: Comparison, images: str) -> str:
    if not np.isfinite(comparison.low[~np.eye(len(comparison.families), dtype=bool)]).any():
        return "No difference between them could be tested."
    pairs = _pairs(comparison, BETTER_BY_MORE, BETTER, BETTER_BY_LESS)
    if not pairs:
        return f"No two of them are separated{images}."
    return f"{_listed(comparison, pairs, _separation)}{images}."


def _separation(comparison: Comparison, i: int, j: int) -> str:
    matters = {
        BETTER_BY_MORE: f", more than the {comparison.rope:g} that matter",
        BETTER_BY_LESS: ", less than matters",
    }
    return (
        f"{comparison.families[i]} is better than {comparison.families[j]} by {comparison.difference[i, j]:.2f} points "
        f"({comparison.low[i, j]:.2f} to {comparison.high[i, j]:.2f}{matters.get(str(comparison.verdict[i, j]), '')})"
    )


def _unseparated(comparison: Comparison, images: str) -> str:
    """Return one sentence of the pairs that are equivalent and of those that are undecided."""
    found = "; ".join(filter(None, [_equivalent(comparison, images), _undecided(comparison)]))
    return f"{found[0].upper()}{found[1:]}." if found else ""


def _equivalent(comparison: Comparison, images: str) -> str:
    pairs = _pairs(comparison, EQUIVALENT)
    if not pairs:
        return ""
    return f"equivalent within {comparison.rope:g} points are {_listed(comparison, pairs, _couple)}{images}"


def _undecided(comparison: Comparison) -> str:
    pairs = _pairs(comparison, UNDECIDED)
    if not pairs:
        return ""
    needed = np.array([comparison.blocks_to_settle[pair] for pair in pairs])
    within_reach = needed[np.isfinite(needed)]
    remedies = []
    if within_reach.size:
        blocks = within_reach.max()
        minutes = (
            "" if comparison.block_seconds is None else f" (about {blocks * comparison.block_seconds / 60:.0f} minutes)"
        )
        subject = "them" if within_reach.size == needed.size else f"{within_reach.size} of them"
        remedies.append(f"a new confirmation of {blocks:.0f} blocks{minutes} would settle {subject}")
    if within_reach.size < needed.size:
        or_images = " or more test images" if comparison.crossed else ""
        remedies.append(f"{needed.size - within_reach.size} would need more than {MOST_BLOCKS:,} blocks{or_images}")
    # Why a pair can be undecided though one of it is not recommended: two sides and all pairs need wider intervals.
    return (
        "undecided, by the wider two-sided intervals that hold for all pairs at once, are "
        f"{_listed(comparison, pairs, _couple)}; {_joined(remedies)}"
    )


def _couple(comparison: Comparison, i: int, j: int) -> str:
    return f"{comparison.families[i]} against {comparison.families[j]}"


def _pairs(comparison: Comparison, *verdicts: str) -> list[tuple[int, int]]:
    """Return the pairs (i, j) with one of `verdicts`, mean_i being the larger, the largest difference first."""
    rows, columns = np.nonzero(np.isin(comparison.verdict, verdicts))
    found = [
        (int(i), int(j)) for i, j in zip(rows, columns, strict=True) if (comparison.difference[i, j], j) > (0.0, i)
    ]
    return sorted(found, key=lambda pair: -comparison.difference[pair])


def _listed(comparison: Comparison, pairs: list[tuple[int, int]], say: Callable[[Comparison, int, int], str]) -> str:
    """Return the first few pairs in words and the number of the others."""
    texts = [say(comparison, i, j) for i, j in pairs[:LISTED]]
    more = len(pairs) - LISTED
    return _joined([*texts, f"{more} more {'pair' if more == 1 else 'pairs'}"] if more > 0 else texts)


def _joined(items: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
