"""From a confirmation in a storage to a comparison and what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsearch.comparison import Comparison
from lrsearch.comparison.controls import Control, check_controls
from lrsearch.comparison.from_records import ConfirmationPlan, compare_records, whole_blocks
from lrsearch.comparison.words.answer import answer_lines
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord, finite
from lrsearch.storage import StoredStudy, StudyPart, budget_sentence, require_same_plan
from lrsearch.verdict.background import average_in_words, background_of, cost_of, other_optimizers
from lrsearch.verdict.claims import JudgedClaim, judge_claims, scaled_windows
from lrsearch.verdict.confirmation_plan import confirmation_plan
from lrsearch.verdict.good_regions import GoodRegions, good_regions
from lrsearch.verdict.headroom import headroom
from lrsearch.verdict.tuning_budgets import TuningBudgetVerdict, tuning_budget_verdicts


@dataclass(frozen=True, eq=False)
class StudyVerdict:
    """Everything that a confirmation allows to say.

    Attributes:
        comparison: of the planned blocks, the controls left out; its text names what they showed.
        controls: what the procedure made of candidates whose truth is known.
        claims: those of the study file.
        claims_note: why they could not be tested, or what to know of them.
        exploratory: with the blocks beyond the plan, or None where there are none.
        left_out: families of which no trial was finished.
        headroom: what the best named candidate leaves to the free form, where one was searched; else empty.
        good_regions: how wide each family's good region is.
        tuning_budgets: the families tuned with fewer trials, where the plan asks for them.
    """

    comparison: Comparison
    controls: tuple[Control, ...]
    claims: tuple[JudgedClaim, ...]
    claims_note: str
    exploratory: Comparison | None
    left_out: tuple[str, ...]
    headroom: str
    good_regions: GoodRegions
    tuning_budgets: tuple[TuningBudgetVerdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data, with what stands beside it; NaN and infinity become None."""
        beside: dict[str, Any] = {
            "controls": [control.to_dict() for control in self.controls],
            "claims": [claim.to_dict() for claim in self.claims],
            "claims_note": self.claims_note,
            "exploratory": None if self.exploratory is None else self.exploratory.to_dict(),
            "left_out": list(self.left_out),
            "headroom": self.headroom,
            "good_regions": {name: vars(share) for name, share in self.good_regions.shares.items()},
            "good_regions_note": self.good_regions.why_not,
            "efforts": [
                {"trials": e.trials, "why_not": e.why_not} | ({} if e.comparison is None else e.comparison.to_dict())
                for e in self.tuning_budgets
            ],
        }
        return {**self.comparison.to_dict(), **finite(beside)}


def judge_study(study: StoredStudy) -> Comparison:
    """Return the comparison of a study's confirmation that is a verdict.

    Raises:
        InputError: if there is no confirmation, or it has too few blocks.
    """
    comparison = study_verdict(study).comparison
    if not comparison.judged:
        raise InputError(f"study {study.name!r} has no verdict: {comparison.verdict_text.removesuffix('.')}")
    return comparison


def study_verdict(study: StoredStudy, *, rope: float | None = None, alpha: float | None = None) -> StudyVerdict:
    """Return the comparison of a study's confirmation, its controls, the claims it was made for, and what lies beyond.

    With a `rope` or an `alpha` of its own it is exploratory, and warns of that. Fewer than 6 blocks are shown and not
    judged.

    Raises:
        InputError: if there is no confirmation, or its searches were made under another plan.
    """
    confirmation = study.confirmed()
    config, runs, searches = confirmation.config, confirmation.runs, confirmation.attributes.searches
    for search in study.searches:
        require_same_plan(search, config)
    planned, explored = _explored(confirmation_plan(confirmation), config, rope=rope, alpha=alpha)
    plan = _at_analysis(planned, runs, config)
    comparison = compare_records(runs, plan, np.random.default_rng(config.seed))
    controls: tuple[Control, ...] = ()
    if comparison.judged and (
        planned_controls := {name: c.model_dump() for name, c in confirmation.attributes.controls.items()}
    ):
        controls = check_controls(runs, plan, planned_controls, np.random.default_rng(config.seed))
    claims, claims_note = _claims(runs, config, plan)
    origins = (explored, confirmation.added_by_hand, *_adopted(study))
    annotated = _annotated(comparison, plan, controls, confirmation, origins)
    lines = answer_lines(comparison, background_of(study, comparison))
    return StudyVerdict(
        comparison=replace(annotated, lines=lines, cost=cost_of(study)),
        controls=controls,
        claims=claims,
        claims_note=claims_note,
        exploratory=_exploratory(runs, planned, config.seed),
        left_out=plan.left_out,
        headroom=headroom(runs, plan, comparison, searches=searches) if comparison.judged else "",
        good_regions=good_regions(study.searches),
        tuning_budgets=tuning_budget_verdicts(confirmation, runs, plan),
    )


