"""How the trials of a search ended, what they cost, and what pruning has missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import LEGEND, axis, figure, label, translucent
from lrsearch.search.pruning import PRUNERS
from lrsearch.tables import Column, Share, Table, table


@dataclass(frozen=True)
class Endings:
    """How the trials of a family ended; `pruned` holds {epochs that a pruned trial had: how many}."""

    family: str
    complete: int
    diverged: int
    pruned: dict[int, int]
    unfinished: int
    epochs: int
    epochs_in_full: int
    seconds: float
    best: float | None
    median: float | None


def endings_data(
    trials: Sequence[TrialRecord], families: Sequence[str], metric: Metric, *, epochs: int
) -> list[Endings]:
    """Return how the trials of each family ended, and what the finished ones cost of `epochs` each.

    `best` and `median` are in the unit that people read.
    """
    rows = []
    for family in families:
        family_trials = [record for record in trials if record.family == family]
        finished = [record for record in family_trials if record.finished]
        complete = [record for record in finished if record.state == "complete"]
        values = [metric.scale * (record.value or 0.0) for record in complete if record.scored]
        pruned = Counter(len(record.reported) for record in finished if record.state == "pruned")
        diverged = sum(record.diverged for record in complete)
        rows.append(
            Endings(
                family,
                len(complete) - diverged,
                diverged,
                dict(sorted(pruned.items())),
                len(family_trials) - len(finished),
                sum(len(record.reported) for record in finished),
                epochs * len(finished),
                sum(record.seconds or 0.0 for record in finished),
                metric.best(values),
                median(values) if values else None,
            )
        )
    return rows


def endings_figure(rows: Sequence[Endings]) -> go.Figure:
    """Return the pruning record: a bar per family, split by how its trials ended."""
    names = [label(row.family) for row in rows]
    rungs = sorted({epoch for row in rows for epoch in row.pruned})
    shades = np.linspace(0.75, 0.3, max(len(rungs), 1))
    bars = [("complete", [row.complete for row in rows], "#2f9e44")]
    bars += [
        (f"pruned after epoch {epoch}", [row.pruned.get(epoch, 0) for row in rows], translucent("#e8710a", shade))
        for epoch, shade in zip(rungs, shades.tolist(), strict=False)
    ]
    bars += [("diverged", [row.diverged for row in rows], "#d6336c")]
    traces = [
        go.Bar(x=counts, y=names, orientation="h", name=name, marker={"color": colour})
        for name, counts, colour in bars
        if any(counts)
    ]
    return figure(
        traces,
        height=110 + 26 * len(names),
        barmode="stack",
        showlegend=True,
        legend=LEGEND | {"traceorder": "normal"},
        xaxis=axis("finished trials"),
        yaxis=axis(autorange="reversed", showgrid=False),
    )


def endings_table(rows: Sequence[Endings], metric: Metric) -> Table:
    """Return how the trials of each family ended, what they cost, and their best and median."""
    columns = (
        "family",
        "complete",
        "pruned",
        "diverged",
        "unfinished",
        "epochs run",
        "of full epochs",
        Column("seconds", decimals=1),
    )
    return table(
        (*columns, metric.column(f"best {metric.title}"), metric.column("median")),
        [
            (
                row.family,
                row.complete,
                ", ".join(f"{count} after epoch {epoch}" for epoch, count in row.pruned.items()) or "none",
                row.diverged,
                row.unfinished,
                row.epochs,
                Share(row.epochs / row.epochs_in_full) if row.epochs_in_full else None,
                row.seconds,
                row.best,
                row.median,
            )
            for row in rows
        ],
    )


def endings(source: Source) -> Iterator[Section]:
    """Yield the pruning record."""
    trials, config = source.study.trials, source.config
    if any(trial.finished for trial in trials):
        rows = endings_data(trials, config.search.families, source.metric, epochs=config.epochs)
        sentence = PRUNERS[config.search.pruner].sentence
        yield Section("How trials ended", (sentence,), endings_figure(rows), (endings_table(rows, source.metric),))
