"""The score of every finished trial against its base_lr, a small picture for each family on the same axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import Style, axis, edge, failed_marks, figure, label, rate_axis, view
from lrsearch.tables import Table, table

_COLUMNS = 4
_LISTED = 10


@dataclass(frozen=True)
class Point:
    """A finished trial: its rate, and its value in the unit that people read, NaN where it failed."""

    base_lr: float
    value: float
    pruned: bool


@dataclass(frozen=True, eq=False)
class Panels:
    """The points of every family, and the limits of the axes that all panels share."""

    points: Mapping[str, tuple[Point, ...]]
    rates: tuple[float, float]
    values: tuple[float, float]


def panels_data(trials: Sequence[TrialRecord], metric: Metric) -> Panels | None:
    """Return the finished trials by family, where they have a rate; None where there are none."""
    points: dict[str, list[Point]] = {}
    for record in trials:
        rate = record.schedule.get("base_lr")
        if record.finished and record.value is not None and isinstance(rate, int | float) and 0 < rate < math.inf:
            value = math.nan if record.without_score else metric.scale * record.value
            points.setdefault(record.family, []).append(Point(float(rate), value, record.state == "pruned"))
    drawn = [point for of_family in points.values() for point in of_family]
    if not drawn:
        return None
    rates = [point.base_lr for point in drawn]
    complete = [point.value for point in drawn if not point.pruned]
    limits = view(complete or [point.value for point in drawn], maximize=metric.maximize)
    by_family = {family: tuple(of_family) for family, of_family in sorted(points.items())}
    return Panels(by_family, (min(rates) / 1.3, max(rates) * 1.3), limits)


def panel_traces(
    points: Sequence[Point], style: Style, panels: Panels, metric: Metric, *, size: int = 7
) -> list[go.Scatter]:
    """Return the marks of one family: complete trials, pruned ones as open marks, failed ones at the edge.

    What lies beyond an edge stands on it, a complete trial at the bad one as if it had failed.
    """
    (low, high), traces = panels.values, []
    for pruned, name in ((True, "pruned"), (False, "complete")):
        chosen = [point for point in points if point.pruned == pruned and not math.isnan(point.value)]
        values = [min(max(point.value, low), high) if pruned else point.value for point in chosen]
        traces.append(
            go.Scatter(
                x=[point.base_lr for point in chosen],
                y=values,
                mode="markers",
                name=name,
                showlegend=False,
                cliponaxis=not pruned,
                marker={"color": style.colour, "symbol": style.symbol + "-open" * pruned, "size": size},
            )
        )
    end = edge(panels.values, maximize=metric.maximize)
    lost = [p for p in points if math.isnan(p.value) or (metric.sign * p.value < metric.sign * end and not p.pruned)]
    beyond = [point.base_lr for point in lost]
    return [*(trace for trace in traces if trace.x), *([failed_marks(beyond, [end] * len(beyond))] if beyond else [])]


def panel_figure(family: str, panels: Panels, metric: Metric, style: Style) -> go.Figure:
    """Return the panel of one family."""
    traces = panel_traces(panels.points[family], style, panels, metric)
    rates, values = _axes(panels)
    return figure(traces, height=230, showlegend=False, xaxis=rates, yaxis=axis(metric.title, **values))


def all_panels_figure(panels: Panels, metric: Metric, styled: Mapping[str, Style], *, height: int) -> go.Figure:
    """Return the panels of all families in one figure of `height` pixels, for places that show one figure alone."""
    families = list(panels.points)
    columns = min(_COLUMNS, len(families))
    rows = -(-len(families) // columns)
    drawn = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes="all",
        shared_yaxes="all",
        subplot_titles=[label(family) for family in families],
        horizontal_spacing=0.02,
        vertical_spacing=0.3 / rows,
    )
    for place, family in enumerate(families):
        for trace in panel_traces(panels.points[family], styled[family], panels, metric, size=5):
            drawn.add_trace(trace, row=place // columns + 1, col=place % columns + 1)
    rates, values = _axes(panels)
    drawn.update_layout(figure([], height=height).layout, showlegend=False, overwrite=False)
    drawn.update_xaxes({"type": "log", "dtick": 1, "range": rates["range"]})
    drawn.update_yaxes(values)
    return drawn.update_annotations(font={"size": 11})


def _axes(panels: Panels) -> tuple[dict[str, Any], dict[str, Any]]:
    rates = rate_axis(range=[math.log10(end) for end in panels.rates])
    rates["title"] = axis("base_lr")["title"]
    return rates, {"range": list(panels.values)}


def panel_table(points: Sequence[Point], metric: Metric) -> Table:
    """Return the best complete trials with their rates, and how many trials there are of each kind."""
    complete = [point for point in points if not point.pruned and not math.isnan(point.value)]
    best = sorted(complete, key=lambda point: -metric.sign * point.value)[:_LISTED]
    failed = sum(math.isnan(point.value) for point in points)
    title = f"{len(complete)} complete, {sum(point.pruned for point in points)} pruned, {failed} failed; the best first"
    rows = [(point.base_lr, point.value) for point in best]
    return table(("base_lr", metric.column(f"validation {metric.title}")), rows, title=title)


def by_base_lr(source: Source) -> Iterator[Section]:
    """Yield the panel of each family."""
    if (panels := panels_data(source.study.trials, source.metric)) is None:
        return
    for family, points in panels.points.items():
        drawn = panel_figure(family, panels, source.metric, source.styles[family])
        yield Section(family, (), drawn, (panel_table(points, source.metric),))
