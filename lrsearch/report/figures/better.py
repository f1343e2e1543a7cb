"""How often a run of one family beats a run of another: P(A > B), pointwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import BETTER, NEUTRAL, WORSE, axis, figure, label, translucent
from lrsearch.tables import Table, table


def better_figure(comparison: Comparison) -> go.Figure:
    """Return the matrix of P(a run of the row beats a run of the column), both ordered by their means."""
    order = comparison.best_first
    names = [label(comparison.families[place]) for place in order]
    matrix = comparison.pairs.p_better[np.ix_(order, order)].astype(object)
    matrix[np.isnan(matrix.astype(float))] = None
    np.fill_diagonal(matrix, None)
    values = matrix.tolist()
    heat = go.Heatmap(
        z=values,
        x=names,
        y=names,
        zmin=0,
        zmax=1,
        colorscale=[[0, translucent(WORSE, 0.75)], [0.5, translucent(NEUTRAL, 0.0)], [1, translucent(BETTER, 0.75)]],
        text=[["" if value is None else f"{100 * value:.0f}" for value in row] for row in values],
        texttemplate="%{text}",
        hovertemplate="P(%{y} beats %{x}) = %{z:.2f}<extra></extra>",
        showscale=False,
        xgap=1,
        ygap=1,
    )
    sides: dict[str, Any] = {"showgrid": False, "type": "category"}
    return figure(
        [heat],
        height=150 + 30 * len(names),
        xaxis=axis(**sides, side="top", tickangle=-60),
        yaxis=axis(**sides, autorange="reversed"),
    )


def better_table(comparison: Comparison) -> Table:
    """Return P(A > B) of each pair that was tested or could be, with its pointwise limits, the surest first."""
    rows = []
    for i, first in enumerate(comparison.families):
        for j, second in enumerate(comparison.families):
            p = float(comparison.pairs.p_better[i, j])
            if i != j and (p > 0.5 or (p == 0.5 and i < j)):
                limits = (float(comparison.pairs.p_better_low[i, j]), float(comparison.pairs.p_better_high[i, j]))
                rows.append((first, second, p, *limits))
    rows.sort(key=lambda row: -row[2])
    columns = ("A", "B", "P(A > B)", "low", "high")
    return table(columns, rows, title=f"Pointwise {comparison.level} limits: not corrected for many pairs")


def how_often_better(source: Source) -> Iterator[Section]:
    """Yield how often a run of one family beats a run of another."""
    if (comparison := source.comparison) is not None and np.isfinite(comparison.recommendation.p_worse).any():
        sentence = "In per cent: the chance that a run of the row beats a run of the column."
        shown = better_figure(comparison)
        yield Section("How often one run beats another", (sentence,), shown, (better_table(comparison),))
