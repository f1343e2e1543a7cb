"""Which trials of a stored study are exported: what its verdict prefers, or the best of its search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lrsearch.comparison import Comparison
from lrsearch.errors import AllDiverged, InputError, RunError
from lrsearch.storage import StoredStudy
from lrsearch.text import counted
from lrsearch.verdict.study_verdict import judge_study
from lrsearch.verdict.winner import Chosen, candidate_trial, candidates_in_order, one_of

By = Literal["verdict", "search"]
"""What chooses: the verdict where there is one, or the validation score of the search."""


@dataclass(frozen=True)
class Choice:
    """Trials, best first, and by what they were chosen."""

    trials: list[Chosen]
    reason: str


def chosen_trials(study: StoredStudy, family: str | None = None, *, top: int = 1, by: By = "verdict") -> Choice:
    """Return the `top` best trials: once a verdict is there those that it prefers, or else those of the search.

    Args:
        study: where they are.
        family: only of this family, or the candidate of this name; such trials are always those of the search.
        top: how many.
        by: "search" to leave the verdict aside.

    Raises:
        InputError: if fewer are there.
        RunError: if the verdict recommends nothing.
    """
    comparison = None if family is not None or by == "search" else _verdict(study)
    if comparison is None:
        return Choice(best_trials(study, family, top), _reason(study, "the best validation score"))
    require_recommendation(comparison)
    trials = _trials(study, comparison, candidates_in_order(comparison))
    if not 1 <= top <= len(trials):
        raise InputError(
            f"top must be from 1 to {len(trials)}, the candidates of the verdict, got {top}; or --by search"
        )
    return Choice(trials[:top], _reason(study, "preferred by the verdict" if top == 1 else "by the verdict"))


def recommended_trials(study: StoredStudy) -> Choice:
    """Return the trial of each candidate that is not shown worse than the best: the preferred first, then by score.

    Raises:
        InputError: if there is no confirmation, or it has too few blocks for a verdict.
        RunError: if nothing is recommended, or every trial has diverged.
    """
    if study.nothing_to_confirm:
        raise AllDiverged.of(study.name)
    if study.confirmation is None:
        raise InputError("nothing is recommended before it is confirmed: run lrsearch confirm first")
    comparison = judge_study(study)
    require_recommendation(comparison)
    names = [name for name in candidates_in_order(comparison) if name in comparison.recommended]
    return Choice(_trials(study, comparison, names), _reason(study, "recommended by the verdict"))


def best_trials(study: StoredStudy, family: str | None = None, top: int = 1) -> list[Chosen]:
    """Return the `top` best trials of the search: of a family, or of all.

    Searched trials go by the validation metric at the last epoch, whichever replicate they are of. Where no searched
    trial fits, the confirmed candidates do (baselines, by name), by their mean over blocks, each as its first block.

    Raises:
        InputError: if fewer trials are complete.
        RunError: if those that are have diverged.
    """
    if top < 1:
        raise InputError(f"top must be at least 1, got {top}")
    ranked = _exportable(study.ranked(family)) or _exportable(study.ranked_candidates(family))
    if len(ranked) < top:
        complete = (*_exportable(study.ranked()), *_exportable(study.ranked_candidates()))
        families = ", ".join(sorted({record.family for _, record in complete}))
        of = family or "any family"
        tried = [record for record in study.trials if family in (None, record.family)]
        if not ranked and (diverged := sum(record.diverged for record in tried)):
            trials = f"{'all ' * (diverged > 1)}{counted(diverged, 'complete trial')}"
            raise RunError(f"nothing to export: {trials}{f' of {family}' if family else ''} in {study.name!r} diverged")
        asked = (
            f"{counted(top, 'complete trial')} of {of} were asked for, got {len(ranked)}"
            if ranked
            else f"no complete trial of {of}"
        )
        raise InputError(f"{asked} in {study.name!r}; complete are: {families or 'none'}")
    return ranked[:top]


def _verdict(study: StoredStudy) -> Comparison | None:
    """Return the comparison of a confirmed study; None where it is not confirmed, or in too few blocks."""
    if study.confirmation is None:
        return None
    try:
        return judge_study(study)
    except InputError:
        return None


def require_recommendation(comparison: Comparison) -> None:
    """Raise RunError, with the reason, if a verdict recommends nothing."""
    if not comparison.recommended:
        failed = ", ".join(f"{f.family} {f.runs.count} of {f.runs.total}" for f in comparison.failures)
        raise RunError(
            f"nothing is recommended: each candidate has failed runs ({failed}); --by search or --family takes one "
            "all the same"
        )


def _trials(study: StoredStudy, comparison: Comparison, names: list[str]) -> list[Chosen]:
    trials = (candidate_trial(study, comparison, name) for name in names)
    return _exportable([chosen for chosen in trials if chosen is not None])


def _reason(study: StoredStudy, reason: str) -> str:
    searches = len(study.searches)
    return f"{reason}; {one_of(searches)}" if searches > 1 else reason


def _exportable(ranked: list[Chosen]) -> list[Chosen]:
    """Return those that say their schedule, as all do that lrsearch has trained."""
    return [(part, record) for part, record in ranked if record.schedule]
