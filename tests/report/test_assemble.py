"""The report of a database, whole."""

import re

import pytest
from optuna.storages import InMemoryStorage

from lrsearch.report.assemble import report_html
from lrsearch.report.source import read_source
from tests.report.report_helpers import EVIL, FAMILIES, fill, fill_confirmation, small_config, stored_source

ESCAPED = "&lt;b&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/b&gt;"


@pytest.fixture(scope="module")
def html(source):
    """Return the page of it."""
    return report_html(source)


def test_the_verdict_comes_first(source, html):
    """The comparison's sentences stand before every figure, the claim among them."""
    head = html[: html.index("<main>")]
    assert '<div class="grid first">' in head
    assert head.count('class="figure"') == 2
    assert "<h3>The winners" in head
    for words in ("these configurations", "on this workload"):
        assert words in head
    for name in source.comparison.recommended:
        assert name.replace(EVIL, ESCAPED) in head


def test_every_figure_has_a_table_beside_it(html):
    """No article holds a figure without a table."""
    articles = re.findall(r"<article>.*?</article>", html, flags=re.DOTALL)
    with_figure = [article for article in articles if 'class="figure"' in article]
    assert len(with_figure) > 15
    assert all("<table>" in article for article in with_figure)


@pytest.mark.parametrize(
    "title",
    [
        "At a glance",
        "Differences",
        "Standing",
        "How often one run beats another",
        "Spread",
        "Block by block",
        "Ours and theirs",
        "The best of each family in the search",
        "Fixed schedules",
        "History",
        "How trials ended",
        "Score against training cost",
        "Values of complete trials",
        "What more trials buy",
        "Share of each parameter",
        "Share of the search space",
        "Plan",
        "Readings of the test set",
        "Provenance",
        "Study file, with its defaults and what flags have changed",
        *FAMILIES,
    ],
)
def test_everything_promised_is_there(html, title):
    """The page has each of its sections."""
    assert f"<h3>{title}</h3>" in html


def test_names_are_escaped_everywhere(html):
    """A study, a description and a family that are HTML never reach the page as such, nor a figure's data."""
    assert EVIL not in html
    assert ESCAPED in html
    assert "alert(1)</script" not in html.lower()
    data = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, flags=re.DOTALL)
    assert len(data) > 15
    assert not any("<" in part for part in data)


def test_the_page_asks_for_nothing(html):
    """No element refers to another file, and the policy of the page forbids what a script might try."""
    outside_plotly = html[: html.index("plotly.js v")] + html[html.rindex("</script>", 0, html.rindex("</script>")) :]
    assert not re.findall(r'(?:src|href)="(?!#|data:)', outside_plotly)
    assert "default-src 'none'" in outside_plotly
    assert 1 == html.count("* plotly.js v")


def test_equal_databases_give_equal_pages(source, html):
    """The page is a function of the database alone."""
    assert html == report_html(source)
    assert html == report_html(stored_source())


def test_without_a_confirmation_the_page_says_so():
    """A search alone has no verdict, and the page says why and shows the search."""
    source = stored_source(blocks=0)
    assert source.comparison is None
    page = report_html(source)
    assert "There is no verdict: it has not been confirmed" in page
    assert "<h3>History</h3>" in page
    assert "<h3>Differences</h3>" not in page
    assert "one run each, chosen by its result" in page


def test_too_few_blocks_are_no_verdict():
    """Five blocks are shown with their curves, and the page says that there is no verdict and why."""
    source = stored_source(blocks=5)
    assert source.comparison is None
    page = report_html(source)
    assert "There is no verdict: 5 paired blocks are shown and not judged: a verdict needs at least 6" in page
    assert "8 runs" not in page
    assert "5 runs" in page


def test_budget_curves_only_from_random_unpruned_trials():
    """A search by TPE has no budget curve; what has nothing to show has no card."""
    config = small_config(search={"families": list(FAMILIES), "trials": 48, "sampler": "tpe", "pruner": "rungs"})
    page = report_html(stored_source(config=config, blocks=0))
    assert "What more trials buy" not in page
    assert "What more trials buy" in report_html(stored_source(blocks=0))


def test_fixed_schedules_alone_have_a_report():
    """A study that was confirmed without a search has a page without a search."""
    config = small_config()
    storage = InMemoryStorage()
    entries = {b.name: b.schedule(epochs=4, steps_per_epoch=10).params() for b in config.baseline}
    entries["other"] = entries[EVIL]
    fill_confirmation(storage, config, entries, 8)
    page = report_html(read_source(storage))
    assert "<h3>History</h3>" not in page
    assert "<h3>Fixed schedules</h3>" in page
    assert "<h3>Differences</h3>" in page


def test_several_epoch_budgets_are_set_beside_each_other():
    """The report of NAME is that of its longest budget, with the means at each and how far they agree."""
    storage = InMemoryStorage()
    for epochs in (2, 4):
        fill(storage, small_config(name=f"both/epochs-{epochs}", training={"epochs": epochs}))
    source = read_source(storage, "both")
    assert ("both/epochs-4", [2, 4]) == (source.study.name, list(source.by_epochs))
    page = report_html(source)
    assert "<h3>At other epoch budgets</h3>" in page
    assert "2 against 4 epochs" in page


def test_a_budget_that_was_not_confirmed_is_named():
    """Where one of two budgets lacks its confirmation, the page shows the other and says why they are not compared."""
    storage = InMemoryStorage()
    fill(storage, small_config(name="both/epochs-2", training={"epochs": 2}), blocks=0)
    fill(storage, small_config(name="both/epochs-4"))
    page = report_html(read_source(storage, "both"))
    assert "The other epoch budgets are not compared: " in page
    assert "has not been confirmed" in page
    assert "<h3>Differences</h3>" in page
