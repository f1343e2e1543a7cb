"""The search itself: what was found when, and how trials ended. Descriptive throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import plotly.graph_objects as go

from lrsearch.records import TrialRecord
from lrsearch.report.style import NEUTRAL, axis, colours, dashes, figure, focus, label, symbols, translucent
from lrsearch.tables import Table, table


@dataclass(frozen=True)
class History:
    """What one search found: finished trials in their order, and the best so far (None before the first complete)."""

    numbers: tuple[int, ...]
    families: tuple[str, ...]
    values: tuple[float, ...]
    pruned: tuple[bool, ...]
    best: tuple[float | None, ...]


def history_data(search: Sequence[TrialRecord], *, scale: float, maximize: bool) -> History:
    """Return the finished trials of a search; the best so far is over complete ones, as pruned ones have no end."""
    rows, best = [], None
    pick = max if maximize else min
    for record in sorted((r for r in search if r.finished and r.value is not None), key=lambda r: r.number):
        value = scale * (record.value if record.value is not None else float("nan"))
        if record.state == "complete":
            best = value if best is None else pick(best, value)
        rows.append((record.number, record.family, value, record.state == "pruned", best))
    return History(*(tuple(column) for column in zip(*rows, strict=True))) if rows else History((), (), (), (), ())


def history_figure(histories: Sequence[History], metric: str, *, maximize: bool = True) -> go.Figure:
    """Return every finished trial by its number, and the best so far of each search."""
    names = list(dict.fromkeys(family for history in histories for family in history.families))
    colour_of, symbol_of = colours(names), symbols(names)
    traces = []
    for name in names:
        own = [
            (number, value, pruned)
            for h in histories
            for number, family, value, pruned in zip(h.numbers, h.families, h.values, h.pruned, strict=True)
            if family == name
        ]
        traces.append(
            go.Scatter(
                x=[number for number, _, _ in own],
                y=[value for _, value, _ in own],
                mode="markers",
                name=label(name),
                marker={
                    "color": colour_of[name],
                    "symbol": [symbol_of[name] + ("-open" if pruned else "") for _, _, pruned in own],
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
    seen = focus([value for history in histories for value in history.values], maximize=maximize)
    return figure(traces, height=520, xaxis=axis("trial"), yaxis=axis(f"select {metric}", **seen))


def history_table(histories: Sequence[History], metric: str) -> Table:
    """Return every complete trial that was better than all before it in its search."""
    rows = []
    for search, history in enumerate(histories):
        before: float | None = None
        for number, family, best in zip(history.numbers, history.families, history.best, strict=True):
            if best is not None and best != before:
                rows.append((search, number, family, best))
                before = best
    return table(("search", "trial", "family", f"best {metric}"), rows, title="When the best so far improved")


def values_by_family(trials: Sequence[TrialRecord], *, scale: float) -> dict[str, list[float]]:
    """Return the sorted final values of the complete trials of each family."""
    values: dict[str, list[float]] = {}
    for record in trials:
        if record.state == "complete" and record.value is not None:
            values.setdefault(record.family, []).append(scale * record.value)
    return {family: sorted(own) for family, own in values.items()}


def ecdf_figure(values: dict[str, list[float]], metric: str, *, maximize: bool = True) -> go.Figure:
    """Return the share of complete trials of each family at or below each value."""
    colour_of, dash_of = colours(list(values)), dashes(list(values))
    traces = [
        go.Scatter(
            x=[own[0], *own],
            y=[place / len(own) for place in range(len(own) + 1)],
            mode="lines",
            line={"color": colour_of[name], "dash": dash_of[name], "shape": "hv", "width": 2},
            name=label(name),
        )
        for name, own in values.items()
    ]
    seen = focus([value for own in values.values() for value in own], maximize=maximize)
    shares = axis("share of trials", range=[0, 1.02])
    return figure(traces, height=480, xaxis=axis(f"select {metric}", **seen), yaxis=shares)


def ecdf_table(values: dict[str, list[float]]) -> Table:
    """Return five numbers of the complete trials of each family."""
    rows = [(n, len(own), *np.quantile(own, (0, 0.25, 0.5, 0.75, 1)).tolist()) for n, own in values.items()]
    return table(("family", "complete", "lowest", "lower quartile", "median", "upper quartile", "highest"), rows)


@dataclass(frozen=True)
class Endings:
    """How the trials of a family ended; `pruned` holds {epochs that a pruned trial had: how many}."""

    family: str
    complete: int
    diverged: int
    pruned: dict[int, int]
    unfinished: int
    epochs: int
    epochs_in_full: int
    seconds: float
    best: float | None
    median: float | None


def endings_data(
    trials: Sequence[TrialRecord], families: Sequence[str], *, epochs: int, scale: float, maximize: bool
) -> list[Endings]:
    """Return how the trials of each family ended, and what the finished ones cost of `epochs` each."""
    rows = []
    for family in families:
        own = [record for record in trials if record.family == family]
        finished = [record for record in own if record.finished]
        complete = [record for record in finished if record.state == "complete"]
        values = [scale * record.value for record in complete if record.value is not None]
        pruned = Counter(len(record.reported) for record in finished if record.state == "pruned")
        diverged = sum(record.stop_reason == "diverged" for record in complete)
        rows.append(
            Endings(
                family,
                len(complete) - diverged,
                diverged,
                dict(sorted(pruned.items())),
                len(own) - len(finished),
                sum(len(record.reported) for record in finished),
                epochs * len(finished),
                sum(record.seconds or 0.0 for record in finished),
                (max if maximize else min)(values, default=None),
                median(values) if values else None,
            )
        )
    return rows


def endings_figure(rows: Sequence[Endings]) -> go.Figure:
    """Return the pruning record: a bar per family, split by how its trials ended."""
    names = [label(row.family) for row in rows]
    rungs = sorted({epoch for row in rows for epoch in row.pruned})
    shades = np.linspace(0.75, 0.3, max(len(rungs), 1))
    bars = [("complete", [row.complete for row in rows], "#2f9e44")]
    bars += [
        (f"pruned after epoch {epoch}", [row.pruned.get(epoch, 0) for row in rows], translucent("#e8710a", shade))
        for epoch, shade in zip(rungs, shades.tolist(), strict=False)
    ]
    bars += [("diverged", [row.diverged for row in rows], "#d6336c")]
    traces = [
        go.Bar(x=counts, y=names, orientation="h", name=name, marker={"color": colour})
        for name, counts, colour in bars
        if any(counts)
    ]
    return figure(
        traces,
        height=110 + 26 * len(names),
        barmode="stack",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "traceorder": "normal"},
        xaxis=axis("finished trials"),
        yaxis=axis(autorange="reversed", showgrid=False),
    )


def endings_table(rows: Sequence[Endings], metric: str) -> Table:
    """Return how the trials of each family ended, what they cost, and their best and median."""
    columns = ("family", "complete", "pruned", "diverged", "unfinished", "epochs run", "of full epochs", "seconds")
    return table(
        (*columns, f"best {metric}", "median"),
        [
            (
                row.family,
                row.complete,
                ", ".join(f"{count} after epoch {epoch}" for epoch, count in row.pruned.items()) or "none",
                row.diverged,
                row.unfinished,
                row.epochs,
                f"{row.epochs / row.epochs_in_full:.0%}" if row.epochs_in_full else None,
                round(row.seconds, 1),
                row.best,
                row.median,
            )
            for row in rows
        ],
    )
