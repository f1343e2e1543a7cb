"""What the search found: every trial in its order, and the values of the complete ones. Descriptive throughout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import NEUTRAL, OUTSIDE, axis, colours, dashes, figure, focus, label, symbols
from lrsearch.tables import Table, table


@dataclass(frozen=True)
class History:
    """What one search found: finished trials in their order, and the best so far (None before the first complete)."""

    numbers: tuple[int, ...]
    families: tuple[str, ...]
    values: tuple[float, ...]
    pruned: tuple[bool, ...]
    best: tuple[float | None, ...]


def history_data(search: Sequence[TrialRecord], metric: Metric) -> History:
    """Return the finished trials of a search in the unit that people read.

    The best so far is over complete ones: a pruned trial has no value at the last epoch.
    """
    rows, best = [], None
    for record in sorted(search, key=lambda record: record.number):
        if not record.finished or record.value is None:
            continue
        value = metric.scale * record.value
        if record.scored:
            best = value if best is None else metric.best((best, value))
        rows.append((record.number, record.family, value, record.state == "pruned", best))
    return History(*(tuple(column) for column in zip(*rows, strict=True))) if rows else History((), (), (), (), ())


def history_figure(histories: Sequence[History], metric: Metric) -> go.Figure:
    """Return every finished trial by its number, and the best so far of each search."""
    names = list(dict.fromkeys(family for history in histories for family in history.families))
    colour_of, symbol_of = colours(names), symbols(names)
    traces = []
    for name in names:
        points = [
            (number, value, pruned)
            for h in histories
            for number, family, value, pruned in zip(h.numbers, h.families, h.values, h.pruned, strict=True)
            if family == name
        ]
        traces.append(
            go.Scatter(
                x=[number for number, _, _ in points],
                y=[value for _, value, _ in points],
                mode="markers",
                name=label(name),
                marker={
                    "color": colour_of[name],
                    "symbol": [symbol_of[name] + ("-open" if pruned else "") for _, _, pruned in points],
                    "size": 7,
                },
            )
        )
    for place, history in enumerate(histories):
        traces.append(
            go.Scatter(
                x=history.numbers,
                y=history.best,
                mode="lines",
                line={"color": NEUTRAL, "shape": "hv", "width": 2},
                opacity=1.0 if len(histories) == 1 else 0.5,
                name="best so far",
                legendgroup="best",
                showlegend=place == 0,
            )
        )
    seen = focus([value for history in histories for value in history.values], maximize=metric.maximize)
    return figure(traces, height=520, xaxis=axis("trial"), yaxis=axis(f"validation {metric.title}", **seen))


def history_table(histories: Sequence[History], metric: Metric) -> Table:
    """Return every complete trial that was better than all before it in its search."""
    rows = []
    for search, history in enumerate(histories):
        before: float | None = None
        for number, family, best in zip(history.numbers, history.families, history.best, strict=True):
            if best is not None and best != before:
                rows.append((search, number, family, best))
                before = best
    columns = ("search", "trial", "family", metric.column(f"best {metric.title}"))
    return table(columns, rows, title="When the best so far improved")


def values_by_family(trials: Sequence[TrialRecord], metric: Metric) -> dict[str, list[float]]:
    """Return `{family: the sorted final values of its complete trials}`, in the unit that people read."""
    values: dict[str, list[float]] = {}
    for record in trials:
        if record.state == "complete" and record.value is not None:
            values.setdefault(record.family, []).append(metric.scale * record.value)
    return {family: sorted(of_family) for family, of_family in values.items()}


def ecdf_figure(values: dict[str, list[float]], metric: Metric) -> go.Figure:
    """Return the share of complete trials of each family at or below each value."""
    colour_of, dash_of = colours(list(values)), dashes(list(values))
    traces = [
        go.Scatter(
            x=[ordered[0], *ordered],
            y=[place / len(ordered) for place in range(len(ordered) + 1)],
            mode="lines",
            line={"color": colour_of[name], "dash": dash_of[name], "shape": "hv", "width": 2},
            name=label(name),
        )
        for name, ordered in values.items()
    ]
    seen = focus([value for ordered in values.values() for value in ordered], maximize=metric.maximize)
    shares = axis("share of trials", range=[0, 1.02])
    return figure(traces, height=480, xaxis=axis(f"validation {metric.title}", **seen), yaxis=shares)


def ecdf_table(values: dict[str, list[float]], metric: Metric) -> Table:
    """Return five numbers of the complete trials of each family."""
    rows = [(n, len(ordered), *np.quantile(ordered, (0, 0.25, 0.5, 0.75, 1)).tolist()) for n, ordered in values.items()]
    heads = ("lowest", "lower quartile", "median", "upper quartile", "highest")
    return table(("family", "complete", *map(metric.column, heads)), rows)


def search_history(source: Source) -> Iterator[Section]:
    """Yield every finished trial and the best so far of each search."""
    histories = [history_data(search.records, source.metric) for search in source.study.searches]
    if any(history.numbers for history in histories):
        shown = history_figure(histories, source.metric)
        sentences = ("Open marks are pruned trials.", OUTSIDE)
        yield Section("History", sentences, shown, (history_table(histories, source.metric),))


def complete_values(source: Source) -> Iterator[Section]:
    """Yield the values of the complete trials of each family."""
    if values := values_by_family(source.study.trials, source.metric):
        sentence = "Complete trials alone: a pruned one has no value at the last epoch."
        shown = ecdf_figure(values, source.metric)
        yield Section("Values of complete trials", (sentence,), shown, (ecdf_table(values, source.metric),))
