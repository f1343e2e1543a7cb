"""The verdict drawn: the forest of differences, and the families on the axis of the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.comparison.letters import letter_groups, letters
from lrsearch.comparison.settings import Settings
from lrsearch.report.style import BETTER, NEUTRAL, axis, colours, figure, label, translucent
from lrsearch.tables import Column, Table, table

_MOST_PAIRS = 21
_ROW_PIXELS = 40


@dataclass(frozen=True)
class Difference:
    """One tested pair, the better mean first: points with simultaneous limits, and the verdict."""

    better: str
    worse: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    verdict: str
    blocks_to_settle: float


def forest_data(comparison: Comparison) -> list[Difference]:
    """Return the tested pairs, the largest difference first."""
    rows = []
    for i, first in enumerate(comparison.families):
        for j in range(len(comparison.families)):
            d = float(comparison.pairs.difference[i, j])
            if i == j or np.isnan(comparison.low[i, j]) or d < 0 or (d == 0 and i > j):
                continue
            limits = float(comparison.low[i, j]), float(comparison.high[i, j])
            tests = float(comparison.p[i, j]), float(comparison.pairs.p_holm[i, j])
            verdict, blocks = str(comparison.pairs.verdict[i, j]), float(comparison.pairs.blocks_to_settle[i, j])
            rows.append(Difference(first, comparison.families[j], d, *limits, *tests, verdict, blocks))
    return sorted(rows, key=lambda row: -row.difference)


def headline(rows: Sequence[Difference]) -> list[Difference]:
    """Return all pairs where they are few, else those with the best mean, against which every other one stands."""
    if len(rows) <= _MOST_PAIRS:
        return list(rows)
    # With all pairs tested, the best mean is never the worse one of a pair.
    best = {row.better for row in rows} - {row.worse for row in rows}
    return [row for row in rows if row.better in best] or list(rows[:_MOST_PAIRS])


def forest_figure(rows: Sequence[Difference], settings: Settings) -> go.Figure:
    """Return the forest plot: a row a pair, and the band of differences that would not matter."""
    names = [f"{label(row.better)} −<br>{label(row.worse)}" for row in rows]
    traces = []
    for colour, mark, shown in ((BETTER, "separated", True), (NEUTRAL, "not separated", False)):
        chosen = [place for place, row in enumerate(rows) if (row.low > 0) == shown]
        limits = [(rows[p].high - rows[p].difference, rows[p].difference - rows[p].low) for p in chosen]
        traces.append(
            go.Scatter(
                x=[rows[p].difference for p in chosen],
                y=[names[p] for p in chosen],
                error_x={
                    "type": "data",
                    "array": [up for up, _ in limits],
                    "arrayminus": [down for _, down in limits],
                    "thickness": 2,
                    "width": 5,
                },
                mode="markers",
                marker={"color": colour, "size": 9, "symbol": "circle" if shown else "circle-open"},
                name=mark,
            )
        )
    band = {
        "type": "rect",
        "x0": -settings.rope,
        "x1": settings.rope,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
    }
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": NEUTRAL, "width": 1}}
    return figure(
        traces,
        height=110 + _ROW_PIXELS * len(rows),
        xaxis=axis(f"difference ({settings.unit})"),
        yaxis=axis(categoryorder="array", categoryarray=names[::-1], range=[-0.7, len(rows) - 0.3]),
        shapes=[{**band, "fillcolor": translucent(NEUTRAL, 0.22), "line": {"width": 0}}, zero],
    )


def forest_table(rows: Sequence[Difference], settings: Settings) -> Table:
    """Return all tested pairs with their intervals, p-values and verdicts."""
    columns: tuple[str | Column, ...] = (
        "better mean",
        "other",
        *(Column(name, decimals=settings.decimals, signed=True) for name in ("difference", "low", "high")),
        "p (max-T)",
        "p (Holm t)",
        "verdict",
        "to settle",
    )
    return table(
        columns,
        [
            (
                row.better,
                row.worse,
                row.difference,
                row.low,
                row.high,
                row.p,
                row.p_holm,
                row.verdict,
                f"{row.blocks_to_settle:.0f} blocks" if 0 < row.blocks_to_settle < np.inf else None,
            )
            for row in rows
        ],
        title=f"In {settings.unit}; simultaneous {100 * (1 - settings.alpha):g}% limits and their p; "
        "beside it the paired t-test with Holm's correction",
    )


@dataclass(frozen=True)
class Standing:
    """The families on the axis of the metric, the best first, and the groups within which no test separates two.

    `groups` hold places; two families share one exactly where they are not separated. Without a test of all pairs there
    are none, and `complete` is False.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    complete: bool


def standing_data(comparison: Comparison) -> Standing:
    """Return the families that were tested by their means, with the groups of a compact letter display."""
    order = [place for place in comparison.best_first if not np.isnan(comparison.recommendation.p_worse[place])]
    p = comparison.p[np.ix_(order, order)]
    complete = bool(np.isfinite(p).all())
    groups = letter_groups(p <= comparison.settings.alpha) if complete else ()
    names = tuple(comparison.families[place] for place in order)
    return Standing(names, tuple(float(comparison.means.mean[place]) for place in order), groups, complete)


def standing_figure(data: Standing, metric: str) -> go.Figure:
    """Return the families on the axis of the metric, and below them a line for each group, with a dot at its members.

    A family over which a line passes without a dot is not a member.
    """
    names = [label(name) for name in data.names]
    colour_of = colours(data.names)
    joined = [group for group in data.groups if len(group) > 1]
    lines = [
        go.Scatter(
            x=[data.means[place] for place in group],
            y=[-1 - level] * len(group),
            mode="lines+markers",
            line={"color": NEUTRAL, "width": 2},
            marker={"color": NEUTRAL, "size": 9},
            name="not separated",
            showlegend=level == 0,
            hoverinfo="skip",
        )
        for level, group in enumerate(joined)
    ]
    dots = go.Scatter(
        x=data.means,
        y=list(range(len(names))),
        mode="markers",
        marker={"size": 11, "color": [colour_of[name] for name in data.names]},
        showlegend=False,
        name="mean",
    )
    top = -len(joined) - 0.6
    guide = {"type": "line", "layer": "below", "line": {"color": translucent(NEUTRAL, 0.5), "width": 1, "dash": "dot"}}
    guides = [guide | {"x0": mean, "x1": mean, "y0": place, "y1": top} for place, mean in enumerate(data.means)]
    places: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "showgrid": False,
    }
    return figure(
        [*lines, dots],
        height=110 + 26 * (len(names) + len(joined)),
        xaxis=axis(metric),
        yaxis=axis(**places, range=[len(names) - 0.4, top]),
        shapes=guides,
    )


def standing_table(data: Standing, settings: Settings) -> Table:
    """Return the means with a letter for each group: two families share a letter exactly where none separates them."""
    shown = letters(data.groups, len(data.names))
    rows = [(name, mean, own or None) for name, mean, own in zip(data.names, data.means, shown, strict=True)]
    columns = ("family", Column("mean", decimals=settings.decimals), "letters")
    return table(columns, rows, title="Two that share a letter are not separated; two that share none are")
