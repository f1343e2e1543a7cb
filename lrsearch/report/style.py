"""What all figures share: colours that read on light and dark paper, marks, and a bare layout.

A figure carries no colour of text, axis or grid: the page's stylesheet gives those, by the reader's preference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, count
from statistics import median
from typing import Any

import plotly.graph_objects as go

from lrsearch.schedules import FAMILIES
from lrsearch.text import plain

_PALETTE = (
    "#6c649c",
    "#7756be",
    "#f6637c",
    "#367476",
    "#c163fa",
    "#0577ef",
    "#656e40",
    "#f66a0d",
    "#dd0516",
    "#d40572",
    "#3d9dd5",
    "#147b0e",
    "#e866a9",
    "#e56f51",
    "#f553cc",
    "#085bfa",
    "#6c9048",
)
"""Apart for everyone: a test simulates deuteranopia and holds every two of them to a distance of 12 in CIELAB."""
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "pentagon")

_FAR = 5
OUTSIDE = "What is far worse than the rest lies outside the picture until it is zoomed out."

FAILED_RUNS = "A cross at the edge is a run that failed, or one beyond the edge."

LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"}
"""Above a figure, from its left end."""

NEUTRAL = "#8a8f98"
BETTER, WORSE = "#3b82f6", "#e8710a"
FAILED = "#d6336c"


def label(name: str) -> str:
    """Return a name as a figure may hold it: Plotly reads text as HTML, so the signs of HTML are written out."""
    return escape(plain(name), quote=False)


@dataclass(frozen=True)
class Style:
    """How one family, or one fixed schedule, is drawn: the same in every figure of a page."""

    colour: str
    dash: str
    symbol: str


def styles(names: Iterable[str]) -> dict[str, Style]:
    """Return the style of each name of a study; give all names of a page at once.

    A family has the same one in every page. Other names take, in alphabetical order, what the families of this page
    leave free, and then the same colours with other dashes and marks.
    """
    named = set(names)
    families = list(FAMILIES)
    free = [place for place, family in enumerate(families) if family not in named]
    places = {family: place for place, family in enumerate(families)}
    places |= dict(zip(sorted(named - set(families)), chain(free, count(len(families))), strict=False))
    return {name: _style(places[name]) for name in sorted(named)}


def _style(place: int) -> Style:
    again, colour = divmod(place, len(_PALETTE))
    turned = colour + 2 * again
    return Style(_PALETTE[colour], _DASHES[turned % len(_DASHES)], _SYMBOLS[turned % len(_SYMBOLS)])


def focus(values: Sequence[float], *, maximize: bool = True) -> dict[str, Any]:
    """Return the `range` of an axis that leaves out values far on the bad side, or nothing if there are none.

    Far is more than five times as far from the median as the best value: a diverged trial would squash all others.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return {}
    middle, best, worst = median(finite), *((max(finite), min(finite)) if maximize else (min(finite), max(finite)))
    limit = middle - _FAR * (best - middle)
    if best == middle or (worst >= limit if maximize else worst <= limit):
        return {}
    nearest = min(v for v in finite if v >= limit) if maximize else max(v for v in finite if v <= limit)
    margin = 0.05 * (best - nearest)
    return {"range": sorted((nearest - margin, best + margin))}


def view(values: Sequence[float], *, maximize: bool = True) -> tuple[float, float]:
    """Return the limits of the axis that shows `values` as `focus` would, always both of them."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    if far := focus(finite, maximize=maximize):
        return tuple(far["range"])
    margin = 0.05 * (max(finite) - min(finite)) or 0.05 * (abs(finite[0]) or 1.0)
    return min(finite) - margin, max(finite) + margin


def edge(limits: tuple[float, float], *, maximize: bool = True) -> float:
    """Return the bad end of an axis, where a run without a score is marked."""
    return limits[0] if maximize else limits[1]


def failed_marks(x: Sequence[Any], y: Sequence[Any]) -> go.Scatter:
    """Return the marks of failed runs, at the edge of the picture."""
    return go.Scatter(
        x=list(x),
        y=list(y),
        mode="markers",
        name="failed",
        legendgroup="failed",
        showlegend=True,
        cliponaxis=False,
        marker={"symbol": "x-thin", "size": 10, "line": {"width": 2.5, "color": FAILED}},
    )


def translucent(colour: str, opacity: float) -> str:
    """Return `#rrggbb` as rgba with an opacity from 0 to 1."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def grey_line(x: Sequence[Any], y: Sequence[Any], *, name: str, **more: Any) -> go.Scatter:
    """Return the thin grey line of what stands beside others; the mouse shows its name, the legend does not."""
    line = {"color": translucent(NEUTRAL, 0.5), "width": 1.2}
    return go.Scatter(x=list(x), y=list(y), mode="lines", name=label(name), line=line, showlegend=False, **more)


def figure(traces: Sequence[Any], *, height: int = 420, **layout: Any) -> go.Figure:
    """Return a figure of `height` pixels on transparent paper, with its legend on top; a drag scrolls the page."""
    base: dict[str, Any] = {
        "template": go.layout.Template(),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "dragmode": False,
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "legend": LEGEND,
        "xaxis": axis(),
        "yaxis": axis(),
    }
    return go.Figure(list(traces), layout=base | layout)


def rate_axis(**more: Any) -> dict[str, Any]:
    """Return a logarithmic axis of learning rates, with plain numbers at 1 and 3 of every decade."""
    ticks = [digit * 10.0**power for power in range(-9, 2) for digit in (1, 3)]
    labels = [f"{tick:g}" for tick in ticks]
    return axis("learning rate", type="log", tickmode="array", tickvals=ticks, ticktext=labels, **more)


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """Return an axis that makes room for its labels, and keeps them off the marks at its edge."""
    named = {"title": {"text": label(title), "standoff": 8}} if title else {}
    return {"automargin": True, "zeroline": False, "gridcolor": NEUTRAL, "ticklabelstandoff": 6, **named, **more}


def band(
    x: Sequence[float],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    name: str,
    style: Style,
) -> list[go.Scatter]:
    """Return a line `[points]` and the band around it; a point without both limits is on the line alone.

    A single point is drawn as a mark.

    Args:
        x, middle, low, high: `[points]`, in the units of the axes.
        name: in the legend, where line and band are one.
        style: of the line, and of a single point.
    """
    limited = [(at, a, b) for at, a, b in zip(x, low, high, strict=True) if math.isfinite(a) and math.isfinite(b)]
    around = go.Scatter(
        x=[at for at, _, _ in limited] + [at for at, _, _ in reversed(limited)],
        y=[top for _, _, top in limited] + [bottom for _, bottom, _ in reversed(limited)],
        mode="lines",
        fill="toself",
        fillcolor=translucent(style.colour, 0.13),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    line = go.Scatter(
        x=list(x),
        y=list(middle),
        mode="lines" if len(x) > 1 else "markers",
        name=label(name),
        legendgroup=name,
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"symbol": style.symbol},
    )
    return [around, line]
