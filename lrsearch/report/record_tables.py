"""Sections of tables alone: published numbers, the plan, readings of the test set, provenance, the study file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tomli_w

from lrsearch.comparison.contrasts import describe
from lrsearch.records import mean_and_sd
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.tables import Column, Table, number, table


def published_table(source: Source) -> Table | None:
    """Return the numbers that others published beside ours at the last epoch; None if the study file has none."""
    published = {baseline.name: baseline.printed for baseline in source.config.baseline if baseline.printed}
    metric, rows = source.metric, []
    for name in dict.fromkeys(run.family for run in source.confirmation):
        runs = [run for run in source.confirmation if run.family == name]
        train = [loss for run in runs for loss in run.curve.train_loss[-1:]]
        test = [run.test_loss for run in runs if run.test_loss is not None]
        scores = [
            metric.scale * run.test_accuracy for run in runs if run.test_accuracy is not None and not run.without_score
        ]
        theirs = published.get(name, {})
        score = theirs.get("accuracy")
        row = [name, len(runs), _mean_and_sd(train, 4), theirs.get("train_loss")]
        row += [_mean_and_sd(test, 4), theirs.get("test_loss")]
        row += [_mean_and_sd(scores, metric.decimals), None if score is None else metric.scale * score]
        rows.append(row)
    measured = [("train loss", Column("published")), ("test loss", Column("published"))]
    measured.append((metric.title, metric.column("published")))
    columns = (column for pair in measured for column in pair)
    return table(("candidate", "runs", *columns), rows, title="Mean ± SD over runs") if published and rows else None


def _mean_and_sd(values: Sequence[float], decimals: int | None) -> str:
    mean, sd = mean_and_sd(values)
    return number(mean, decimals=decimals) + ("" if sd is None else f" ± {number(sd, decimals=decimals)}")


def plan_table(source: Source) -> Table:
    """Return what was decided before anything ran, and what has been done of it."""
    config, attributes = source.config, source.study.first.attributes
    search, plan, rope = config.search, config.plan, config.plan.rope_for(source.metric)
    blocks = len({run.block for run in source.confirmation})
    rows: list[tuple[str, object]] = [
        ("families", list(search.families) if source.study.searches else "the fixed schedules of the study file"),
        ("fixed schedules", [baseline.name for baseline in config.baseline]),
        ("epochs of a trial", config.epochs),
        ("α, over all comparisons", plan.alpha),
        (
            "differences that would not matter (ROPE)",
            "none stated" if rope is None else f"below {source.metric.amount(rope)}",
        ),
        ("contrasts", _contrasts(source)),
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
            ("trials trained side by side", searches[0].attributes.lanes),
        ]
    if left_out := attributes.left_out:
        rows.append(("left out, without a complete trial", left_out))
    return table(("plan", "value"), rows)


def _contrasts(source: Source) -> str:
    if source.comparison is not None:
        return describe(source.comparison.settings.contrasts)
    planned = source.config.plan.contrasts
    return "all pairs" if planned == "all" else str(planned)


def ledger_table(source: Source) -> Table | None:
    """Return every reading of the test set; None if it was not read."""
    ledger = source.study.first.attributes.test_ledger
    rows = [(r.when, r.block, f"after {r.epochs} epoch", r.entries, r.beyond_plan) for r in ledger]
    if not rows:
        return None
    columns = ("when", "block", "read", "candidates", "beyond the plan")
    return table(columns, rows, title="Readings beyond the plan are exploratory")


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
        ("training", f"{seconds:,.0f} s over all runs, each with its share of the runs trained side by side"),
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


def published(source: Source) -> Iterator[Section]:
    """Yield our numbers beside published ones."""
    if (shown := published_table(source)) is not None:
        sentence = "Our runs at the last epoch beside what the study file says was published of them."
        yield Section("Ours and theirs", (sentence,), None, (shown,))


def plan(source: Source) -> Iterator[Section]:
    """Yield the plan."""
    yield Section("Plan", (), None, (plan_table(source),))


def readings(source: Source) -> Iterator[Section]:
    """Yield the readings of the test set."""
    if (shown := ledger_table(source)) is not None:
        yield Section("Readings of the test set", (), None, (shown,))


def provenance(source: Source) -> Iterator[Section]:
    """Yield what produced the numbers, and the seeds."""
    yield Section("Provenance", (), None, (provenance_table(source), seeds_table(source)))


def study_file(source: Source) -> Iterator[Section]:
    """Yield the study file as the user wrote it, and what it stands for with its defaults and the flags."""
    written = source.study.first.attributes.study_text
    if written:
        yield Section("Study file, as it was written", preformatted=written)
    whole = tomli_w.dumps(_without_none(source.config.model_dump(mode="json")))
    yield Section("Study file, with its defaults and what flags have changed", preformatted=whole)


def _without_none(value: Any) -> Any:
    """Return plain data without what is not set, which TOML cannot say."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
