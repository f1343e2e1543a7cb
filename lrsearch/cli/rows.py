"""Rows of tables: plain data from records, for people and for programs alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

from lrsearch.records import mean_and_sd
from lrsearch.schedules import FAMILIES, Choice, describe_family
from lrsearch.tables import Column, Estimate, Table, table
from lrsearch.text import short_time

if TYPE_CHECKING:  # a command imports what it uses itself
    from lrsearch.comparison.inference.proportions import PruningAudit
    from lrsearch.planning.plan import StudyPlan
    from lrsearch.search.progress import SearchState
    from lrsearch.storage import StoredStudy, StudyPart
    from lrsearch.verdict.epoch_budgets import BudgetAgreement
    from lrsearch.verdict.study_verdict import StudyVerdict

Row = dict[str, Any]


def family_table(study: StoredStudy) -> Table:
    """Return a row per family: trials, pruned, best, median, and the parameters of the best.

    The best is over complete trials of all replicates that did not diverge; the median too, because pruned trials have
    no last epoch.
    """
    metric = study.metric
    rows: list[tuple[Any, ...]] = []
    for family in study.config.search.families:
        finished = [record for record in study.trials if record.family == family and record.finished]
        complete = [record for _, record in study.ranked(family)]
        values = [record.value for record in complete if record.value is not None]
        rows.append(
            (
                family,
                len(finished),
                sum(record.state == "pruned" for record in finished),
                sum(record.diverged for record in finished),
                metric.stored(values[0]) if values else None,
                metric.stored(median(values)) if values else None,
                complete[0].sampled if complete else {},
                list(complete[0].near_bounds) if complete else [],
            )
        )
    best = (metric.stored_column("best"), metric.stored_column("median"))
    columns = ("family", "trials", "pruned", "diverged", *best, "best parameters", "near a bound")
    ranked = {record.family: place for place, (_, record) in reversed(list(enumerate(study.ranked())))}
    rows.sort(key=lambda row: ranked.get(row[0], len(study.trials)))
    return table(columns, rows)


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
        "start": {name: round(value, 4) for name, value in vars(state.start).items()},
        "families": family_table(study).records(),
    }


def confirm_table(confirmation: StudyPart) -> Table:
    """Return a row per confirmed candidate: mean and SD over blocks at the last epoch, beside published values.

    A run that diverged has no score: its worst value is only a stand-in, as in the verdict.
    """
    from lrsearch.verdict.confirmation_plan import failed_runs

    metric = confirmation.metric
    published = {baseline.name: baseline.printed for baseline in confirmation.config.baseline}
    controls = confirmation.attributes.controls
    score = metric.stored_column(metric.name)
    columns = [Column("entry", "candidate"), Column("blocks")]
    for measured in (Column("train loss", optional=True), Column("test loss", optional=True), score):
        columns += [measured, Column(f"{measured.key} SD", "SD", optional=measured.optional)]
        columns += [Column(f"{measured.key} printed", "published")] * any(published.values())
    columns += [Column("failed"), Column("diverged"), *[Column("control")] * bool(controls)]
    rows, failed = [], failed_runs(confirmation)
    for candidate in dict.fromkeys(run.family for run in confirmation.runs):
        runs = [run for run in confirmation.runs if run.family == candidate]
        scored = [run for run in runs if not run.without_score]
        values = {
            "train_loss": [value for run in runs for value in run.curve.train_loss[-1:]],
            "test_loss": [run.test_loss for run in runs if run.test_loss is not None],
            "accuracy": [run.test_accuracy for run in scored if run.test_accuracy is not None],
        }
        row: list[Any] = [candidate, len(runs)]
        for name, scores in values.items():
            numbers = [*mean_and_sd(scores), *[published.get(candidate, {}).get(name)] * any(published.values())]
            row += map(metric.stored, numbers) if name == "accuracy" else numbers
        row += [sum(run.number in failed for run in runs), sum(run.diverged for run in runs)]
        row += [controls[candidate].kind if candidate in controls else None] * bool(controls)
        rows.append(row)
    return table(columns, rows)


def verdict_table(verdict: StudyVerdict) -> Table:
    """Return the table of the comparison with each family's good region where it is known, the controls below."""
    comparison = verdict.comparison
    shown = comparison.family_table()
    controls = (
        (control.name, control.mean, None, Estimate(control.low, control.difference, control.high), None, "control")
        for control in verdict.controls
    )
    rows = (*shown.rows, *((*row, None, None) for row in controls))
    if not (shares := verdict.good_regions.shares):
        return replace(shown, rows=rows)
    names = [*(comparison.families[place] for place in comparison.table_order), *(c.name for c in verdict.controls)]
    regions = (str(shares[name]) if name in shares else None for name in names)
    return replace(
        shown,
        columns=(*shown.columns, Column("good region")),
        rows=tuple((*row, region) for row, region in zip(rows, regions, strict=True)),
    )


