"""Which trials of a stored study are exported: the best, of one family or of all, or what is recommended."""

from __future__ import annotations

from lrsearch.errors import InputError, RunError
from lrsearch.records import TrialRecord
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.verdict.study_verdict import compare_study

Chosen = tuple[StudyPart, TrialRecord]
"""A trial with the search or the confirmation that it is of."""


def best_trials(study: StoredStudy, family: str | None = None, top: int = 1) -> list[Chosen]:
    """Return the `top` best trials: of a family, or of all.

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
            trials = f"{'all ' * (diverged > 1)}{diverged} complete {'trials' if diverged > 1 else 'trial'}"
            raise RunError(f"nothing to export: {trials}{f' of {family}' if family else ''} in {study.name!r} diverged")
        asked = (
            f"{top} complete trials of {of} were asked for, got {len(ranked)}"
            if ranked
            else f"no complete trial of {of}"
        )
        raise InputError(f"{asked} in {study.name!r}; complete are: {families or 'none'}")
    return ranked[:top]


def recommended_trials(study: StoredStudy) -> list[Chosen]:
    """Return the best trial of each family that the confirmation has not shown to be worse than the best one.

    Raises:
        InputError: if there is no confirmation, or it has too few blocks for a verdict.
    """
    if study.confirmation is None:
        raise InputError("nothing is recommended before it is confirmed: run lrsearch confirm first")
    recommended = compare_study(study).recommended
    if not recommended:
        raise InputError("nothing is recommended: each family has a failed run (lrsearch compare); export --family")
    return [chosen for name in recommended for chosen in best_trials(study, name)]


def _exportable(ranked: list[Chosen]) -> list[Chosen]:
    """Return those that say their schedule, as all do that lrsearch has trained."""
    return [(part, record) for part, record in ranked if record.schedule]
