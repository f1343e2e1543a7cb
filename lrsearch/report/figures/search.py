"""What the search found: every trial in its order, and the values of the complete ones. Descriptive throughout."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
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
    focus,
    label,
    view,
)
from lrsearch.tables import FIVE_NUMBERS, Table, five_numbers, table


@dataclass(frozen=True)
class History:
    """What one search found: finished trials in their order, and the best so far (None before the first complete).

    A trial that diverged has the value NaN: what it stores is only the metric of a model that learned nothing.
    """

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
        value = math.nan if record.without_score else metric.scale * record.value
        if record.scored:
            best = value if best is None else metric.best((best, value))
        rows.append((record.number, record.family, value, record.state == "pruned", best))
    return History(*(tuple(column) for column in zip(*rows, strict=True))) if rows else History((), (), (), (), ())


def history_figure(histories: Sequence[History], metric: Metric, styled: Mapping[str, Style]) -> go.Figure:
    """Return every finished trial by its number, and the best so far of each search."""
    names = list(dict.fromkeys(family for history in histories for family in history.families))
    traces = []
    for name in names:
        points = [
            (number, value, pruned)
            for h in histories
            for number, family, value, pruned in zip(h.numbers, h.families, h.values, h.pruned, strict=True)
            if family == name and not math.isnan(value)
        ]
        traces.append(
            go.Scatter(
                x=[number for number, _, _ in points],
                y=[value for _, value, _ in points],
                mode="markers",
                name=label(name),
                marker={
                    "color": styled[name].colour,
                    "symbol": [styled[name].symbol + ("-open" if pruned else "") for _, _, pruned in points],
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
    limits = view([value for history in histories for value in history.values], maximize=metric.maximize)
    failed = [number for h in histories for number, value in zip(h.numbers, h.values, strict=True) if math.isnan(value)]
    if failed:
        traces.append(failed_marks(failed, [edge(limits, maximize=metric.maximize)] * len(failed)))
    return figure(traces, height=520, xaxis=axis("trial"), yaxis=axis(f"validation {metric.title}", range=limits))


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


@dataclass(frozen=True)
class Values:
    """The final values of a family's complete trials, sorted, in the unit that people read, and how many have none."""

    scored: tuple[float, ...]
    failed: int

    @property
    def trials(self) -> int:
        """All complete trials."""
        return len(self.scored) + self.failed


def values_by_family(trials: Sequence[TrialRecord], metric: Metric) -> dict[str, Values]:
    """Return what the complete trials of each family came to; a diverged or crashed one has no value."""
    complete: dict[str, list[TrialRecord]] = {}
    for record in trials:
        if record.state == "complete":
            complete.setdefault(record.family, []).append(record)
    return {
        family: Values(
            tuple(sorted(metric.scale * (record.value or 0.0) for record in records if record.scored)),
            sum(not record.scored for record in records),
        )
        for family, records in complete.items()
    }


def ecdf_figure(values: Mapping[str, Values], metric: Metric, styled: Mapping[str, Style]) -> go.Figure:
    """Return the share of complete trials of each family at or below each value.

    One that failed is worse than every value: it counts in the share and has no place on the axis of values.
    """
    traces = []
    for name, of_family in values.items():
        below = of_family.failed if metric.maximize else 0
        shares = [(below + place) / of_family.trials for place in range(len(of_family.scored) + 1)]
        traces.append(
            go.Scatter(
                x=[*of_family.scored[:1], *of_family.scored],
                y=shares,
                mode="lines",
                line={"color": styled[name].colour, "dash": styled[name].dash, "shape": "hv", "width": 2},
                name=label(name),
            )
        )
    seen = focus([value for of_family in values.values() for value in of_family.scored], maximize=metric.maximize)
    shares_axis = axis("share of trials", range=[0, 1.02])
    return figure(traces, height=480, xaxis=axis(f"validation {metric.title}", **seen), yaxis=shares_axis)


def ecdf_table(values: Mapping[str, Values], metric: Metric) -> Table:
    """Return five numbers of the complete trials of each family that have a value, and how many failed."""
    rows = [(name, v.trials, v.failed, *five_numbers(v.scored)) for name, v in values.items()]
    return table(("family", "complete", "failed", *map(metric.column, FIVE_NUMBERS)), rows)


def search_history(source: Source) -> Iterator[Section]:
    """Yield every finished trial and the best so far of each search."""
    histories = [history_data(search.records, source.metric) for search in source.study.searches]
    if any(history.numbers for history in histories):
        shown = history_figure(histories, source.metric, source.styles)
        sentences = ("Open marks are pruned trials.", FAILED_RUNS, OUTSIDE)
        yield Section("History", sentences, shown, (history_table(histories, source.metric),))


def complete_values(source: Source) -> Iterator[Section]:
    """Yield the values of the complete trials of each family."""
    values = values_by_family(source.study.trials, source.metric)
    if any(of_family.scored for of_family in values.values()):
        sentence = (
            "Complete trials alone: a pruned one has no value at the last epoch. One that failed counts as worse than "
            "every value."
        )
        shown = ecdf_figure(values, source.metric, source.styles)
        yield Section("Values of complete trials", (sentence,), shown, (ecdf_table(values, source.metric),))
