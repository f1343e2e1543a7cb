"""The report of a database, whole."""

import re
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage

from lrsearch import schedules as lr_schedules
from lrsearch.errors import InputError
from lrsearch.report.assemble import report_html
from lrsearch.report.record_tables import ledger_table, plan_table, provenance_table, published_table, seeds_table
from lrsearch.report.source import read_source
from lrsearch.report.style import colours, focus
from lrsearch.storage import create_study, open_storage
from tests.report.report_helpers import EVIL, FAMILIES, GIVEN, fill, fill_confirmation, small_config, stored_source

ESCAPED = "&lt;b&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/b&gt;"


@pytest.fixture(scope="module")
def source():
    """Return a search with its confirmation, read from a database."""
    return stored_source()


@pytest.fixture(scope="module")
def html(source):
    """Return the page of it."""
    return report_html(source)


def test_the_verdict_comes_first(source, html):
    """The comparison's sentences stand before every figure, the claim among them."""
    head = html[: html.index("<main>")]
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
        "Values of complete trials",
        "What more trials buy",
        "Share of each parameter",
        "Share of the search space",
        "Plan",
        "Readings of the test set",
        "Provenance",
        "Study file",
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
    own = html[: html.index("plotly.js v")] + html[html.rindex("</script>", 0, html.rindex("</script>")) :]
    assert not re.findall(r'(?:src|href)="(?!#|data:)', own)
    assert "default-src 'none'" in own
    assert 1 == html.count("* plotly.js v")


def test_equal_databases_give_equal_pages(source, html):
    """The page is a function of the database alone."""
    assert html == report_html(source)
    assert html == report_html(stored_source())


def test_without_a_confirmation_the_page_says_so():
    """A search alone has no verdict, and the page says why and shows the search."""
    found = stored_source(blocks=0)
    assert found.comparison is None
    page = report_html(found)
    assert "There is no verdict: it has not been confirmed" in page
    assert "<h3>History</h3>" in page
    assert "<h3>Differences</h3>" not in page
    assert "one run each, chosen by its result" in page


def test_too_few_blocks_are_no_verdict():
    """Five blocks are shown with their curves, and the page says that there is no verdict and why."""
    found = stored_source(blocks=5)
    assert found.comparison is None
    page = report_html(found)
    assert "at least 6 blocks" in page
    assert "8 runs" not in page
    assert "5 runs" in page


def test_budget_curves_only_from_random_unpruned_trials():
    """A search by TPE has no budget curve, and the page says what would give one."""
    config = small_config(search={"families": list(FAMILIES), "trials": 48, "sampler": "tpe", "pruner": "rungs"})
    page = report_html(stored_source(config=config, blocks=0))
    assert "Budget curves need random, unpruned trials" in page


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


def test_the_study_is_found_by_any_of_its_names(tmp_path: Path):
    """The name of the search, of its confirmation or none at all lead to the same study."""
    config = small_config(name="one")
    address = f"sqlite:///{tmp_path / 'x.db'}"
    fill(open_storage(address), config)
    storage = open_storage(address)
    assert {"one"} == {read_source(storage, name).study.name for name in (None, "one", "one/confirm")}
    with pytest.raises(InputError, match="there is no study 'two'"):
        read_source(storage, "two")
    create_study(storage, "two", config, **GIVEN, attributes={})
    with pytest.raises(InputError, match="--study-name: one, two"):
        read_source(storage)


def test_an_empty_storage_is_named():
    """A storage without a study gives one line, not an empty page."""
    with pytest.raises(InputError, match="there are none"):
        read_source(InMemoryStorage())


def test_replicates_are_read_together():
    """The searches NAME/search-00 and -01 are one study with two histories."""
    config = small_config(name="many")
    storage = InMemoryStorage()
    for replicate in range(2):
        create_study(storage, f"many/search-{replicate:02d}", config, **GIVEN, attributes={"space": {"families": {}}})
    found = read_source(storage)
    assert ("many", 2) == (found.study.name, len(found.study.searches))
    assert "There is no verdict" in report_html(found)


def test_tables_of_the_records(source):
    """Ledger, seeds, plan, provenance and printed numbers say what the database holds."""
    assert 8 == len(ledger_table(source).rows)
    units = [row[0] for row in seeds_table(source).rows]
    assert ["search 0", *(f"block {block}" for block in range(8))] == units
    assert ("search 0", 5, 6, 7) == seeds_table(source).rows[0]
    plan = dict(plan_table(source).rows)
    assert (8, 8, "random, none") == (plan["blocks planned"], plan["blocks run"], plan["sampler and pruner"])
    assert "0" * 16 == dict(provenance_table(source).rows)["data fingerprint"]
    printed = next(row for row in published_table(source).rows if row[0] == EVIL)
    assert 89.0 == printed[-1]


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


def test_several_epoch_budgets_are_set_beside_each_other():
    """The report of NAME is that of its longest budget, with the means at each and how far they agree."""
    storage = InMemoryStorage()
    for epochs in (2, 4):
        fill(storage, small_config(name=f"both/epochs-{epochs}", training={"epochs": epochs}))
    found = read_source(storage, "both")
    assert ("both/epochs-4", [2, 4]) == (found.study.name, list(found.by_epochs))
    page = report_html(found)
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
