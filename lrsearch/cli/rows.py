"""Rows of tables: plain data from records, for people and for programs alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from lrsearch.cli.listing import Row, own_parameters
from lrsearch.comparison.inference.proportions import PruningAudit
from lrsearch.planning.plan import StudyPlan
from lrsearch.records import TrialRecord, mean_and_sd
from lrsearch.schedules import FAMILIES, Choice, describe_family
from lrsearch.search.progress import SearchState
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.tables import Column, Interval, Table
from lrsearch.verdict.confirmation_plan import failed_runs
from lrsearch.verdict.epoch_budgets import BudgetAgreement
from lrsearch.verdict.study_verdict import StudyVerdict


def family_table(study: StoredStudy) -> list[Row]:
    """Return a row per family: trials, pruned, best, median, and the parameters of the best.

    The best is over complete trials of all replicates; the median too, because pruned trials have no last epoch.
    """
    rows = []
    for family in study.config.search.families:
        finished = [record for record in study.trials if record.family == family and record.finished]
        complete = [record for _, record in study.ranked(family)]
        values = [record.value for record in complete if record.value is not None]
        rows.append(
            {
                "family": family,
                "trials": len(finished),
                "pruned": len(finished) - len(complete),
                "diverged": sum(record.stop_reason == "diverged" for record in finished),
                "best": values[0] if values else None,
                "median": median(values) if values else None,
                "best parameters": own_parameters(complete[0]) if complete else {},
                "near a bound": list(complete[0].near_bounds) if complete else [],
            }
        )
    lower_first = -1 if study.maximize else 1
    return sorted(rows, key=lambda row: lower_first * row["best"] if row["best"] is not None else float("inf"))


def search_summary(study: StoredStudy, state: SearchState) -> Row:
    """Return what `optimize --format json` prints."""
    times = vars(state.times)
    counts = {
        "total": state.total,
        "complete": state.complete,
        "pruned": state.pruned,
        "trial_epochs": state.trial_epochs,
    }
    best = {"best": state.best, "best_family": state.best_family}
    return {
        "studies": [search.name for search in study.searches],
        **counts,
        **best,
        "times": {name: round(value, 4) for name, value in times.items()},
        "families": family_table(study),
    }


def confirm_rows(confirmation: StudyPart) -> list[Row]:
    """Return a row per confirmed candidate: mean and SD over blocks at the last epoch, beside the printed values."""
    printed = {baseline.name: baseline.printed for baseline in confirmation.config.baseline}
    by_candidate: dict[str, list[TrialRecord]] = {}
    for run in confirmation.runs:
        by_candidate.setdefault(run.family, []).append(run)
    rows, failed = [], failed_runs(confirmation)
    for candidate, runs in by_candidate.items():
        measured = {
            "train loss": [value for run in runs for value in run.curve.train_loss[-1:]],
            "test loss": [run.test_loss for run in runs if run.test_loss is not None],
            confirmation.metric: [run.test_accuracy for run in runs if run.test_accuracy is not None],
        }
        row: Row = {"entry": candidate, "blocks": len(runs)}
        for name, values in measured.items():
            row[name], row[f"{name} SD"] = mean_and_sd(values)
            if any(printed.values()):
                row[f"{name} printed"] = printed.get(candidate, {}).get(name.replace(" ", "_"))
        row["failed"] = sum(run.number in failed for run in runs)
        row["diverged"] = sum(run.stop_reason == "diverged" for run in runs)
        if controls := confirmation.attributes.controls:
            row["control"] = controls[candidate].kind if candidate in controls else "-"
        rows.append(row)
    return rows


def verdict_table(verdict: StudyVerdict) -> Table:
    """Return the table of the comparison with each family's good region where it is known, the controls below."""
    shown = verdict.comparison.family_table()
    controls = (
        (control.name, control.mean, None, Interval(control.low, control.high), None, "control", None, None)
        for control in verdict.controls
    )
    rows = (*shown.rows, *controls)
    if verdict.good_regions.why_not:
        return replace(shown, rows=rows)
    shares = verdict.good_regions.shares
    regions = (str(shares[row[0]]) if row[0] in shares else None for row in rows)
    return replace(
        shown,
        columns=(*shown.columns, Column("good region")),
        rows=tuple((*row, region) for row, region in zip(rows, regions, strict=True)),
    )


def audit_row(audit: PruningAudit) -> Row:
    """Return the result of a pruning audit as a row."""
    return {
        "pruned trials finished": audit.beat_median.total,
        "better than their family's median": str(audit.beat_median),
        "better than their family's best": str(audit.beat_best),
    }


def plan_rows(plan: StudyPlan) -> list[Row]:
    """Return a row per number of blocks: what it detects and what it costs."""
    return [
        {
            "blocks": row.blocks,
            "": "planned" if row.blocks == plan.planned_blocks else "",
            "detects (all pairs, 80 %)": f"{row.detectable:.2f}",
            "against one": f"{row.detectable_against:.2f}",
            f"power at {plan.rope:g}": f"{row.power_at_rope:.2f}",
            "trial-epochs": row.trial_epochs,
        }
        for row in plan.rows
    ]


def plan_summary(plan: StudyPlan) -> Row:
    """Return what `plan --format json` prints."""
    noise = {**vars(plan.noise.noise), "source": plan.noise.source}
    return vars(plan) | {"noise": noise, "rows": [vars(row) for row in plan.rows], "remarks": list(plan.remarks)}


def budgets_summary(verdicts: Mapping[int, StudyVerdict], agreed: Sequence[BudgetAgreement]) -> Row:
    """Return what `compare --format json` prints: one verdict, or one at each epoch budget and their agreement."""
    each: dict[int, Row] = {epochs: verdict.to_dict() for epochs, verdict in verdicts.items()}
    if not agreed:
        return each.popitem()[1]
    agreement = [
        {"epochs": list(a.epochs), **(vars(a.found) if a.found is not None else {"why_not": a.why_not})} for a in agreed
    ]
    return {"budgets": each, "agreement": agreement}


def family_description(family: str) -> Row:
    """Return what a person wants to know of a family, with the default ranges of what is searched."""
    described = describe_family(family)
    ranges = {}
    for name, prior in FAMILIES[family].priors().items():
        if isinstance(prior, Choice):
            ranges[name] = " | ".join(map(str, prior.choices))
        else:
            unit = {"fraction_of_T": " of total_steps", "epochs": " epochs"}.get(prior.unit, "")
            ranges[name] = f"{prior.low:g} .. {prior.high:g}{unit}{' (log)' if prior.log else ''}"
    return {
        "family": family,
        "formula": described.formula,
        "source": described.source,
        "parameters": described.parameters,
        "ranges": ranges,
    }


def all_families() -> list[Row]:
    """Return the description of every family, in order."""
    return [family_description(family) for family in FAMILIES]
