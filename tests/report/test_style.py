"""Colours, marks, axes and bands that all figures share."""

from __future__ import annotations

import math

import numpy as np

from lrsearch import schedules as lr_schedules
from lrsearch.report import style
from lrsearch.report.style import Style, focus, styles

BLACK = Style("#000000", "solid", "circle")


def test_focus_leaves_out_what_is_far_worse_and_never_what_is_better():
    """Diverged trials do not squash the others, in either direction; without them nothing is cut."""
    good = [90.0, 90.5, 91.0, 91.5, 92.0]
    low, high = focus([*good, 10.0])["range"]
    assert 10 < low < 90
    assert high > 92
    assert {} == focus(good)
    assert {} == focus([])
    assert (low, high) == style.view([*good, 10.0, math.nan])
    assert style.view(good)[0] < 90 < 92 < style.view(good)[1]
    assert low == style.edge((low, high))
    low, high = focus([0.3, 0.31, 0.32, 9.0], maximize=False)["range"]
    assert low < 0.3
    assert 0.32 < high < 9


def test_a_family_has_one_style_in_every_page():
    """It goes by the family and not by who else is there; no other name of a page has a family's, nor another's."""
    assert styles(["cosine", "step"])["cosine"] == styles(["cosine"])["cosine"]
    assert styles(["one", "two"]) == styles(["two", "one"])
    everything = styles([*lr_schedules.FAMILIES, *(f"fixed {number}" for number in range(40))])
    assert len(everything) == len(set(everything.values()))
    assert styles(lr_schedules.FAMILIES).items() <= everything.items()


def test_family_colours_are_told_apart_without_green_cones():
    """Any two are more than 12 apart in CIELAB, also under deuteranopia (Machado, Oliveira and Fernandes, 2009)."""
    colours = list({style.colour for style in styles(lr_schedules.FAMILIES).values()})
    assert len(colours) >= 17
    linear = np.array(
        [[_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5)] for colour in colours]
    )
    for seen in (linear, np.clip(linear @ _DEUTERANOPIA.T, 0, 1)):
        lab = _lab(seen)
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(lab), 1)]
        assert distances.min() > 12


def test_family_colours_read_on_both_papers():
    """Three to one against white and against the dark card, as WCAG asks of graphics."""
    for style_of in styles(lr_schedules.FAMILIES).values():
        light = _luminance(style_of.colour)
        assert 1.05 / (light + 0.05) >= 2.99
        assert (light + 0.05) / (_luminance("#1c2026") + 0.05) >= 2.99


_DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def _linear(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _luminance(colour):
    return float(_XYZ[1] @ [_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5)])


def _lab(linear):
    """Return CIELAB under D65 of linear sRGB `[colours, 3]`."""
    f = np.cbrt(linear @ _XYZ.T / _XYZ.sum(axis=1))
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def test_a_name_cannot_be_html_in_a_figure():
    """Plotly reads text as HTML; control characters are shown as such nowhere."""
    assert "&lt;b&gt;&amp;" == style.label("<b>&")
    assert "\x1b" not in style.label("a\x1b[31m")
    assert "&lt;i&gt;" == style.axis("<i>")["title"]["text"]


def test_a_colour_becomes_translucent():
    """Red, green and blue of the hexadecimal form, with the opacity behind them."""
    assert "rgba(59, 130, 246, 0.13)" == style.translucent("#3b82f6", 0.13)


def test_an_axis_of_rates_is_logarithmic_with_plain_numbers():
    """1 and 3 of every decade."""
    axis = style.rate_axis()
    assert "log" == axis["type"]
    assert {"0.001", "0.003", "0.1", "0.3", "1"} <= set(axis["ticktext"])


def test_a_band_is_drawn_where_it_has_both_limits():
    """The line keeps its point without limits; the band goes there along the top and back along the bottom."""
    around, line = style.band([1, 2, 3], [5, 6, 7], [4, math.nan, 6], [6, 7, 8], name="a<", style=BLACK)
    assert ([1, 3, 3, 1], [6, 8, 6, 4]) == (list(around.x), list(around.y))
    assert ([1, 2, 3], "lines", "a&lt;") == (list(line.x), line.mode, line.name)
    (_, point) = style.band([1], [5], [4], [6], name="a", style=BLACK)
    assert "markers" == point.mode


def test_a_figure_scrolls_and_has_no_paper_of_its_own():
    """What the layout is given replaces what all figures have."""
    made = style.figure([], height=100, dragmode="pan")
    assert (100, "pan", "rgba(0,0,0,0)") == (made.layout.height, made.layout.dragmode, made.layout.paper_bgcolor)
