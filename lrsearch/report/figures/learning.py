"""Learning curves with bands over blocks, and the rate beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrsearch.metric import Metric
from lrsearch.records import PARTS, LearningCurve, TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.rates import RateCurve, rate_curve
from lrsearch.report.source import Source
from lrsearch.report.style import NEUTRAL, OUTSIDE, axis, band, colours, dashes, figure, focus, rate_axis
from lrsearch.schedules import reads_metric, schedule_from_params
from lrsearch.tables import Table, table

FloatArray = NDArray[np.float64]

_PARTS_SHOWN = ("test", "report", "select")
"""The parts of the data, the one to be shown first."""
_MOST_RATES = 12
_TABLE_EPOCHS = 6


@dataclass(frozen=True, eq=False)
class Band:
    """A mean and what lies one SD over runs below and above it, each `[epochs]`."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Learning:
    """How the runs of one candidate went: `part` says on which examples `loss` and `score` were measured."""

    name: str
    runs: int
    part: str
    train_loss: Band
    loss: Band
    score: Band
    rates: tuple[RateCurve, ...]

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
        len(kept),
        PARTS[part],
        _band_of(kept, epochs, lambda curve: curve.train_loss),
        _band_of(kept, epochs, lambda curve: getattr(curve, f"{part}_loss")),
        _band_of(kept, epochs, lambda curve: [metric.scale * v for v in getattr(curve, f"{part}_accuracy")]),
        run_rates(kept, epochs=epochs),
    )


def run_rates(runs: Sequence[TrialRecord], *, epochs: int) -> tuple[RateCurve, ...]:
    """Return the distinct rate curves of runs, a dozen at most; what reads the loss is drawn from its own losses."""
    distinct: dict[str, RateCurve] = {}
    for run in runs:
        losses = list(run.curve.select_loss) if reads_metric(run.schedule.get("family")) else []
        key = json.dumps([dict(run.schedule), losses], sort_keys=True)
        if run.schedule and key not in distinct and len(distinct) < _MOST_RATES:
            distinct[key] = rate_curve(schedule_from_params(run.schedule), epochs=epochs, select_loss=losses)
    return tuple(distinct.values())


def _band_of(runs: Sequence[TrialRecord], epochs: int, values_of: Callable[[LearningCurve], Sequence[float]]) -> Band:
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


def overview_figure(candidates: Sequence[Learning], metric: Metric) -> go.Figure:
    """Return the score by epoch of all candidates with their bands."""
    names = [candidate.name for candidate in candidates]
    colour_of, dash_of = colours(names), dashes(names)
    traces = []
    for candidate in candidates:
        style = {"name": candidate.name, "colour": colour_of[candidate.name], "dash": dash_of[candidate.name]}
        traces += _drawn(candidate.epochs, candidate.score, **style)
    seen = focus(
        [value for candidate in candidates for value in candidate.score.mean.tolist()], maximize=metric.maximize
    )
    return figure(traces, height=520, xaxis=axis("epoch"), yaxis=axis(metric.title, **seen))


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


def _drawn(epochs: FloatArray, values: Band, *, name: str, colour: str, dash: str) -> list[go.Scatter]:
    middle, low, high = map(_plain, (values.mean, values.low, values.high))
    return band(epochs.tolist(), middle, low, high, name=name, colour=colour, dash=dash)


def candidate_figure(candidate: Learning, colour: str) -> go.Figure:
    """Return the losses of one candidate with their bands, and its rate on a second, logarithmic axis."""
    traces = _drawn(candidate.epochs, candidate.train_loss, name="train loss", colour=NEUTRAL, dash="dash")
    traces += _drawn(candidate.epochs, candidate.loss, name=f"{candidate.part} loss", colour=colour, dash="solid")
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
    if shown := _candidates(source):
        parts = ", ".join(sorted({candidate.part for candidate in shown}))
        sentence = _CONFIRMED if source.confirmation else _SEARCHED
        figure_, table_ = overview_figure(shown, source.metric), overview_table(shown, source.metric)
        yield Section(f"{source.metric.title} by epoch, {parts}", (sentence, OUTSIDE), figure_, (table_,))


def each_candidate(source: Source) -> Iterator[Section]:
    """Yield the losses and the rate of each candidate."""
    shown = _candidates(source)
    colour_of = colours([candidate.name for candidate in shown])
    for candidate in shown:
        sentence = f"{candidate.runs} run{'s' * (candidate.runs > 1)}; the rate on the right."
        drawn = candidate_figure(candidate, colour_of[candidate.name])
        yield Section(candidate.name, (sentence,), drawn, (candidate_table(candidate, source.metric),))


_CONFIRMED = "Lines are means over the confirmed runs, bands one SD of the runs to both sides."
_SEARCHED = "The best trial of each family in the search: one run each, chosen by its result."


def further_numbers(source: Source) -> Iterator[Section]:
    """Yield what runs have reported besides, each number of all candidates by epoch."""
    runs, epochs = _runs(source), source.config.epochs
    names = sorted({name for records in runs.values() for record in records for name in record.curve.more})
    colour_of, dash_of = colours(list(runs)), dashes(list(runs))
    for name in names:
        traces = []
        for candidate, records in runs.items():
            reported = _band_of(records, epochs, partial(_reported, name))
            style = {"name": candidate, "colour": colour_of[candidate], "dash": dash_of[candidate]}
            traces += _drawn(np.arange(1.0, epochs + 1), reported, **style)
        drawn = figure(traces, height=320, xaxis=axis("report"), yaxis=axis(name))
        yield Section(name, (_CONFIRMED if source.confirmation else _SEARCHED,), drawn)


def _reported(name: str, curve: LearningCurve) -> tuple[float, ...]:
    return curve.more.get(name, ())


def _runs(source: Source) -> dict[str, list[TrialRecord]]:
    """Return the confirmed runs by candidate; where there are none, each family's best trial."""
    runs: dict[str, list[TrialRecord]] = {}
    for run in source.confirmation:
        runs.setdefault(run.family, []).append(run)
    return runs or {family: [record] for family, (_, record) in source.study.best_by_family().items()}


def _candidates(source: Source) -> list[Learning]:
    """Return the curves of the candidates that have some."""
    epochs, runs = source.config.epochs, _runs(source)
    candidates = [learning_data(name, records, epochs=epochs, metric=source.metric) for name, records in runs.items()]
    return [candidate for candidate in candidates if candidate is not None]
