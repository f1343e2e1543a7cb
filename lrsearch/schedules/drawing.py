"""Rates as a small picture: SVG that reads on light and dark paper, for notebooks and for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsearch.errors import InputError
from lrsearch.schedules.family import FloatArray

POINTS = 240
"""The most evenly spaced points that are drawn of a curve; both sides of its jumps are added."""

MOST_STEPS = 10_000_000
"""Longer runs are not drawn: all their rates are computed for it."""

_SHOWN = 12
"""The longest list that a notebook shows whole."""

_COLOURS = ("#3b82f6", "#e8710a", "#2f9e44", "#d6336c")
_LEFT, _RIGHT, _TOP, _BOTTOM, _LEGEND = 52, 8, 8, 20, 14
# A page's own text colour reaches a picture inside it, but not one in a file of its own.
_PAPER = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"


@dataclass(frozen=True)
class Line:
    """One curve: what it is called, and its rates `[steps]` from step 0 on."""

    name: str
    rates: FloatArray


def thinned(rates: FloatArray) -> NDArray[np.int64]:
    """Return which of `rates[steps]` to draw: evenly spaced ones, and both sides of every jump."""
    even = np.linspace(0, len(rates) - 1, min(POINTS, len(rates))).round().astype(np.int64)
    height = float(np.ptp(rates))
    jumps = np.flatnonzero(np.abs(np.diff(rates)) > max(height, 1e-300) / 50) if len(rates) > POINTS else even[:0]
    few = jumps[:POINTS]
    return np.unique(np.concatenate([even, few, few + 1]))


def curves_svg(
    lines: Sequence[Line], *, unit: str = "step", width: int = 420, height: int = 150, alone: bool = False
) -> str:
    """Return a drawing of up to four curves over the same steps, on linear axes that begin at 0.

    Several curves are named above it.

    Args:
        lines: equally long.
        unit: what is counted along them.
        width: pixels.
        height: pixels.
        alone: for a file of its own, which brings its text colour with it.

    Raises:
        InputError: if there is no curve, or more than there are colours.
    """
    if not 1 <= len(lines) <= len(_COLOURS):
        raise InputError(f"lines must be 1 to {len(_COLOURS)} curves, got {len(lines)}")
    steps = len(lines[0].rates)
    peak = max(float(line.rates.max()) for line in lines) or 1.0
    top = _TOP if len(lines) == 1 else _TOP + _LEGEND
    right, bottom = width - _RIGHT, height - _BOTTOM
    names = ", ".join(escape(line.name) for line in lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="learning rate by {unit}: {names}" font-family="system-ui, sans-serif" font-size="11">',
        _PAPER if alone else "",
        f'<path d="M{_LEFT} {top}V{bottom}H{right}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>',
        _text(_LEFT - 5, top + 8, f"{peak:.3g}", "end"),
        _text(_LEFT - 5, bottom, "0", "end"),
        _text(_LEFT, height - 6, f"{unit} 0", "start"),
        _text(right, height - 6, f"{steps:,}", "end"),
    ]
    for place, (line, colour) in enumerate(zip(lines, _COLOURS, strict=False)):
        kept = thinned(line.rates)
        x = _LEFT + (right - _LEFT) * kept / max(steps - 1, 1)
        y = bottom - (bottom - top) * line.rates[kept] / peak
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8">'
            f"<title>{escape(line.name)}</title></polyline>"
        )
        if len(lines) > 1:
            parts.append(_text(_LEFT + place * (right - _LEFT) // len(lines), _TOP + 6, line.name, "start", colour))
    return "".join([*parts, "</svg>"])


def schedule_html(formula: str, params: Mapping[str, Any], rates: Callable[[], FloatArray] | None) -> str:
    """Return what a notebook shows of a schedule: family, formula, parameters, and its curve or why there is none."""
    family = str(params["family"])
    given = ", ".join(f"{escape(name)} = {escape(_value(value))}" for name, value in params.items() if name != "family")
    if rates is None:
        curve = "No curve: its rate follows the validation loss of the run."
    elif params["total_steps"] > MOST_STEPS:
        curve = f"No curve: a run of more than {MOST_STEPS:,} steps is not drawn."
    else:
        curve = curves_svg([Line(family, rates())], unit=str(params.get("interval", "step")))
    return f"<div><b>{escape(family)}</b> <code>{escape(formula)}</code><br>{given}<br>{curve}</div>"


def _text(x: float, y: float, text: str, anchor: str, colour: str = "currentColor") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def _value(value: Any) -> str:
    if isinstance(value, list) and (len(value) > _SHOWN or any(isinstance(item, dict) for item in value)):
        return f"{len(value)} of them"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
