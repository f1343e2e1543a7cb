"""Colours, marks, axes and bands that all figures share."""

from __future__ import annotations

import math

from lrsearch import schedules as lr_schedules
from lrsearch.report import style
from lrsearch.report.style import colours, focus


def test_focus_leaves_out_what_is_far_worse_and_never_what_is_better():
    """Diverged trials do not squash the others, in either direction; without them nothing is cut."""
    good = [90.0, 90.5, 91.0, 91.5, 92.0]
    low, high = focus([*good, 10.0])["range"]
    assert 10 < low < 90
    assert high > 92
    assert {} == focus(good)
    assert {} == focus([])
    low, high = focus([0.3, 0.31, 0.32, 9.0], maximize=False)["range"]
    assert low < 0.3
    assert 0.32 < high < 9


def test_a_family_has_one_colour_in_every_page():
    """Colours go by the family and not by who else is there; another name never takes a family's colour."""
    assert colours(["cosine", "step"])["cosine"] == colours(["cosine"])["cosine"]
    assert colours(["one", "two"]) == colours(["two", "one"])
    everything = colours([*lr_schedules.FAMILIES, "no schedule"])
    assert len(everything) == len(set(everything.values()))


def test_marks_repeat_where_there_are_more_names_than_marks():
    """Dashes and symbols go by the place of a name."""
    names = [f"family {number}" for number in range(9)]
    assert ("solid", "solid") == tuple(style.dashes(names)[name] for name in (names[0], names[5]))
    assert ("circle", "circle") == tuple(style.symbols(names)[name] for name in (names[0], names[7]))
    assert 5 == len(set(style.dashes(names).values()))


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
    around, line = style.band([1, 2, 3], [5, 6, 7], [4, math.nan, 6], [6, 7, 8], name="a<", colour="#000000")
    assert ([1, 3, 3, 1], [6, 8, 6, 4]) == (list(around.x), list(around.y))
    assert ([1, 2, 3], "lines", "a&lt;") == (list(line.x), line.mode, line.name)
    (_, point) = style.band([1], [5], [4], [6], name="a", colour="#000000")
    assert "markers" == point.mode


def test_a_figure_scrolls_and_has_no_paper_of_its_own():
    """What the layout is given replaces what all figures have."""
    made = style.figure([], height=100, dragmode="pan")
    assert (100, "pan", "rgba(0,0,0,0)") == (made.layout.height, made.layout.dragmode, made.layout.paper_bgcolor)
