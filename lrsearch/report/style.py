"""What all figures share: colours that read on light and dark paper, marks, and a bare layout.

A figure carries no colour of text, axis or grid: the page's stylesheet gives those, by the reader's preference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from statistics import median
from typing import Any

import plotly.graph_objects as go

from lrsearch.schedules import FAMILIES
from lrsearch.text import plain

_PALETTE = (
    "#3b82f6",
    "#e8710a",
    "#2f9e44",
    "#d6336c",
    "#9c6ade",
    "#0ca5a5",
    "#b58900",
    "#e05252",
    "#6b8299",
    "#7a9a1f",
    "#c05fc0",
    "#a87250",
    "#4f6bed",
    "#3f6212",
    "#0369a1",
    "#9f1239",
    # for names that are no family
    "#1f8a70",
    "#bc5090",
    "#8d6e63",
    "#5d7ea8",
    "#c9762c",
    "#7d5fb2",
)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")

_FAR = 5
OUTSIDE = "What is far worse than the rest lies outside the picture until it is zoomed out."

LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"}
"""Above a figure, from its left end."""

NEUTRAL = "#8a8f98"
BETTER, WORSE = "#3b82f6", "#e8710a"


def label(name: str) -> str:
    """Return a name as a figure may hold it: Plotly reads text as HTML, so the signs of HTML are written out."""
    return escape(plain(name), quote=False)


def colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for each name: a family has the same one in every page, other names follow in order."""
    others = sorted(name for name in names if name not in FAMILIES)
    order = [*FAMILIES, *others]
    return {name: _PALETTE[order.index(name) % len(_PALETTE)] for name in names}


def dashes(names: Sequence[str]) -> dict[str, str]:
    """Return a dash pattern for each name, so that colour is not the only mark."""
    return {name: _DASHES[place % len(_DASHES)] for place, name in enumerate(names)}


def symbols(names: Sequence[str]) -> dict[str, str]:
    """Return a marker for each name, so that colour is not the only mark."""
    return {name: _SYMBOLS[place % len(_SYMBOLS)] for place, name in enumerate(names)}


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


def translucent(colour: str, opacity: float) -> str:
    """Return `#rrggbb` as rgba with an opacity from 0 to 1."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


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
    """Return an axis that makes room for its labels."""
    named = {"title": {"text": label(title), "standoff": 8}} if title else {}
    return {"automargin": True, "zeroline": False, "gridcolor": NEUTRAL, **named, **more}


def band(
    x: Sequence[float],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    name: str,
    colour: str,
    dash: str = "solid",
) -> list[go.Scatter]:
    """Return a line `[points]` and the band around it; a point without both limits is on the line alone.

    A single point is drawn as a mark.

    Args:
        x, middle, low, high: `[points]`, in the units of the axes.
        name: in the legend, where line and band are one.
        colour: `#rrggbb`.
        dash: the line's pattern.
    """
    limited = [(at, a, b) for at, a, b in zip(x, low, high, strict=True) if math.isfinite(a) and math.isfinite(b)]
    around = go.Scatter(
        x=[at for at, _, _ in limited] + [at for at, _, _ in reversed(limited)],
        y=[top for _, _, top in limited] + [bottom for _, bottom, _ in reversed(limited)],
        mode="lines",
        fill="toself",
        fillcolor=translucent(colour, 0.13),
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
        line={"color": colour, "dash": dash, "width": 2},
    )
    return [around, line]
