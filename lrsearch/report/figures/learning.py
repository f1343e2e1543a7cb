"""Learning curves with bands over blocks, and the rate beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrsearch.records import LearningCurve, TrialRecord
from lrsearch.report.rates import RateCurve, rate_curve
from lrsearch.report.style import NEUTRAL, axis, colours, dashes, figure, focus, label, rate_axis, translucent
from lrsearch.schedules import reads_metric, schedule_from_params
from lrsearch.tables import Table, table

FloatArray = NDArray[np.float64]

_PARTS = ("test", "report", "select")
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
    """How the runs of one entry went: `part` says on which examples `loss` and `score` were measured."""

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


def learning_data(name: str, runs: Sequence[TrialRecord], *, epochs: int, scale: float) -> Learning | None:
    """Return the curves of an entry over its runs; None if no run kept one.

    The test set's curve is taken where it was read every epoch, else the report part's, which nothing was chosen by,
    else the select part's. `scale` turns a score into what is shown.
    """
    kept = [run for run in runs if run.curve.train_loss]
    if not kept:
        return None
    part = next((p for p in _PARTS if any(getattr(run.curve, f"{p}_loss") for run in kept)), "select")
    return Learning(
        name,
        len(kept),
        part,
        _band(kept, epochs, lambda curve: curve.train_loss),
        _band(kept, epochs, lambda curve: getattr(curve, f"{part}_loss")),
        _band(kept, epochs, lambda curve: [scale * v for v in getattr(curve, f"{part}_accuracy")]),
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


def _band(runs: Sequence[TrialRecord], epochs: int, values_of: Callable[[LearningCurve], Sequence[float]]) -> Band:
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


def overview_figure(entries: Sequence[Learning], metric: str, *, maximize: bool = True) -> go.Figure:
    """Return the score by epoch of all entries with their bands."""
    names = [entry.name for entry in entries]
    colour_of, dash_of = colours(names), dashes(names)
    traces = []
    for entry in entries:
        colour = colour_of[entry.name]
        traces += _band_traces(entry.epochs, entry.score, colour, dash_of[entry.name], entry.name)
    seen = focus([value for entry in entries for value in entry.score.mean.tolist()], maximize=maximize)
    return figure(traces, height=520, xaxis=axis("epoch"), yaxis=axis(metric, **seen))


def overview_table(entries: Sequence[Learning], metric: str) -> Table:
    """Return what each entry had reached at the last epoch: means, and the SD of the score over runs."""
    rows = [
        (
            entry.name,
            entry.runs,
            float(entry.score.mean[-1]),
            float(entry.score.high[-1] - entry.score.mean[-1]),
            float(entry.train_loss.mean[-1]),
            float(entry.loss.mean[-1]),
        )
        for entry in entries
    ]
    return table(("entry", "runs", metric, "SD", "train loss", "loss"), rows, title="At the last epoch")


def _band_traces(epochs: FloatArray, band: Band, colour: str, dash: str, name: str) -> list[go.Scatter]:
    x = epochs.tolist()
    around = go.Scatter(
        x=x + x[::-1],
        y=_plain(band.high) + _plain(band.low)[::-1],
        mode="lines",
        fill="toself",
        fillcolor=translucent(colour, 0.13),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    line = go.Scatter(
        x=x,
        y=_plain(band.mean),
        mode="lines",
        name=label(name),
        legendgroup=name,
        line={"color": colour, "dash": dash, "width": 2},
    )
    return [around, line]


def entry_figure(entry: Learning, colour: str) -> go.Figure:
    """Return the losses of one entry with their bands, and its rate on a second, logarithmic axis."""
    traces = _band_traces(entry.epochs, entry.train_loss, NEUTRAL, "dash", "train loss")
    traces += _band_traces(entry.epochs, entry.loss, colour, "solid", f"{entry.part} loss")
    for place, rates in enumerate(entry.rates):
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
                opacity=1.0 if len(entry.rates) == 1 else 0.45,
            )
        )
    second = rate_axis(overlaying="y", side="right", showgrid=False)
    return figure(traces, height=320, xaxis=axis("epoch"), yaxis=axis("loss"), yaxis2=second)


def entry_table(entry: Learning, metric: str) -> Table:
    """Return the mean losses, score and rate at some epochs, the last one included."""
    epochs = np.unique(np.linspace(1, len(entry.epochs), _TABLE_EPOCHS).round().astype(int))
    rows = []
    for epoch in epochs.tolist():
        at_end = [rates.at_end[epoch - 1] for rates in entry.rates]
        means = [float(band.mean[epoch - 1]) for band in (entry.train_loss, entry.loss, entry.score)]
        rows.append((epoch, *means, float(np.mean(at_end)) if at_end else None))
    return table(("epoch", "train loss", f"{entry.part} loss", metric, "rate at its end"), rows)


def _plain(values: FloatArray) -> list[float]:
    """Return rounded numbers, to keep the page small."""
    return [float(f"{value:.5g}") for value in values.tolist()]
