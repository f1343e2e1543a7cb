"""What stands beside the figures in words and numbers alone: printed numbers, plan, ledger, provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lrsearch.comparison.contrasts import describe
from lrsearch.records import TrialRecord, mean_and_sd
from lrsearch.report.source import Source
from lrsearch.tables import Table, number, table

_PRINTED = ("train_loss", "test_loss", "accuracy")


def printed_table(source: Source) -> Table | None:
    """Return the numbers that somebody published beside ours at the last epoch; None if the study file has none."""
    printed = {baseline.name: baseline.printed for baseline in source.config.baseline if baseline.printed}
    rows = []
    for name in dict.fromkeys(run.family for run in source.confirmation):
        runs = [run for run in source.confirmation if run.family == name]
        row: list[str | int | float | None] = [name, len(runs)]
        for quantity in _PRINTED:
            values = [value for run in runs if (value := _last(run, quantity)) is not None]
            row += [_mean_and_sd(values), printed.get(name, {}).get(quantity)]
        rows.append(row)
    columns = [heading for quantity in _PRINTED for heading in (quantity.replace("_", " "), "printed")]
    return table(("entry", "runs", *columns), rows, title="Mean ± SD over runs") if printed and rows else None


def _last(run: TrialRecord, quantity: str) -> float | None:
    if quantity == "train_loss":
        return run.curve.train_loss[-1] if run.curve.train_loss else None
    return run.test_loss if quantity == "test_loss" else run.test_accuracy


def _mean_and_sd(values: Sequence[float]) -> str:
    mean, sd = mean_and_sd(values)
    return number(mean, decimals=4) + ("" if sd is None else f" ± {number(sd, decimals=4)}")


def plan_table(source: Source) -> Table:
    """Return what was decided before anything ran, and what has been done of it."""
    config, attributes = source.config, source.study.first.attributes
    search, plan = config.search, config.plan
    blocks = len({run.block for run in source.confirmation})
    rows: list[tuple[str, object]] = [
        ("families", list(search.families) if source.study.searches else "the fixed schedules of the study file"),
        ("fixed schedules", [baseline.name for baseline in config.baseline]),
        ("epochs of a trial", config.training.epochs),
        ("α, over all comparisons", plan.alpha),
        ("differences that would not matter (ROPE)", f"below {plan.rope:g} points"),
        (
            "contrasts",
            describe(source.comparison.settings.contrasts) if source.comparison else _contrasts(plan.contrasts),
        ),
        ("blocks planned", plan.blocks if attributes.planned_blocks is None else attributes.planned_blocks),
        ("blocks run", blocks),
    ]
    if searches := source.study.searches:
        finished = sum(record.finished for record in source.study.trials)
        rows[3:3] = [
            ("searches", len(searches)),
            ("trials of one search", search.trials),
            ("finished trials in all", finished),
            ("sampler and pruner", f"{search.sampler}, {search.pruner}"),
            ("trials in flight at once", searches[0].attributes.lanes),
        ]
    if left_out := attributes.left_out:
        rows.append(("left out, without a complete trial", left_out))
    return table(("plan", "value"), rows)


def _contrasts(contrasts: object) -> str:
    return "all pairs" if contrasts == "all" else str(contrasts)


def ledger_table(source: Source) -> Table | None:
    """Return every reading of the test set; None if it was not read."""
    ledger = source.study.first.attributes.test_ledger
    rows = [(r.when, r.block, f"after {r.epochs} epoch", r.entries, r.beyond_plan) for r in ledger]
    if not rows:
        return None
    columns = ("when", "block", "read", "entries", "beyond the plan")
    return table(columns, rows, title="Whatever goes beyond the plan is exploratory")


def provenance_table(source: Source) -> Table:
    """Return what produced the numbers: versions, commit, data, devices."""
    attributes = source.study.first.attributes
    runs = [*source.study.trials, *source.confirmation]
    seconds = sum(run.seconds or 0.0 for run in runs)
    rows: list[tuple[str, object]] = [
        ("workload", source.config.workload),
        ("data", source.config.data_name),
        ("data fingerprint", attributes.data_fingerprint),
        ("git commit", attributes.git_commit or "not in a repository"),
        *attributes.versions.items(),
        ("devices", sorted({run.device for run in runs if run.device})),
        ("training", f"{seconds:,.0f} s over all runs, each with its share of a stack"),
        ("record format", attributes.schema_version),
        ("study seed", source.config.seed),
    ]
    return table(("what", "value"), rows)


def seeds_table(source: Source) -> Table:
    """Return the seeds of every unit: shared inside it, and by no other."""
    searches = source.study.searches
    single = searches[0].attributes.split_seed if len(searches) == 1 else None  # kept with the study, not its trials
    blocks = {run.block: run for run in source.confirmation if run.block is not None}
    units = [("search", place, search.records[0]) for place, search in enumerate(searches) if search.records]
    units += [("block", block, run) for block, run in sorted(blocks.items())]
    rows = [
        (
            f"{kind} {number}",
            run.split_seed or (single if kind == "search" else None),
            run.init_seed,
            run.order_seed,
        )
        for kind, number, run in units
    ]
    return table(("unit", "split seed", "init seed", "order seed"), rows)


def study_file(source: Source) -> str:
    """Return the study file as it was stored, defaults included."""
    return json.dumps(source.config.model_dump(mode="json"), indent=2, ensure_ascii=False, default=str)
