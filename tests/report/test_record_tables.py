"""Tables of the records say what the database holds."""

from __future__ import annotations

from lrsearch.report.record_tables import ledger_table, plan_table, provenance_table, published_table, seeds_table
from tests.report.report_helpers import EVIL


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
