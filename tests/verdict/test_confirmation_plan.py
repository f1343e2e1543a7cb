"""Which confirmed runs failed: one rule for every command, fixed before later blocks are seen."""

import json

import pytest

from lrsearch.storage import StoredStudy
from lrsearch.verdict.confirmation_plan import confirmation_plan, failed_runs
from lrsearch.verdict.study_verdict import study_verdict
from tests.confirmation_examples import config_of, noisy, stored

SCORES = {"constant": [*noisy(89.0, 9), 12.0], "cosine": noisy(91.0, 10)}


def _failed(storage, **given):
    config, scores = given.pop("config", config_of()), given.pop("scores", SCORES)
    study = StoredStudy.of(stored(storage, config, scores, **given))
    return study, failed_runs(study.confirmed())


def test_confirm_compare_and_trials_call_the_same_run_failed(database, run) -> None:
    """A run near chance, which ended by itself, has failed in every list, with the reason beside it."""
    _, failed = _failed(database)
    assert {9: "worse than 18.12"} == failed
    assert "Avoid: `constant`, which failed once in 10." in run("compare").out
    listed = json.loads(run("trials", "--study-name", "tab/confirm", "--format", "json").out)
    assert [None] * 9 + ["worse than 18.12"] + [None] * 10 == [row["failed"] for row in listed]


def test_an_explicit_limit_of_the_workload_is_stored_and_holds(storage) -> None:
    """`Workload(failed_at=...)`, a fraction like its metric, replaces the derived limit."""
    study, failed = _failed(storage, failed_at=0.9)
    assert 90.0 == pytest.approx(confirmation_plan(study.confirmed()).failure_rule.limit)
    assert {run.number for run in study.confirmed().runs if run.test_accuracy < 0.9} == set(failed)


def test_without_a_worst_value_only_divergence_counts(storage) -> None:
    """A confirmation that does not know what learning nothing is worth calls no score a failure."""
    assert {} == _failed(storage, worst_value=None)[1]


def test_the_rule_is_fixed_by_the_first_interim_analysis(storage) -> None:
    """What the blocks of later analyses find does not move the limit, nor do blocks beyond the plan."""
    config = config_of(plan={"looks": [8, 12]})
    scores = {"constant": [*noisy(50.0, 8), *[13.0] * 4], "cosine": [*noisy(60.0, 8), *noisy(95.0, 4)]}
    study, failed = _failed(storage, config=config, scores=scores, planned_blocks=12)
    rule = confirmation_plan(study.confirmed()).failure_rule
    assert 15.0 == pytest.approx(rule.limit, abs=0.1)
    assert {8, 9, 10, 11} == set(failed)
    verdict = study_verdict(study)
    assert rule == verdict.comparison.failure_rule
    beyond, _ = _failed(storage, config=config, scores=scores, planned_blocks=8, name="beyond/confirm")
    assert 15.0 == pytest.approx(study_verdict(beyond).exploratory.failure_rule.limit, abs=0.1)
