"""Learning curves with bands over blocks, and the rate beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.report.curves import Band, FloatArray, Learning, candidate_curves
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import (
    FAILED_RUNS,
    LEGEND,
    NEUTRAL,
    OUTSIDE,
    Style,
    axis,
    band,
    edge,
    failed_marks,
    figure,
    grey_line,
    rate_axis,
    view,
)
from lrsearch.tables import Table, table
from lrsearch.text import counted

_MOST_BANDS = 4
CONFIRMED = "Lines are means over the confirmed runs, bands one SD of the runs to both sides."
SEARCHED = "The best trial of each family in the search: one run each, chosen by its result."
_TRAIN = Style(NEUTRAL, "dash", "circle")
_TABLE_EPOCHS = 6


def overview_figure(
    candidates: Sequence[Learning], metric: Metric, styled: Mapping[str, Style], highlighted: Sequence[str]
) -> go.Figure:
    """Return the score by epoch: the highlighted candidates in their styles, the others as thin grey lines.

    Bands are drawn around a few highlighted ones, and around the first alone where they are many. A run without a
    score, or with one beyond the picture, is marked at the edge where it ended.
    """
    first = [candidate for name in highlighted for candidate in candidates if candidate.name == name]
    banded = first if len(first) <= _MOST_BANDS else first[:1]
    others = [candidate for candidate in candidates if candidate.name not in highlighted]
    traces = [grey_line(c.epochs.tolist(), _plain(c.score.mean), name=c.name) for c in others]
    for candidate in reversed(first):
        drawn = drawn_band(candidate.epochs, candidate.score, candidate.name, styled[candidate.name])
        traces += drawn if candidate in banded else drawn[1:]
    means = [value for candidate in candidates for value in candidate.score.mean.tolist()]
    limits = view(means, maximize=metric.maximize)
    end = edge(limits, maximize=metric.maximize)
    failed = [
        epochs
        for candidate in candidates
        for epochs, score in candidate.ends
        if math.isnan(score) or metric.sign * score < metric.sign * end
    ]
    if failed:
        traces.append(failed_marks(failed, [end] * len(failed)))
    legend, scores = LEGEND | {"traceorder": "reversed"}, axis(metric.title, range=limits)
    return figure(traces, height=520, legend=legend, xaxis=axis("epoch"), yaxis=scores)


def overview_table(candidates: Sequence[Learning], metric: Metric) -> Table:
    """Return what each candidate had reached at the last epoch: means, and the SD of the score over runs."""
    rows = [
        (
            candidate.name,
            candidate.runs,
            float(candidate.score.mean[-1]),
            float(candidate.score.high[-1] - candidate.score.mean[-1]),
            float(candidate.train_loss.mean[-1]),
            float(candidate.loss.mean[-1]),
        )
        for candidate in candidates
    ]
    columns = ("candidate", "runs", metric.column(), metric.column("SD"), "train loss", "loss")
    return table(columns, rows, title="At the last epoch")


def drawn_band(epochs: FloatArray, values: Band, name: str, style: Style) -> list[go.Scatter]:
    """Return the band and the line of a candidate."""
    middle, low, high = map(_plain, (values.mean, values.low, values.high))
    return band(epochs.tolist(), middle, low, high, name=name, style=style)


def candidate_figure(candidate: Learning, style: Style) -> go.Figure:
    """Return the losses of one candidate with their bands, and its rate on a second, logarithmic axis."""
    solid = replace(style, dash="solid")
    traces = drawn_band(candidate.epochs, candidate.train_loss, "train loss", _TRAIN)
    traces += drawn_band(candidate.epochs, candidate.loss, f"{candidate.part} loss", solid)
    for place, rates in enumerate(candidate.rates):
        traces.append(
            go.Scatter(
                x=rates.drawn_at,
                y=rates.drawn,
                yaxis="y2",
                mode="lines",
                name="rate",
                legendgroup="rate",
                showlegend=place == 0,
                line={"color": "#b58900", "dash": "dot", "width": 1.5},
                opacity=1.0 if len(candidate.rates) == 1 else 0.45,
            )
        )
    second = rate_axis(overlaying="y", side="right", showgrid=False)
    return figure(traces, height=320, xaxis=axis("epoch"), yaxis=axis("loss"), yaxis2=second)


def candidate_table(candidate: Learning, metric: Metric) -> Table:
    """Return the mean losses, score and rate at some epochs, the last one included."""
    epochs = np.unique(np.linspace(1, len(candidate.epochs), _TABLE_EPOCHS).round().astype(int))
    rows = []
    for epoch in epochs.tolist():
        at_end = [rates.at_end[epoch - 1] for rates in candidate.rates]
        means = [float(band.mean[epoch - 1]) for band in (candidate.train_loss, candidate.loss, candidate.score)]
        rows.append((epoch, *means, float(np.mean(at_end)) if at_end else None))
    return table(("epoch", "train loss", f"{candidate.part} loss", metric.column(), "rate at its end"), rows)


def _plain(values: FloatArray) -> list[float]:
    """Return rounded numbers, to keep the page small."""
    return [float(f"{value:.5g}") for value in values.tolist()]


def overview(source: Source) -> Iterator[Section]:
    """Yield the score of all candidates by epoch."""
    if shown := candidate_curves(source):
        parts = ", ".join(sorted({candidate.part for candidate in shown}))
        highlighted = source.highlighted
        sentences = [CONFIRMED if source.confirmation else SEARCHED]
        if len(highlighted) < len(shown):
            sentences.append("The recommended ones are drawn in their colours, the others in grey.")
        if len(highlighted) > _MOST_BANDS:
            sentences.append(f"The band is that of {highlighted[0]}.")
        drawn = overview_figure(shown, source.metric, source.styles, highlighted)
        title = f"{source.metric.title} by epoch, {parts}"
        yield Section(title, (*sentences, FAILED_RUNS, OUTSIDE), drawn, (overview_table(shown, source.metric),))


def each_candidate(source: Source) -> Iterator[Section]:
    """Yield the losses and the rate of each candidate."""
    shown = candidate_curves(source)
    for candidate in shown:
        sentence = f"{counted(candidate.runs, 'run')}; the rate on the right."
        drawn = candidate_figure(candidate, source.styles[candidate.name])
        yield Section(candidate.name, (sentence,), drawn, (candidate_table(candidate, source.metric),))
