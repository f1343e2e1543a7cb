"""The figures of a report as files."""

import plotly.io
import pytest

from lrsearch.errors import InputError
from lrsearch.report import files
from lrsearch.report.assemble import CHAPTERS, report_parts
from lrsearch.report.files import named_figures, write_figures
from tests.report.browser import CHROMIUM


def test_every_figure_has_a_file_of_its_own(source):
    """Names are plain and distinct, those of small panels begin with their chapter; the page keeps its figures."""
    parts = report_parts(source)
    drawn = [section.figure for part in parts for section in part.sections if section.figure is not None]
    figures = named_figures(parts)
    assert len(drawn) == len(figures) > len(CHAPTERS)
    assert {"score-by-base-lr-cosine", "schedules-side-by-side-cosine", "differences"} <= figures.keys()
    assert {"#ffffff"} == {figure.layout.paper_bgcolor for figure in figures.values()}
    assert {"rgba(0,0,0,0)"} == {figure.layout.paper_bgcolor for figure in drawn}


def test_what_is_missing_is_one_line_that_names_it(source, tmp_path, monkeypatch):
    """Without Kaleido, and without a browser, the error says what to install."""
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'lrsearch\[figures\]'"):
        write_figures(source, tmp_path)
    monkeypatch.setattr(files, "find_spec", lambda name: name)

    def no_browser(*_, **__):
        raise RuntimeError("\n\nKaleido requires Google Chrome to be installed.\n\nmore")

    monkeypatch.setattr(plotly.io, "write_images", no_browser)
    with pytest.raises(InputError, match=r"requires Google Chrome to be installed. .*apt-get install chromium"):
        write_figures(source, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        write_figures(source, tmp_path / "file")


@pytest.mark.integration
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)")
def test_figures_are_written_as_svg_and_pdf(source, tmp_path, monkeypatch):
    """Files of both kinds, drawn by the real browser."""
    pytest.importorskip("kaleido")
    first = report_parts(source)[:1]
    monkeypatch.setattr(files, "report_parts", lambda _: first)
    written = write_figures(source, tmp_path / "new")
    assert {".svg", ".pdf"} == {file.suffix for file in written}
    assert 4 == len(written)
    for file in written:
        assert file.read_bytes().startswith(b"%PDF" if file.suffix == ".pdf" else b"<svg")
