"""The confirmed scores themselves: spread by family, and the same block joined across families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.metric import Metric
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import (
    FAILED_RUNS,
    NEUTRAL,
    OUTSIDE,
    Style,
    axis,
    edge,
    failed_marks,
    figure,
    label,
    translucent,
    view,
)
from lrsearch.tables import FIVE_NUMBERS, Table, five_numbers, table


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores `[blocks, families]` in points, the best mean first."""

    names: tuple[str, ...]
    scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def scores_data(comparison: Comparison) -> Scores:
    """Return the scores of a comparison with its families ordered by their means."""
    order = comparison.best_first
    return Scores(tuple(comparison.families[place] for place in order), np.asarray(comparison.scores)[:, order])


def box_figure(data: Scores, metric: Metric, styled: Mapping[str, Style]) -> go.Figure:
    """Return a box and all its points for every family, its failed runs marked at the edge."""
    limits = view(data.scores.ravel().tolist(), maximize=metric.maximize)
    traces = [
        go.Box(
            x=data.scores[:, place].tolist(),
            name=label(name),
            orientation="h",
            boxpoints="all",
            jitter=0.5,
            pointpos=0,
            marker={"color": styled[name].colour, "size": 5, "opacity": 0.75},
            line={"color": styled[name].colour, "width": 1.5},
            fillcolor=translucent(styled[name].colour, 0.15),
        )
        for place, name in enumerate(data.names)
    ]
    return figure(
        [*traces, *_at_the_edge(data, limits, metric)],
        height=90 + 38 * len(data.names),
        showlegend=False,
        xaxis=axis(metric.title, range=limits),
        yaxis=axis(autorange="reversed", showgrid=False),
    )


def _at_the_edge(data: Scores, limits: tuple[float, float], metric: Metric) -> list[go.Scatter]:
    """Return a mark at the bad end for each family with runs that have no score or one beyond that end."""
    end = edge(limits, maximize=metric.maximize)
    scores = metric.sign * data.scores
    counts = (np.isnan(scores) | (scores < metric.sign * end)).sum(axis=0)
    names = [label(name) for name, count in zip(data.names, counts, strict=True) if count]
    marks = failed_marks([end] * len(names), names)
    marks.update(text=[f"{count} failed or far below" for count in counts if count], hovertemplate="%{y}: %{text}")
    return [marks] if names else []


def box_table(data: Scores, metric: Metric) -> Table:
    """Return five numbers of each family, over the runs that have a score, and how many have none."""
    scored = [data.scores[np.isfinite(data.scores[:, place]), place] for place in range(len(data.names))]
    rows = [
        (
            name,
            *five_numbers(values),
            len(data.scores) - values.size,
        )
        for name, values in zip(data.names, scored, strict=True)
    ]
    return table(("family", *map(metric.column, FIVE_NUMBERS), "without a score"), rows)


def paired_figure(data: Scores, metric: Metric) -> go.Figure:
    """Return a line per block through all families: parallel lines mean that the block, not the family, moved them."""
    names = [label(name) for name in data.names]
    limits = view(data.scores.ravel().tolist(), maximize=metric.maximize)
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
        x=_means(data.scores),
        y=names,
        mode="lines+markers",
        line={"color": "#3b82f6", "width": 3},
        marker={"size": 8},
        name="mean",
    )
    return figure(
        [*lines, mean, *_at_the_edge(data, limits, metric)],
        height=90 + 30 * len(names),
        xaxis=axis(metric.title, range=limits),
        yaxis=axis(autorange="reversed"),
    )


def _means(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float | None]:
    """Return the mean of each family's scores; None where it has none."""
    return [float(np.mean(v)) if (v := column[np.isfinite(column)]).size else None for column in scores.T]


def paired_table(data: Scores, metric: Metric) -> Table:
    """Return every score, a row per block."""
    rows = ((block, *row) for block, row in enumerate(data.scores.tolist()))
    return table(("block", *map(metric.column, data.names)), rows)


def spread(source: Source) -> Iterator[Section]:
    """Yield the scores of each family as boxes."""
    if (comparison := source.comparison) is not None:
        data = scores_data(comparison)
        metric = comparison.settings.metric
        shown = box_figure(data, metric, source.styles)
        yield Section("Spread", (OUTSIDE, FAILED_RUNS), shown, (box_table(data, metric),))


def by_block(source: Source) -> Iterator[Section]:
    """Yield the scores of each block, joined across the families."""
    if (comparison := source.comparison) is not None:
        data = scores_data(comparison)
        sentence = "A thin line is one block of seeds: one split, initialisation and order of the data, shared by all."
        metric = comparison.settings.metric
        shown = paired_figure(data, metric)
        yield Section("Block by block", (sentence,), shown, (paired_table(data, metric),))
