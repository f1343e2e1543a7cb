"""What was tried: parallel coordinates of each family, and which parameter mattered. Descriptive throughout."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import BETTER, LEGEND, NEUTRAL, WORSE, axis, figure, label, translucent
from lrsearch.search.importance import FEWEST_TRIALS
from lrsearch.tables import Table, number, table, text

_MOST_LINES = 150
_MOST_ROWS = 20
_THIRDS = ("best third", "middle third", "worst third")


@dataclass(frozen=True)
class Parallel:
    """Trials as lines over the axes of a family.

    Attributes:
        axes: the parameters, and the value last.
        lowest, highest: what stands at the ends of each axis.
        lines: `[trials][axes]` positions from 0 to 1, the best trial first.
        rows: the same as values, for the table.
    """

    axes: tuple[str, ...]
    lowest: tuple[str, ...]
    highest: tuple[str, ...]
    lines: tuple[tuple[float, ...], ...]
    rows: tuple[tuple[Any, ...], ...]


def parallel_data(
    trials: Sequence[TrialRecord], ranges: Mapping[str, Mapping[str, Any]], metric: Metric
) -> Parallel | None:
    """Return the best complete trials of one family, 150 at most; None if there are none.

    Args:
        trials: of the family.
        ranges: `{parameter: {low, high, log} or {choices}}`, as the study's space is stored.
        metric: of the last axis, in the unit that people read.
    """
    complete = [r for r in trials if r.scored and _inside(r.params, ranges)]
    if not complete:
        return None
    sign = -1 if metric.maximize else 1
    complete.sort(key=lambda record: (sign * (record.value or 0.0), record.number))
    shown = complete[:_MOST_LINES]
    names = [name for name in ranges if all(name in record.params for record in shown)]
    values = [metric.scale * (record.value or 0.0) for record in shown]
    low, high = min(values), max(values)
    rows = [(*(record.params[name] for name in names), value) for record, value in zip(shown, values, strict=True)]
    bounds = [*(ranges[name] for name in names), {"low": low, "high": high, "log": False}]
    ends = [(b["choices"][0], b["choices"][-1]) if "choices" in b else (b["low"], b["high"]) for b in bounds[:-1]]
    return Parallel(
        (*names, f"validation {metric.title}"),
        (*(text(first) for first, _ in ends), number(low, decimals=metric.decimals)),
        (*(text(last) for _, last in ends), number(high, decimals=metric.decimals)),
        tuple(tuple(_position(value, b) for value, b in zip(row, bounds, strict=True)) for row in rows),
        tuple(rows),
    )


def _inside(params: Mapping[str, Any], ranges: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether parameters lie where they were searched; others were added by hand."""
    return all(
        params[name] in bounds["choices"]
        if "choices" in bounds
        else isinstance(params[name], int | float) and bounds["low"] <= params[name] <= bounds["high"]
        for name, bounds in ranges.items()
        if name in params
    )


def _position(value: Any, bounds: Mapping[str, Any]) -> float:
    """Return where a value lies between the ends of its range, 0 to 1."""
    if "choices" in bounds:
        choices = list(bounds["choices"])
        return choices.index(value) / max(len(choices) - 1, 1)
    scale = math.log if bounds["log"] else float
    low, high = scale(bounds["low"]), scale(bounds["high"])
    return (scale(value) - low) / (high - low) if high > low else 0.5


def parallel_figure(data: Parallel) -> go.Figure:
    """Return a line per trial down the axes, which lie one above the other; the best third stands out."""
    places = list(range(len(data.axes)))
    colours = (BETTER, translucent(NEUTRAL, 0.6), translucent(WORSE, 0.45))
    traces = []
    for third in (2, 1, 0):
        chosen = [line for place, line in enumerate(data.lines) if 3 * place // len(data.lines) == third]
        traces.append(
            go.Scatter(
                x=[position for line in chosen for position in (*line, None)],
                y=[place for _ in chosen for place in (*places, None)],
                mode="lines",
                line={"color": colours[third], "width": 1.6 if third == 0 else 1},
                name=_THIRDS[third],
                hoverinfo="skip",
            )
        )
    ends = zip(data.axes, data.lowest, data.highest, strict=True)
    names = [f"<b>{label(name)}</b><br>{label(low)} to {label(high)}" for name, low, high in ends]
    lines = [
        {"type": "line", "x0": 0, "x1": 1, "y0": p, "y1": p, "layer": "below", "line": {"color": NEUTRAL, "width": 1}}
        for p in places
    ]
    down = [len(places) - 0.7, -0.3]
    return figure(
        [trace for trace in traces if trace.x],
        height=80 + 52 * len(places),
        showlegend=True,
        shapes=lines,
        legend=LEGEND | {"traceorder": "reversed"},
        xaxis=axis(visible=False, range=[-0.02, 1.02]),
        yaxis=axis(tickmode="array", tickvals=places, ticktext=names, showgrid=False, range=down),
    )


def parallel_table(data: Parallel, metric: Metric) -> Table:
    """Return the best trials with their parameters."""
    total = len(data.rows)
    all_of_them = "The only complete trial" if total == 1 else f"All {total} complete trials"
    title = f"The best {_MOST_ROWS} of {total} complete trials" if total > _MOST_ROWS else all_of_them
    return table((*data.axes[:-1], metric.column(data.axes[-1])), data.rows[:_MOST_ROWS], title=title)


def importance_figure(importances: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Return the share of each parameter in each family, in per cent."""
    names = list(dict.fromkeys(name for shares in importances.values() for name in shares))
    families = list(importances)
    values = [[importances[family].get(name) for name in names] for family in families]
    heat = go.Heatmap(
        z=values,
        x=[label(name) for name in names],
        y=[label(family) for family in families],
        zmin=0,
        zmax=1,
        colorscale=[[0, translucent(BETTER, 0.0)], [1, translucent(BETTER, 0.8)]],
        text=[["" if value is None else f"{100 * value:.0f}" for value in row] for row in values],
        texttemplate="%{text}",
        hovertemplate="%{y}: %{x} %{z:.0%}<extra></extra>",
        showscale=False,
        xgap=1,
        ygap=1,
    )
    return figure(
        [heat],
        height=170 + 28 * len(families),
        xaxis=axis(side="top", tickangle=-60, showgrid=False),
        yaxis=axis(autorange="reversed", showgrid=False),
    )


def importance_table(importances: Mapping[str, Mapping[str, float]]) -> Table:
    """Return each family's parameters with their shares, the largest first."""
    rows = []
    for family, shares in importances.items():
        ordered = sorted(shares.items(), key=lambda share: -share[1])
        rows.append((family, ", ".join(f"{name} {share:.0%}" for name, share in ordered if np.isfinite(share))))
    return table(("family", "share of each parameter"), rows)


def importance(source: Source) -> Iterator[Section]:
    """Yield the share of each parameter, where a family has trials enough for one."""
    if source.importances:
        sentence = (
            f"PED-ANOVA over the complete trials of each family with at least {FEWEST_TRIALS} of them, in per cent."
        )
        shown = importance_figure(source.importances)
        yield Section("Share of each parameter", (sentence,), shown, (importance_table(source.importances),))


def tried(source: Source) -> Iterator[Section]:
    """Yield the complete trials of each family as lines over the axes of its parameters."""
    for family, ranges in source.study.searched_space.items():
        trials = [record for record in source.study.trials if record.family == family]
        if (data := parallel_data(trials, ranges, source.metric)) is not None:
            yield Section(family, (), parallel_figure(data), (parallel_table(data, source.metric),))
