"""Tables of the records say what the database holds."""

from __future__ import annotations

import tomllib

from lrsearch.config import StudyConfig
from lrsearch.report.record_tables import (
    ledger_table,
    plan_table,
    provenance_table,
    published_table,
    seeds_table,
    study_file,
)
from tests.report.report_helpers import EPOCHS, EVIL, stored_source


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


def test_the_study_file_is_shown_as_it_was_written(tmp_path):
    """Comments and all; what a flag has changed, and every default, stand in a second text."""
    path = tmp_path / "mine.toml"
    written = "# why this study\n[data]\ndataset = 'digits'   # small\n[training]\nepochs = 7\n"
    path.write_text(written, encoding="utf-8")
    config = StudyConfig.load(path).changed({"training.epochs": EPOCHS, "search.families": ["cosine"]})
    assert config == StudyConfig.from_dict(config.model_dump())
    as_written, whole = study_file(stored_source(config=config, trials=1, blocks=0))
    assert written == as_written.preformatted
    assert {"name": "mine", "seed": 0} == {key: tomllib.loads(whole.preformatted)[key] for key in ("name", "seed")}
    assert EPOCHS == tomllib.loads(whole.preformatted)["training"]["epochs"]
    assert 1 == len(list(study_file(stored_source(trials=1, blocks=0))))
