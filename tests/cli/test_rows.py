"""The commands' tables: points for people, the stored numbers for programs."""

import json
from dataclasses import replace

from optuna.storages import InMemoryStorage

from lrsearch.cli.rows import confirm_table, family_table
from lrsearch.metric import Metric
from lrsearch.records import finite
from lrsearch.storage import StoredStudy
from tests.report.report_helpers import EVIL, FAMILIES, fill, small_config


def _study() -> StoredStudy:
    return StoredStudy.read(fill(InMemoryStorage(), small_config()))


def test_a_family_has_a_row_the_best_first() -> None:
    """The best value is read in points and stored as a fraction; counts add up to the finished trials."""
    study = _study()
    shown = family_table(study)
    assert ("family", "trials", "pruned", "diverged", "best (points)", "median (points)") == shown.headings[:6]
    best = [row[4] for row in shown.rows]
    assert sorted(best, reverse=True) == best
    assert [f"{100 * value:.2f}" for value in best] == [cells[4] for cells in shown.cells]
    records = shown.records()
    assert set(FAMILIES) == {record["family"] for record in records}
    assert len(study.trials) == sum(record["trials"] for record in records)
    assert best[0] == max(record.value for record in study.trials if record.state == "complete")


def test_a_candidate_has_a_row_beside_what_was_published() -> None:
    """Mean and SD in points for people, under the stored names for programs, which read what the storage holds."""
    shown = confirm_table(_study().confirmed())
    row = next(place for place, record in enumerate(shown.records()) if record["entry"] == EVIL)
    record, cells = shown.records()[row], dict(zip(shown.headings, shown.cells[row], strict=True))
    assert (8, 0, 0.89) == (record["blocks"], record["diverged"], record["accuracy printed"])
    assert 0.9 < record["accuracy"] < 1
    assert f"{100 * record['accuracy']:.2f}" == cells["accuracy (points)"]
    assert EVIL == cells["candidate"]
    json.dumps(finite(shown.records()), allow_nan=False)


def test_a_run_that_diverged_has_no_score_where_less_is_better() -> None:
    """Its worst value is a stand-in: it is counted, and it does not enter the mean."""
    confirmed = _study().confirmed()
    first = next(run for run in confirmed.records if run.confirmed)
    runs = [
        replace(first, number=0, block=0, test_accuracy=0.25),
        replace(first, number=1, block=1, test_accuracy=9.0, stop_reason="diverged"),
    ]
    minimised = replace(confirmed, metric=Metric("log loss", "minimize", "units"), read=lambda: runs)
    [record] = confirm_table(minimised).records()
    assert (0.25, None, 2, 1) == (record["log loss"], record["log loss SD"], record["blocks"], record["diverged"])
