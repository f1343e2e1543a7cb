"""The answer in four lines: which to use, how sure that is, whether it matters, and what to avoid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lrsearch.comparison.best import BETTER_MEAN, FEWER_PARAMETERS
from lrsearch.comparison.cautions import look_like_fractions
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.words.amounts import count_in_words, first_names, score, size
from lrsearch.comparison.words.matter import tested_best_first, whether_it_matters
from lrsearch.comparison.words.sentences import BETTER, BETTER_BY_LESS, BETTER_BY_MORE, joined

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
        f"Does it matter: {whether_it_matters(comparison, background.baselines, background.block_seconds)}.",
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
    scope = _scope(comparison)
    others = [name for name in tested_best_first(comparison) if name in chosen and name != preferred]
    if not others:
        p = [float(tested[place]) for place in comparison.shown_worse]
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


def _avoid(comparison: Comparison, background: Background) -> str:
    worse = [comparison.families[place] for place in comparison.shown_worse]
    parts = [f"{joined([f'`{name}`' for name in worse])}, shown worse"] if worse else []
    for failure in comparison.failures:
        times = {1: "once", 2: "twice"}.get(failure.runs.count, f"{failure.runs.count} times")
        among = failure.without_score if failure.verb == "failed" else ""
        parts.append(f"`{failure.family}`, which {failure.verb} {times} in {failure.runs.total}{among}")
    if background.left_out:
        parts.append(f"{joined([f'`{name}`' for name in background.left_out])}, of which no trial was finished")
    if comparison.preferred is None and not parts:
        return "not known"
    return "; ".join(parts) or "nothing: none is shown worse, and no run failed"


def _nothing_separated(comparison: Comparison) -> bool:
    return not (
        len(comparison.recommended) < 2 or comparison.shown_worse or np.isin(comparison.pairs.verdict, _SEPARATED).any()
    )


def _repeats(comparison: Comparison, background: Background) -> str:
    """Return what the score of the preferred candidate is: mean and SD of 12 fresh seeds or of its runs, or one run."""
    if comparison.unpaired_runs is None:
        return f"mean and SD of {comparison.blocks} {background.repeats}"
    runs = comparison.unpaired_runs[comparison.families.index(str(comparison.preferred))]
    return "one run" if runs == 1 else f"mean and SD of {runs} runs"


def _scope(comparison: Comparison) -> str:
    if not comparison.settings.held_out:
        return ", on the set that also chose them"
    examples = 0 if comparison.includes_test_sampling else comparison.test_examples
    return f", on these {examples:,} test examples" if examples else ""


def _about(configuration: str) -> str:
    return f" ({configuration})" if configuration else ""
