"""The forest plot: every tested pair with its difference and its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.comparison.settings import Settings
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import BETTER, NEUTRAL, axis, figure, label, translucent
from lrsearch.tables import Column, PValue, Table, table

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
    return figure(
        traces,
        height=110 + _ROW_PIXELS * len(rows),
        **difference_axes(f"difference ({settings.metric.unit})", names, settings),
    )


def difference_axes(title: str, names: Sequence[str], settings: Settings) -> dict[str, Any]:
    """Return the axes of a forest plot, the first row on top, with the line of no difference and the ROPE around it."""
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": NEUTRAL, "width": 1}}
    rows = list(names)[::-1]
    return {
        "xaxis": axis(title),
        "yaxis": axis(categoryorder="array", categoryarray=rows, range=[-0.7, len(rows) - 0.3]),
        "shapes": [*([] if settings.rope is None else [_band(settings.rope)]), zero],
    }


def _band(rope: float) -> dict[str, Any]:
    """Return the band of differences that would not matter."""
    place = {"x0": -rope, "x1": rope, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return {"type": "rect", **place, "fillcolor": translucent(NEUTRAL, 0.22), "line": {"width": 0}}


def forest_table(rows: Sequence[Difference], settings: Settings) -> Table:
    """Return all tested pairs with their intervals, p-values and verdicts."""
    columns: tuple[str | Column, ...] = (
        "better mean",
        "other",
        *(Column(name, decimals=settings.metric.decimals, signed=True) for name in ("difference", "low", "high")),
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
                PValue(row.p),
                PValue(row.p_holm),
                row.verdict,
                f"{row.blocks_to_settle:.0f} blocks" if 0 < row.blocks_to_settle < np.inf else None,
            )
            for row in rows
        ],
        title=f"In {settings.metric.unit}; simultaneous {100 * (1 - settings.alpha):g}% limits and their p; "
        "beside it the paired t-test with Holm's correction",
    )


def differences(source: Source) -> Iterator[Section]:
    """Yield the forest plot of the tested pairs."""
    if (comparison := source.comparison) is None or not (rows := forest_data(comparison)):
        return
    settings, drawn = comparison.settings, headline(rows)
    sentences = [
        f"A row is a pair: the mean difference over {comparison.blocks} paired blocks with its simultaneous "
        f"{comparison.level} interval. An interval that does not touch 0 separates the pair."
    ]
    if settings.rope is not None:
        sentences.append(
            f"One inside the band, {settings.metric.amount(settings.rope)} to either side of 0, shows that the "
            "difference does not matter."
        )
    if len(drawn) < len(rows):
        sentences.append(f"Drawn are the pairs with the best mean; the table holds all {len(rows)}.")
    yield Section("Differences", tuple(sentences), forest_figure(drawn, settings), (forest_table(rows, settings),))
