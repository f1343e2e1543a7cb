"""What more trials of a family would have bought: valid for random, unpruned trials alone."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison.budget import BudgetCurve, budget_curve
from lrsearch.report.style import axis, colours, dashes, figure, label, translucent
from lrsearch.tables import Table, table

_MOST_BUDGETS = 40


def budget_data(values: dict[str, list[float]], *, maximize: bool, alpha: float) -> dict[str, BudgetCurve]:
    """Return the budget curve of each family from random, unpruned trials' values; where lower is better, negated."""
    curves = {}
    for family, own in values.items():
        budgets = np.unique(np.geomspace(1, len(own), _MOST_BUDGETS).round().astype(int)).tolist()
        scores = own if maximize else [-value for value in own]
        curves[family] = budget_curve(scores, budgets, random_unpruned=True, alpha=alpha)
    return curves


def budget_figure(curves: dict[str, BudgetCurve], metric: str) -> go.Figure:
    """Return the expected best of k trials of each family, with the band of the median where it has both limits."""
    colour_of, dash_of = colours(list(curves)), dashes(list(curves))
    traces = []
    for name, curve in curves.items():
        both = np.isfinite(curve.median_low) & np.isfinite(curve.median_high)
        x = curve.k[both].tolist()
        traces.append(
            go.Scatter(
                x=x + x[::-1],
                y=curve.median_high[both].tolist() + curve.median_low[both].tolist()[::-1],
                mode="lines",
                fill="toself",
                fillcolor=translucent(colour_of[name], 0.13),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                legendgroup=name,
            )
        )
        traces.append(
            go.Scatter(
                x=curve.k.tolist(),
                y=curve.expected_best.tolist(),
                mode="lines",
                line={"color": colour_of[name], "dash": dash_of[name], "width": 2},
                name=label(name),
                legendgroup=name,
            )
        )
    return figure(traces, height=480, xaxis=axis("trials", type="log"), yaxis=axis(f"expected best, {metric}"))


def budget_table(curves: dict[str, BudgetCurve]) -> Table:
    """Return the expected best and the limits of the median best at each budget of each family."""
    rows = [
        (name, k, expected, low, high)
        for name, curve in curves.items()
        for k, expected, low, high in zip(
            curve.k.tolist(),
            curve.expected_best.tolist(),
            curve.median_low.tolist(),
            curve.median_high.tolist(),
            strict=True,
        )
    ]
    return table(("family", "trials", "expected best", "median best, low", "high"), rows)
