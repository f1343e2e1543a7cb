"""One self-contained HTML file: Plotly where there are figures, each with a table beside it; it asks for nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lrsearch.tables import Table
from lrsearch.text import plain


@dataclass(frozen=True, eq=False)
class Section:
    """A heading, sentences, a figure or none, tables, and preformatted text or none."""

    title: str
    sentences: tuple[str, ...] = ()
    figure: go.Figure | None = None
    tables: tuple[Table, ...] = ()
    preformatted: str = ""


@dataclass(frozen=True, eq=False)
class Part:
    """Sections under one heading.

    Attributes:
        grid: whether small ones stand side by side where the screen is wide enough.
        folded: whether they are shown only once a reader opens the part.
    """

    title: str
    sections: tuple[Section, ...]
    sentences: tuple[str, ...] = ()
    grid: bool = False
    folded: bool = False


@dataclass(frozen=True, eq=False)
class Page:
    """A page: what it says and shows first, and its parts.

    Attributes:
        lead: the first words.
        warnings: what to know before believing them.
        folded: what stands folded below them.
        first: sections on the first page, which is printed on one sheet.
    """

    title: str
    subtitle: str
    lead: tuple[str, ...]
    parts: tuple[Part, ...]
    folded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    first: tuple[Section, ...] = ()

    @property
    def has_figures(self) -> bool:
        """Whether Plotly is needed, which is some megabytes."""
        sections = (*self.first, *(section for part in self.parts for section in part.sections))
        return any(section.figure is not None for section in sections)


def render(page: Page) -> str:
    """Return the page as HTML; every text in it is escaped."""
    template = _environment().get_template("page.html.j2")
    return template.render(page=page, plotly=get_plotlyjs() if page.has_figures else "")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lrsearch.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_shown,
    )
    environment.filters["plain_figure"] = _plain_figure
    return environment


def _shown(value: object) -> object:
    """Return what a template prints without control characters and marks of writing direction, line by line."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "\n".join(map(plain, value.split("\n")))
    return value


def _plain_figure(figure: go.Figure) -> object:
    """Return a figure as the plain data that Plotly.js draws."""
    return json.loads(figure.to_json())
