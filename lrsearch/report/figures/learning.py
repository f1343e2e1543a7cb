"""Learning curves with bands over blocks, and the rate beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrsearch.metric import Metric
from lrsearch.records import PARTS, LearningCurve, TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.rates import RateCurve, rate_curve
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
from lrsearch.schedules import reads_metric, schedule_from_params
from lrsearch.tables import Table, table
from lrsearch.text import counted

FloatArray = NDArray[np.float64]

_PARTS_SHOWN = ("test", "report", "select")
"""The parts of the data, the one to be shown first."""
_MOST_RATES = 12
_MOST_BANDS = 4
_TRAIN = Style(NEUTRAL, "dash", "circle")
_TABLE_EPOCHS = 6


@dataclass(frozen=True, eq=False)
class Band:
    """A mean and what lies one SD over runs below and above it, each `[epochs]`."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Learning:
    """How the runs of one candidate went: `part` says on which examples `loss` and `score` were measured.

    `ends` are the epochs that each run has had and its last score, NaN where it ended without one.
    """

    name: str
    ends: tuple[tuple[int, float], ...]
    part: str
    train_loss: Band
    loss: Band
    score: Band
    rates: tuple[RateCurve, ...]

    @property
    def runs(self) -> int:
        """How many runs kept a curve."""
        return len(self.ends)

    @property
    def epochs(self) -> FloatArray:
        """Finished epochs, from 1."""
        return np.arange(1.0, len(self.train_loss.mean) + 1)


def learning_data(name: str, runs: Sequence[TrialRecord], *, epochs: int, metric: Metric) -> Learning | None:
    """Return the curves of a candidate over its runs, in the unit that people read; None if no run kept one.

    The score and the loss are those of the test set where it was read every epoch, else of the holdout, which nothing
    was chosen by, else of the validation part.
    """
    kept = [run for run in runs if run.curve.train_loss or run.curve.select_accuracy]
    if not kept:
        return None
    part = next((part for part in _PARTS_SHOWN if any(getattr(run.curve, f"{part}_loss") for run in kept)), "select")
    return Learning(
        name,
        tuple(_end(run, [metric.scale * v for v in getattr(run.curve, f"{part}_accuracy")]) for run in kept),
        PARTS[part],
        band_of(kept, epochs, lambda curve: curve.train_loss),
        band_of(kept, epochs, lambda curve: getattr(curve, f"{part}_loss")),
        band_of(kept, epochs, lambda curve: [metric.scale * v for v in getattr(curve, f"{part}_accuracy")]),
        tuple(curve for _, curve in distinct_rates(kept, epochs=epochs)),
    )


def _end(run: TrialRecord, scores: Sequence[float]) -> tuple[int, float]:
    epochs = max(len(run.curve.train_loss), len(run.curve.select_accuracy))
    return epochs, scores[-1] if scores and not run.without_score else math.nan


def distinct_rates(runs: Sequence[TrialRecord], *, epochs: int) -> list[tuple[TrialRecord, RateCurve]]:
    """Return the distinct rate curves of runs, a dozen at most, each with the first run that had it.

    What reads the loss is drawn from its own losses.
    """
    distinct: dict[str, tuple[TrialRecord, RateCurve]] = {}
    for run in runs:
        losses = list(run.curve.select_loss) if reads_metric(run.schedule.get("family")) else []
        key = json.dumps([dict(run.schedule), losses], sort_keys=True)
        if run.schedule and key not in distinct and len(distinct) < _MOST_RATES:
            schedule = schedule_from_params(run.schedule)
            distinct[key] = run, rate_curve(schedule, epochs=epochs, select_loss=losses)
    return list(distinct.values())


def band_of(runs: Sequence[TrialRecord], epochs: int, values_of: Callable[[LearningCurve], Sequence[float]]) -> Band:
    """Return the band over runs; a run that ended early counts for the epochs that it has."""
    table = np.full((len(runs), epochs), np.nan)
    for row, run in zip(table, runs, strict=True):
        values = list(values_of(run.curve))[:epochs]
        row[: len(values)] = values
    table[~np.isfinite(table)] = np.nan
    count = np.isfinite(table).sum(axis=0)
    total = np.nansum(table, axis=0)
    mean = np.divide(total, count, out=np.full(epochs, np.nan), where=count > 0)
    squares = np.nansum((table - mean) ** 2, axis=0)
    sd = np.sqrt(np.divide(squares, count - 1, out=np.zeros(epochs), where=count > 1))
    return Band(mean, mean - sd, mean + sd)


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
    own = replace(style, dash="solid")
    traces = drawn_band(candidate.epochs, candidate.train_loss, "train loss", _TRAIN)
    traces += drawn_band(candidate.epochs, candidate.loss, f"{candidate.part} loss", own)
    for place, rates in enumerate(candidate.rates):
        traces.append(
            go.Scatter(
                x=rates.epochs.round(4).tolist(),
                y=[rate if rate > 0 else None for rate in rates.rates.tolist()],
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


CONFIRMED = "Lines are means over the confirmed runs, bands one SD of the runs to both sides."
SEARCHED = "The best trial of each family in the search: one run each, chosen by its result."


def candidate_runs(source: Source) -> dict[str, list[TrialRecord]]:
    """Return the confirmed runs by candidate; where there are none, each family's best trial."""
    runs: dict[str, list[TrialRecord]] = {}
    for run in source.confirmation:
        runs.setdefault(run.family, []).append(run)
    return runs or {family: [record] for family, (_, record) in source.study.best_by_family().items()}


def candidate_curves(source: Source) -> list[Learning]:
    """Return the curves of the candidates that have some."""
    epochs, runs = source.config.epochs, candidate_runs(source)
    candidates = [learning_data(name, records, epochs=epochs, metric=source.metric) for name, records in runs.items()]
    return [candidate for candidate in candidates if candidate is not None]
