"""One page of sections: with any texts, it is one file that asks for nothing."""

from __future__ import annotations

import json
import re

import plotly.graph_objects as go

from lrsearch.report.page import Page, Part, Section, render
from lrsearch.tables import table

EVIL = "</script><script>alert(1)</script>"


def _page(*sections: Section) -> str:
    return render(Page(EVIL, "sub", ("first\x1b[31m", "second"), (Part("part", sections, ("below",)),)))


def test_every_text_is_escaped():
    """Titles, sentences, cells and preformatted text are text; control characters do not reach the page."""
    html = _page(Section(EVIL, (EVIL,), None, (table((EVIL,), [(EVIL,)]),), EVIL))
    assert EVIL not in html
    assert html.count("&lt;script&gt;alert(1)") >= 5
    assert "\x1b" not in html


def test_a_figure_is_data_that_no_name_can_leave():
    """Its JSON holds no sign of HTML, and is the figure again when it is read."""
    figure = go.Figure([go.Scatter(x=[1, 2], y=[3, 4], name=EVIL)])
    html = _page(Section("drawn", figure=figure))
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, flags=re.DOTALL)
    assert "<" not in data
    content = json.loads(data)
    assert EVIL == (content["data"] if "data" in content else content["figure"]["data"])[0]["name"]


def test_plotly_comes_where_there_are_figures():
    """A page of tables takes some kilobytes, and not five megabytes."""
    assert len(_page(Section("told", ("one",)))) < 50_000
    assert len(_page(Section("drawn", figure=go.Figure()))) > 1_000_000


def test_what_a_section_lacks_is_left_out():
    """No figure, no table, no preformatted text: a heading and its sentences."""
    html = _page(Section("alone", ("one", "two")))
    main = html[html.index("<main>") : html.index("</main>")]
    assert "<h3>alone</h3>" in main
    for tag in ("<table>", "<pre", 'class="figure"'):
        assert tag not in main
