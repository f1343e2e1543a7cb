"""What was planned for a confirmation, and which of its runs have failed."""

from __future__ import annotations

from dataclasses import replace

from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.comparison.contrasts import Against, Contrasts, Groups
from lrsearch.comparison.failure import FailureRule
from lrsearch.comparison.from_records import ConfirmationPlan, failure_rule, scores_of
from lrsearch.comparison.settings import Settings, make_claim
from lrsearch.config import StudyConfig
from lrsearch.storage import StudyPart
from lrsearch.verdict.headroom import free_forms
from lrsearch.verdict.tuning_budgets import smaller_budget_candidates


def confirmation_plan(confirmation: StudyPart) -> ConfirmationPlan:
    """Return what a confirmation's study says of it besides its runs, and which runs count as failed."""
    config, attributes, metric = confirmation.config, confirmation.attributes, confirmation.metric
    worst, failed_at, controls = attributes.worst_value, attributes.failed_at, tuple(attributes.controls)
    trials = attributes.trials_per_family or None
    plan = ConfirmationPlan(
        settings=Settings(
            rope=config.plan.rope_for(metric),
            alpha=config.plan.alpha_per_analysis,
            contrasts=_contrasts(config),
            claim=make_claim(attributes.searches, trials=trials, sampler=config.search.sampler),
            metric=metric,
            worst_value=None if worst is None else metric.scale * worst,
            held_out=config.run is None or config.run.test,
            failed_at=None if failed_at is None else metric.scale * failed_at,
        ),
        controls=controls,
        excluded=(*controls, *smaller_budget_candidates(confirmation), *free_forms(_names(confirmation))),
        left_out=tuple(attributes.left_out),
        blocks=planned_blocks(confirmation),
    )
    return replace(plan, failure_rule=_failure_rule(plan, confirmation))


def planned_blocks(confirmation: StudyPart) -> int | None:
    """Return how many blocks were planned; the study file's where the first command asked for too few to judge.

    So those can be added to: what was shown of them was no analysis, and the test set is read within the plan. None of
    a study by an earlier version.
    """
    planned = confirmation.attributes.planned_blocks
    if planned is None or planned >= FEWEST_BLOCKS or confirmation.attributes.searches > 1:
        return planned
    return max(confirmation.config.plan.blocks, FEWEST_BLOCKS)


def _names(confirmation: StudyPart) -> list[str]:
    """Return the candidates, without fixed schedules, which may have any name."""
    fixed = {baseline.name for baseline in confirmation.config.baseline}
    return sorted({run.family for run in confirmation.runs} - fixed)


def failed_runs(confirmation: StudyPart) -> dict[int, str]:
    """Return {number of the trial: reason} of the confirmed runs that failed, among them those beyond the plan."""
    plan, runs = confirmation_plan(confirmation), confirmation.runs
    rule = plan.failure_rule
    if rule is None or not runs:
        return {}
    [scores], [diverged] = scores_of([runs], plan)
    outcomes = zip(runs, diverged.tolist(), rule.failed(scores, diverged).tolist(), strict=True)
    return {
        run.number: rule.threshold if not lost else "crashed" if run.stop_reason == "crashed" else "diverged"
        for run, lost, failed in outcomes
        if failed
    }


def _failure_rule(plan: ConfirmationPlan, confirmation: StudyPart) -> FailureRule:
    """Return which runs have failed: fixed by the blocks of the first interim analysis, or else by the planned ones."""
    looks = confirmation.config.plan.looks
    return failure_rule(confirmation.runs, replace(plan, blocks=looks[0]) if looks else plan)


def _contrasts(config: StudyConfig) -> Contrasts:
    planned = config.plan.contrasts
    if planned == "all":
        return "all"
    if planned.against is not None:
        return Against(planned.against)
    return Groups(planned.groups or {})
