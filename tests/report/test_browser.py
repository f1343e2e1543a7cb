"""The pages in a real browser: drawn whole, without an error, without a request, in the dark and on a phone."""

import pytest

from lrsearch.config import StudyConfig, built_in_study
from lrsearch.report.assemble import report_html
from lrsearch.report.preview import preview_html
from tests.report.browser import CHROMIUM, Browser
from tests.report.report_helpers import stored_source

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)"),
]

QUESTIONS = {
    "opened": "document.querySelectorAll('details').forEach(part => part.open = true), "
    "new Promise(done => setTimeout(done, 500))",
    "figures": "document.querySelectorAll('.figure').length",
    "drawn": "[...document.querySelectorAll('.figure')].filter(f => f.querySelector('.main-svg')).length",
    "empty": "[...document.querySelectorAll('.figure')].filter(f => !f.querySelector('.trace, .bars, .hm'))"
    ".map(f => f.ariaLabel)",
    "page_width": "document.documentElement.scrollWidth",
    "wide": "[...document.querySelectorAll('.main-svg')]"
    ".filter(s => s.getBoundingClientRect().right > innerWidth).length",
    "stripped": "[...document.querySelectorAll('.figure text')].map(t => t.textContent)"
    ".filter(t => t.includes('alert(1)') && !t.includes('<b><script>')).length",
    "ink": "getComputedStyle(document.querySelector('.figure text')).fill",
    "paper": "getComputedStyle(document.body).backgroundColor",
}


@pytest.fixture(scope="module")
def browser():
    """Return a browser that all tests of this file share."""
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the files of a report and a preview."""
    folder = tmp_path_factory.mktemp("pages")
    made = {"report": report_html(stored_source()), "preview": preview_html(StudyConfig.load(built_in_study("quick")))}
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("page", ["report", "preview"])
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)], ids=["desk", "phone"])
def test_page_is_drawn_without_errors_or_requests(browser, pages, page, width, dark):
    """Every figure is drawn with its data, fits the screen and keeps names as they are; nothing is asked for."""
    visit = browser.visit(pages[page], QUESTIONS, width=width, dark=dark)
    assert [] == visit.errors
    assert [pages[page].resolve().as_uri()] == [
        url for url in visit.requested if not url.startswith(("data:", "blob:"))
    ]
    answers = visit.answers
    assert answers["figures"] >= 4
    assert answers["figures"] == answers["drawn"]
    assert [] == answers["empty"]
    assert answers["page_width"] <= width
    assert 0 == answers["wide"]
    assert 0 == answers["stripped"]
    light, black = "rgb(232, 234, 237)", "rgb(28, 32, 36)"
    assert (light if dark else black) == answers["ink"]
    assert ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)") == answers["paper"]


def test_the_first_page_is_one_sheet(browser, pages):
    """Printed as it opens, the report is one page; with a part that is open it is more."""
    assert 1 == browser.printed_pages(pages["report"])
    assert 1 < browser.printed_pages(pages["report"], "document.querySelector('details.part').open = true")


def test_folded_parts_are_drawn_when_they_are_opened(browser, pages):
    """As it opens the report has drawn its two pictures alone; a link of the contents opens its part and draws it."""
    asked = {"drawn": QUESTIONS["drawn"], "first": "document.querySelectorAll('.first .figure').length"}
    click = "document.querySelector('nav a').click(), new Promise(done => setTimeout(done, 500))"
    answers = browser.visit(pages["report"], {**asked, "click": click, "more": QUESTIONS["drawn"]}).answers
    assert 2 == answers["first"] == answers["drawn"]
    assert answers["more"] > 2


def test_the_browser_notices_what_must_not_happen(browser, tmp_path):
    """The check itself can fail: an error, a request and an undrawn figure are seen."""
    page = tmp_path / "bad.html"
    page.write_text(
        '<div class="figure"></div><img src="http://127.0.0.1:9/x.png">'
        '<script>console.error("bad"); throw Error("worse")</script>'
    )
    visit = browser.visit(page, {"drawn": QUESTIONS["drawn"]})
    assert 0 == visit.answers["drawn"]
    assert any("bad" in error for error in visit.errors)
    assert any("worse" in error for error in visit.errors)
    assert "http://127.0.0.1:9/x.png" in visit.requested