def _explored(
    plan: ConfirmationPlan, config: StudyConfig, *, rope: float | None, alpha: float | None
) -> tuple[ConfirmationPlan, str]:
    """Return the plan with another ROPE and error rate, where they are given, and a line that says so, or ""."""
    changes: dict[str, float] = {} if rope is None else {"rope": rope}
    if alpha is not None:
        changes["alpha"] = alpha / max(1, len(config.plan.looks))
    if not changes:
        return plan, ""
    before = {"rope": plan.settings.rope, "alpha": config.plan.alpha}
    given = {"rope": rope, "alpha": alpha}
    words = " and ".join(f"{name} {given[name]:g} (planned: {_planned(before[name])})" for name in changes)
    return plan.with_settings(**changes), f"exploratory: judged with {words}, chosen after the runs could be seen"


def _planned(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _adopted(study: StoredStudy) -> tuple[str, ...]:
    """Return what is unequal where the searched trials come from a study of a person's own."""
    adopted = [search.attributes.adopted for search in study.searches if search.attributes.adopted]
    return tuple(f"adopted trials: {budget_sentence(trials)}" for trials in adopted)


def _at_analysis(plan: ConfirmationPlan, runs: Sequence[TrialRecord], config: StudyConfig) -> ConfirmationPlan:
    """Return the plan of the last of its analyses whose blocks are all complete, or of the first where none is."""
    looks = config.plan.looks
    if not looks:
        return plan
    whole = whole_blocks(runs, plan)
    reached = [look for look in looks if set(range(look)) <= set(whole)]
    return replace(plan, blocks=reached[-1] if reached else looks[0])


def _annotated(
    comparison: Comparison,
    plan: ConfirmationPlan,
    controls: tuple[Control, ...],
    confirmation: StudyPart,
    origins: tuple[str, ...],
) -> Comparison:
    """Return the comparison with what its controls showed, and warned of what is left out or not yet fulfilled."""
    config = confirmation.config
    warnings, looks = comparison.warnings, config.plan.looks
    warnings += (*other_optimizers(confirmation), *filter(None, origins))
    if looks and plan.blocks in looks:
        warnings += (
            f"planned analysis {looks.index(plan.blocks) + 1} of {len(looks)} (after {_numbers(looks)} blocks): each "
            f"tests at {plan.settings.alpha:g}, its share of the family-wise error rate of {config.plan.alpha:g}",
        )
    if plan.blocks is not None and comparison.blocks < plan.blocks:
        warnings += (
            f"interim: {comparison.blocks} of the {plan.blocks} planned blocks; an analysis before the planned one is "
            "exploratory, and stopping or continuing by it makes the error rate larger than stated",
        )
    if wrong := [control.name for control in controls if control.passed is False]:
        warnings += (f"a control shows that this verdict is not to be trusted: {', '.join(wrong)}",)
    sentences = comparison.sentences
    if controls:
        sentences += (f"Controls: {'; '.join(control.sentence for control in controls)}.",)
    return replace(comparison, warnings=warnings, sentences=(*sentences, *average_in_words(config)))


def _numbers(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


def _claims(
    runs: Sequence[TrialRecord], config: StudyConfig, plan: ConfirmationPlan
) -> tuple[tuple[JudgedClaim, ...], str]:
    """Return the claims that the plan asks for and what to know of them, or none and the reason."""
    planned = config.plan.claims
    if not planned:
        return (), ""
    try:
        return judge_claims(runs, planned, plan), scaled_windows(config.epochs, planned)
    except InputError as error:
        return (), f"The claims are not tested: {error}"


def _exploratory(runs: Sequence[TrialRecord], plan: ConfirmationPlan, seed: int) -> Comparison | None:
    """Return the comparison with the blocks beyond the plan, or None where there are none."""
    if plan.blocks is None or not any(r.block is not None and r.block >= plan.blocks for r in runs):
        return None
    return compare_records(runs, replace(plan, blocks=None), np.random.default_rng(seed))
