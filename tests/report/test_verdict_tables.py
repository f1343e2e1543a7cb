"""Tables of the verdict, from values made by hand."""

from __future__ import annotations

from lrsearch.comparison.inference.proportions import Proportion, PruningAudit
from lrsearch.report.verdict_tables import audit_table, budgets_table, good_regions_table
from lrsearch.verdict.good_regions import GoodRegions
from tests.report.report_helpers import comparison


def test_the_widest_region_comes_first():
    """Each with its counts, its share and its limits."""
    shares = {"cosine": Proportion(1, 3, 0.01, 0.9), "constant": Proportion(2, 4, 0.07, 0.93)}
    shown = good_regions_table(GoodRegions(shares))
    assert [("constant", "2 of 4", 0.5, 0.07, 0.93), ("cosine", "1 of 3", 1 / 3, 0.01, 0.9)] == list(shown.rows)


def test_an_audit_counts_against_the_median_and_the_best():
    """Two rows, the median first."""
    shown = audit_table(PruningAudit(beat_median=Proportion(3, 5, 0.2, 0.9), beat_best=Proportion(1, 5, 0.0, 0.7)))
    assert [
        ("beat their family's median", "3 of 5", 0.6, 0.2, 0.9),
        ("beat their family's best", "1 of 5", 0.2, 0, 0.7),
    ] == [tuple(row) for row in shown.rows]


def test_a_family_that_lacks_a_budget_has_a_gap_there():
    """A column for each budget, a row for each family of any of them, mean and ranks in a cell."""
    shown = budgets_table({5: comparison(["a", "b"]), 20: comparison(["b", "c"])}, "epochs")
    assert ("family", "5 epochs", "20 epochs") == shown.headings
    rows = {row[0]: row[1:] for row in shown.rows}
    assert ["a", "b", "c"] == list(rows)
    assert "-" == rows["a"][1] == rows["c"][0]
    assert rows["b"][0].endswith("(rank 1 to 1)")
    assert rows["b"][1].endswith("(rank 2 to 2)")
