"""The confirmed scores themselves: spread by family, and the same block joined across families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import NEUTRAL, OUTSIDE, axis, colours, figure, focus, label, translucent
from lrsearch.tables import Column, Table, table


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores `[blocks, families]` in points, the best mean first."""

    names: tuple[str, ...]
    scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def scores_data(comparison: Comparison) -> Scores:
    """Return the scores of a comparison with its families ordered by their means."""
    order = comparison.best_first
    return Scores(tuple(comparison.families[place] for place in order), np.asarray(comparison.scores)[:, order])


def box_figure(data: Scores, metric: str) -> go.Figure:
    """Return a box and all its points for every family."""
    colour_of = colours(data.names)
    traces = [
        go.Box(
            x=data.scores[:, place].tolist(),
            name=label(name),
            orientation="h",
            boxpoints="all",
            jitter=0.5,
            pointpos=0,
            marker={"color": colour_of[name], "size": 5, "opacity": 0.75},
            line={"color": colour_of[name], "width": 1.5},
            fillcolor=translucent(colour_of[name], 0.15),
        )
        for place, name in enumerate(data.names)
    ]
    return figure(
        traces,
        height=90 + 38 * len(data.names),
        showlegend=False,
        xaxis=axis(metric, **focus(data.scores.ravel().tolist())),
        yaxis=axis(autorange="reversed", showgrid=False),
    )


def box_table(data: Scores) -> Table:
    """Return five numbers of each family."""
    quartiles = np.quantile(data.scores, (0, 0.25, 0.5, 0.75, 1), axis=0)
    rows = [(name, *quartiles[:, place].tolist()) for place, name in enumerate(data.names)]
    heads = ("lowest", "lower quartile", "median", "upper quartile", "highest")
    return table(("family", *(Column(head, decimals=2) for head in heads)), rows)


def paired_figure(data: Scores, metric: str) -> go.Figure:
    """Return a line per block through all families: parallel lines mean that the block, not the family, moved them."""
    names = [label(name) for name in data.names]
    lines = [
        go.Scatter(
            x=row.tolist(),
            y=names,
            mode="lines+markers",
            line={"color": translucent(NEUTRAL, 0.55), "width": 1},
            marker={"size": 4},
            name=f"block {block}",
            showlegend=False,
        )
        for block, row in enumerate(data.scores)
    ]
    mean = go.Scatter(
        x=data.scores.mean(axis=0).tolist(),
        y=names,
        mode="lines+markers",
        line={"color": "#3b82f6", "width": 3},
        marker={"size": 8},
        name="mean",
    )
    return figure(
        [*lines, mean],
        height=90 + 30 * len(names),
        xaxis=axis(metric, **focus(data.scores.ravel().tolist())),
        yaxis=axis(autorange="reversed"),
    )


def paired_table(data: Scores) -> Table:
    """Return every score, a row per block."""
    rows = ((block, *row) for block, row in enumerate(data.scores.tolist()))
    return table(("block", *(Column(name, decimals=2) for name in data.names)), rows)


def spread(source: Source) -> Iterator[Section]:
    """Yield the scores of each family as boxes."""
    if (comparison := source.comparison) is not None:
        data = scores_data(comparison)
        shown = box_figure(data, comparison.settings.metric.title)
        yield Section("Spread", (OUTSIDE,), shown, (box_table(data),))


def by_block(source: Source) -> Iterator[Section]:
    """Yield the scores of each block, joined across the families."""
    if (comparison := source.comparison) is not None:
        data = scores_data(comparison)
        sentence = "A thin line is one block of seeds: one split, initialisation and order of the data, shared by all."
        shown = paired_figure(data, comparison.settings.metric.title)
        yield Section("Block by block", (sentence,), shown, (paired_table(data),))
