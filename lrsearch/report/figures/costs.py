"""What a search paid for its scores: the best so far of each family against the epochs that were trained for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import FAILED_RUNS, OUTSIDE, Style, axis, edge, failed_marks, figure, grey_line, label, view
from lrsearch.tables import Column, Table, table


@dataclass(frozen=True)
class Cost:
    """One family in one search: epochs trained until a new best, that best, and all that was trained and took.

    `failed` are the epochs that had been trained when a trial ended without a score.
    """

    family: str
    epochs: tuple[int, ...]
    best: tuple[float, ...]
    all_epochs: int
    seconds: float
    failed: tuple[int, ...] = ()


def cost_data(search: Sequence[TrialRecord], metric: Metric) -> list[Cost]:
    """Return what each family of a search cost, in the order in which its trials were asked for.

    Pruned and failed trials cost their epochs and are never the best.
    """
    costs = []
    for family in dict.fromkeys(record.family for record in search if record.finished):
        trained, seconds, points, failed, best = 0, 0.0, list[tuple[int, float]](), list[int](), None
        for record in sorted((r for r in search if r.finished and r.family == family), key=lambda r: r.number):
            trained += len(record.reported)
            seconds += record.seconds or 0.0
            if record.without_score:
                failed.append(trained)
            if record.scored:
                value = metric.scale * (record.value or 0.0)
                if best is None or metric.sign * value > metric.sign * best:
                    best = value
                    points.append((trained, value))
        if points:
            reached, values = zip(*points, strict=True)
            costs.append(Cost(family, reached, values, trained, seconds, tuple(failed)))
    return costs


def cost_figure(
    costs: Sequence[Cost], metric: Metric, styled: Mapping[str, Style], highlighted: Sequence[str]
) -> go.Figure:
    """Return the best so far by trained epochs: the highlighted families in their styles, the others in grey.

    A failed trial is marked at the edge, where its epochs were paid.
    """
    traces, named = [], set[str]()
    for cost in sorted(costs, key=lambda cost: cost.family in highlighted):
        x, y = [*cost.epochs, cost.all_epochs], [*cost.best, cost.best[-1]]
        if cost.family not in highlighted:
            grey = grey_line(x, y, name=cost.family)
            traces.append(grey.update(line={"shape": "hv"}))
            continue
        style = styled[cost.family]
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="lines+markers",
                name=label(cost.family),
                legendgroup=cost.family,
                showlegend=cost.family not in named,
                line={"color": style.colour, "dash": style.dash, "shape": "hv", "width": 2},
                marker={"symbol": style.symbol, "size": 6},
            )
        )
        named.add(cost.family)
    limits = view([value for cost in costs for value in cost.best], maximize=metric.maximize)
    if failed := [epochs for cost in costs for epochs in cost.failed]:
        traces.append(failed_marks(failed, [edge(limits, maximize=metric.maximize)] * len(failed)))
    y_axis = axis(f"best validation {metric.title}", range=limits)
    return figure(traces, height=480, showlegend=True, xaxis=axis("epochs trained for the family"), yaxis=y_axis)


def cost_table(costs: Sequence[Cost], metric: Metric) -> Table:
    """Return what each family cost and reached, the best first."""
    rows = [
        (cost.family, cost.all_epochs, cost.seconds, cost.best[-1], cost.epochs[-1])
        for cost in sorted(costs, key=lambda cost: -metric.sign * cost.best[-1])
    ]
    columns = ("family", "epochs trained", Column("seconds", decimals=0), metric.column("best"), "reached after epochs")
    return table(columns, rows)


def score_by_cost(source: Source) -> Iterator[Section]:
    """Yield the best so far of each family against its cost."""
    costs = [cost for search in source.study.searches for cost in cost_data(search.records, source.metric)]
    if costs:
        drawn = cost_figure(costs, source.metric, source.styles, source.highlighted)
        yield Section(
            "Score against training cost", (_BEST, FAILED_RUNS, OUTSIDE), drawn, (cost_table(costs, source.metric),)
        )


_BEST = (
    "The best complete trial so far by the epochs trained, those of pruned and failed trials included; a line is one "
    "search. The recommended families are in their colours."
)
