"""The two pictures of the first page: the recommended ones against the preferred one, and the winners' curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.comparison.settings import Settings
from lrsearch.report.curves import candidate_runs, distinct_rates
from lrsearch.report.figures.forest import difference_axes
from lrsearch.report.figures.schedules import Sample, samples_table
from lrsearch.report.page import Section
from lrsearch.report.rates import RateCurve
from lrsearch.report.source import Source
from lrsearch.report.style import Style, axis, figure, grey_line, label, rate_axis
from lrsearch.tables import Column, Estimate, Table, table

_ROW_PIXELS = 30
_DECADES = 3
"""How far below the highest rate the curves are drawn."""


@dataclass(frozen=True)
class Rival:
    """A candidate beside the preferred one: the difference of their means with its limits, below 0 where worse."""

    name: str
    difference: float
    low: float
    high: float


def rivals(comparison: Comparison) -> list[Rival]:
    """Return the other recommended candidates against the preferred one; where it stands alone, all others.

    A pair that the plan does not test is left out.
    """
    if (preferred := comparison.preferred) is None:
        return []
    place = comparison.families.index(preferred)
    order = [int(other) for other in comparison.best_first if other != place]
    tested = [other for other in order if np.isfinite(comparison.low[other, place])]
    recommended = [other for other in tested if comparison.families[other] in comparison.recommended]
    return [
        Rival(
            comparison.families[other],
            float(comparison.pairs.difference[other, place]),
            float(comparison.low[other, place]),
            float(comparison.high[other, place]),
        )
        for other in recommended or tested
    ]


def rivals_figure(rows: Sequence[Rival], settings: Settings, styled: Mapping[str, Style]) -> go.Figure:
    """Return a row for each rival: its difference to the preferred one, with its interval."""
    traces = [
        go.Scatter(
            x=[row.difference],
            y=[label(row.name)],
            error_x={
                "type": "data",
                "array": [row.high - row.difference],
                "arrayminus": [row.difference - row.low],
                "thickness": 2,
                "width": 5,
            },
            mode="markers",
            marker={"color": styled[row.name].colour, "symbol": styled[row.name].symbol, "size": 9},
            name=label(row.name),
        )
        for row in rows
    ]
    named = [label(row.name) for row in rows]
    return figure(
        traces,
        height=_height(len(rows)),
        showlegend=False,
        **difference_axes(f"difference ({settings.metric.unit})", named, settings),
    )


def _height(rows: int) -> int:
    """Return the height that both pictures have."""
    return max(300, 90 + _ROW_PIXELS * rows)


def rivals_table(rows: Sequence[Rival], settings: Settings) -> Table:
    """Return the differences with their limits."""
    column = Column("difference", decimals=settings.metric.decimals, signed=True)
    return table(("candidate", column), [(row.name, Estimate(row.low, row.difference, row.high)) for row in rows])


def against_the_preferred(source: Source) -> Iterator[Section]:
    """Yield the recommended candidates against the preferred one."""
    if (comparison := source.comparison) is None or not (rows := rivals(comparison)):
        return
    settings, preferred = comparison.settings, str(comparison.preferred)
    alone = comparison.recommended == (preferred,)
    title = f"{preferred} against the others" if alone else f"The recommended ones against {preferred}"
    region = "" if settings.rope is None else "; in the grey band a difference would not matter"
    sentence = f"Mean differences with simultaneous {comparison.level} intervals, worse to the left{region}."
    drawn = rivals_figure(rows, settings, source.styles)
    yield Section(title, (sentence, *narrower_limits(comparison, rows)), drawn, (rivals_table(rows, settings),))


def narrower_limits(comparison: Comparison, rows: Sequence[Rival]) -> Iterator[str]:
    """Yield why one whose interval leaves the band is within the ROPE of the best all the same, where there is one."""
    rope, within = comparison.settings.rope, comparison.recommendation.equivalent_to_best
    if rope is not None and any(row.low < -rope and row.name in within for row in rows):
        amount = comparison.settings.metric.amount(rope)
        yield f"Who is within {amount} of the best is told by the upper limit of the gap, closer than these intervals."


def curves_figure(
    curves: Mapping[str, Sequence[RateCurve]], styled: Mapping[str, Style], highlighted: Sequence[str], *, height: int
) -> go.Figure:
    """Return the rates of all candidates over the epochs: the highlighted in their styles, the others in grey."""
    traces = [
        grey_line(curve.drawn_at, curve.drawn, name=name)
        for name, of_name in curves.items()
        if name not in highlighted
        for curve in of_name[:1]
    ]
    for name in (name for name in highlighted if name in curves):
        for place, curve in enumerate(curves[name]):
            traces.append(
                go.Scatter(
                    x=curve.drawn_at,
                    y=curve.drawn,
                    mode="lines",
                    name=label(name),
                    legendgroup=name,
                    showlegend=place == 0,
                    line={"color": styled[name].colour, "dash": styled[name].dash, "width": 2.2},
                    opacity=1.0 if len(curves[name]) == 1 else 0.6,
                )
            )
    top = max(float(curve.rates.max()) for of_name in curves.values() for curve in of_name)
    rates = rate_axis(range=[np.log10(top) - _DECADES, np.log10(top) + 0.1]) if top > 0 else rate_axis()
    return figure(traces, height=height, showlegend=True, xaxis=axis("epoch"), yaxis=rates)


def winners(source: Source) -> dict[str, list[Sample]]:
    """Return the distinct schedules with which each candidate was confirmed, or its best trial ran."""
    epochs = source.config.epochs
    samples = {
        name: [Sample(name, dict(run.schedule), curve) for run, curve in distinct_rates(runs, epochs=epochs)]
        for name, runs in candidate_runs(source).items()
    }
    return {name: of_name for name, of_name in samples.items() if of_name}


def curves_of_the_winners(source: Source) -> Iterator[Section]:
    """Yield the rates of the recommended candidates, the others in grey."""
    if samples := winners(source):
        curves = {name: [sample.curve for sample in of_name] for name, of_name in samples.items()}
        all_shown = set(curves) <= set(source.highlighted)
        sentence = "The learning rate by epoch" + ("." if all_shown else "; in grey those that are not recommended.")
        rows = 0 if source.comparison is None else len(rivals(source.comparison))
        drawn = curves_figure(curves, source.styles, source.highlighted, height=_height(rows))
        shown = [sample for name in source.highlighted for sample in samples.get(name, [])]
        yield Section("The winners' curves", (sentence,), drawn, (samples_table(shown),))


FIRST_PAGE = (against_the_preferred, curves_of_the_winners)