def audit_table(audit: PruningAudit) -> Table:
    """Return the result of a pruning audit."""
    columns = (
        "pruned trials finished",
        "better than their family's median",
        "better than their family's best",
    )
    return table(columns, [(audit.beat_median.total, str(audit.beat_median), str(audit.beat_best))])


def plan_table(plan: StudyPlan) -> Table:
    """Return a row per number of blocks: what it detects and what it costs."""
    columns: tuple[str | Column, ...] = (
        "blocks",
        "",
        Column("detects (all pairs, 80 %)", decimals=2),
        Column("against one", decimals=2),
        *([] if plan.rope is None else [Column(f"power at {plan.rope:g}", decimals=2)]),
        "runs" if plan.of_runs else "trial-epochs",
        "time",
        *[Column("GPU-hours", decimals=1)] * bool(plan.gpus),
    )
    rows = (
        (
            row.blocks,
            "planned" if row.blocks == plan.planned_blocks else "",
            row.detectable,
            row.detectable_against,
            *([] if plan.rope is None else [row.power_at_rope]),
            row.runs if plan.of_runs else row.trial_epochs,
            short_time(row.seconds),
            *[plan.gpu_hours(row)] * bool(plan.gpus),
        )
        for row in plan.rows
    )
    return table(columns, rows)


def plan_summary(plan: StudyPlan) -> Row:
    """Return what `plan --format json` prints."""
    noise = {**vars(plan.noise.noise), "source": plan.noise.source}
    return vars(plan) | {"noise": noise, "rows": [vars(row) for row in plan.rows], "remarks": list(plan.remarks)}


def budgets_summary(verdicts: Mapping[int, StudyVerdict], agreed: Sequence[BudgetAgreement]) -> Row:
    """Return what `compare --format json` prints: one verdict, or one at each epoch budget and their agreement.

    The answer of the most epochs stands at the top level.
    """
    each: dict[int, Row] = {epochs: verdict.to_dict() for epochs, verdict in verdicts.items()}
    longest = each[max(each)]
    if not agreed:
        return longest
    agreement = [
        {"epochs": list(a.epochs), **(vars(a.agreement) if a.agreement is not None else {"why_not": a.why_not})}
        for a in agreed
    ]
    answer = {name: longest[name] for name in ("lines", "preferred", "recommended", "cost")}
    return {**answer, "budgets": each, "agreement": agreement}


def family_description(family: str) -> Row:
    """Return what a person wants to know of a family, with the default ranges of what is searched."""
    from lrsearch.export.formats import formats_of

    described = describe_family(family)
    ranges = {}
    for name, prior in FAMILIES[family].priors().items():
        if isinstance(prior, Choice):
            ranges[name] = " | ".join(map(str, prior.choices))
        else:
            unit = {"fraction_of_T": " of total_steps", "epochs": " epochs"}.get(prior.unit, "")
            ranges[name] = f"{prior.low:g} .. {prior.high:g}{unit}{' (log)' if prior.log else ''}"
    return {**vars(described), "ranges": ranges, "twins": dict(FAMILIES[family].twins), "exports": formats_of(family)}
