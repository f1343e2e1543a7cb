"""The figures of a report as files of their own, SVG and PDF, for papers and slides: drawn by Kaleido with Chrome."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import plotly.graph_objects as go

from lrsearch.config.files import make_folder
from lrsearch.errors import InputError
from lrsearch.report.assemble import report_parts
from lrsearch.report.page import Part
from lrsearch.report.source import Source

_FORMATS = ("svg", "pdf")
_WIDTH = 760
_CHROME = "it draws with Chrome or Chromium: apt-get install chromium, or plotly_get_chrome"
_INK, _GRID = "#1c2024", "#dfe3e8"


def named_figures(parts: Sequence[Part]) -> dict[str, go.Figure]:
    """Return {file name without its suffix: figure} in the order of a page, for white paper and without titles."""
    figures: dict[str, go.Figure] = {}
    for part in parts:
        for section in part.sections:
            if section.figure is not None:
                title = section.title if not part.grid else f"{part.title}: {section.title}"
                name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
                figures[name if name not in figures else f"{name}-{len(figures)}"] = on_paper(section.figure)
    return figures


def on_paper(figure: go.Figure) -> go.Figure:
    """Return a copy of a figure with what the stylesheet of the page gives it: colours of paper, text and grid."""
    alone = go.Figure(figure).update_layout(font={"color": _INK}, paper_bgcolor="#ffffff")
    return alone.update_xaxes(gridcolor=_GRID).update_yaxes(gridcolor=_GRID)


def write_figures(source: Source, folder: Path) -> list[Path]:
    """Write every figure of a report as SVG and PDF into a folder, which is made where it is missing; return the files.

    Raises:
        InputError: if the folder cannot be made, or what draws is not installed.
    """
    import plotly.io

    if find_spec("kaleido") is None:
        raise InputError(f"--figures needs Kaleido: pip install 'lrsearch[figures]'; {_CHROME}")
    make_folder(folder)
    figures = named_figures(report_parts(source))
    files = [(figure, folder / f"{name}.{form}") for name, figure in figures.items() for form in _FORMATS]
    try:
        plotly.io.write_images([figure for figure, _ in files], [file for _, file in files], width=_WIDTH)
    except RuntimeError as error:  # Plotly's own where there is no browser
        raise InputError(f"--figures: {str(error).strip().splitlines()[0]} {_CHROME}") from error
    return [file for _, file in files]
