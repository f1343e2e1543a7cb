"""The families on the axis of the metric, and who is separated from whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison import Comparison
from lrsearch.comparison.inference.letters import letter_groups, letters
from lrsearch.comparison.settings import Settings
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import NEUTRAL, Style, axis, figure, label, translucent
from lrsearch.tables import Column, Table, table


@dataclass(frozen=True)
class Standing:
    """The families on the axis of the metric, the best first, and the groups within which no test separates two.

    `groups` hold places; two families share one exactly where they are not separated. Without a test of all pairs there
    are none, and `complete` is False.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    complete: bool


def standing_data(comparison: Comparison) -> Standing:
    """Return the families that were tested by their means, with the groups of a compact letter display."""
    order = [place for place in comparison.best_first if not np.isnan(comparison.recommendation.p_worse[place])]
    p = comparison.p[np.ix_(order, order)]
    complete = bool(np.isfinite(p).all())
    groups = letter_groups(p <= comparison.settings.alpha) if complete else ()
    names = tuple(comparison.families[place] for place in order)
    return Standing(names, tuple(float(comparison.means.mean[place]) for place in order), groups, complete)


def standing_figure(data: Standing, metric: str, styled: Mapping[str, Style]) -> go.Figure:
    """Return the families on the axis of the metric, and below them a line for each group, with a dot at its members.

    A family over which a line passes without a dot is not a member.
    """
    names = [label(name) for name in data.names]
    joined = [group for group in data.groups if len(group) > 1]
    lines = [
        go.Scatter(
            x=[data.means[place] for place in group],
            y=[-1 - level] * len(group),
            mode="lines+markers",
            line={"color": NEUTRAL, "width": 2},
            marker={"color": NEUTRAL, "size": 9},
            name="not separated",
            showlegend=level == 0,
            hoverinfo="skip",
        )
        for level, group in enumerate(joined)
    ]
    dots = go.Scatter(
        x=data.means,
        y=list(range(len(names))),
        mode="markers",
        marker={
            "size": 11,
            "color": [styled[name].colour for name in data.names],
            "symbol": [styled[name].symbol for name in data.names],
        },
        showlegend=False,
        name="mean",
    )
    top = -len(joined) - 0.6
    guide = {"type": "line", "layer": "below", "line": {"color": translucent(NEUTRAL, 0.5), "width": 1, "dash": "dot"}}
    guides = [guide | {"x0": mean, "x1": mean, "y0": place, "y1": top} for place, mean in enumerate(data.means)]
    places: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "showgrid": False,
    }
    return figure(
        [*lines, dots],
        height=110 + 26 * (len(names) + len(joined)),
        xaxis=axis(metric),
        yaxis=axis(**places, range=[len(names) - 0.4, top]),
        shapes=guides,
    )


def standing_table(data: Standing, settings: Settings) -> Table:
    """Return the means with a letter for each group: two families share a letter exactly where none separates them."""
    shown = letters(data.groups, len(data.names))
    rows = [(name, mean, scores or None) for name, mean, scores in zip(data.names, data.means, shown, strict=True)]
    columns = ("family", Column("mean", decimals=settings.metric.decimals), "letters")
    return table(columns, rows, title="Two that share a letter are not separated; two that share none are")


def standing(source: Source) -> Iterator[Section]:
    """Yield the families by their means, those joined that no test separates."""
    if (comparison := source.comparison) is not None and (data := standing_data(comparison)).names:
        shown = standing_figure(data, comparison.settings.metric.title, source.styles)
        sentence = _GROUPS if data.complete else _NO_GROUPS
        yield Section("Standing", (sentence,), shown, (standing_table(data, comparison.settings),))


_GROUPS = "A line joins, at its dots, families of whom no test separates two; families without a line in common differ."
_NO_GROUPS = "Not all pairs were planned, so that no lines join families here."
