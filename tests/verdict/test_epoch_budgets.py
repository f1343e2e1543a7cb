"""One experiment at several epoch budgets: a verdict each, and how far they agree."""

from __future__ import annotations

import json

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.storage import studies_by_budget
from lrsearch.verdict.epoch_budgets import agreements, verdicts_by_budget
from tests.confirmation_examples import EPOCHS, config_of, noisy, stored

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10)}


def _at(epochs: int, **tables) -> StudyConfig:
    return config_of(name=f"tab/epochs-{epochs}", training={"epochs": epochs}, **tables)


def test_budgets_have_a_verdict_each_and_their_agreement(database, run) -> None:
    """The name that a user types stands for all budgets; what is separated alike, or the other way, is counted."""
    turned = {"constant": noisy(91.0, 10), "cosine": noisy(89.0, 10)}
    for epochs, scores in ((4, turned), (EPOCHS, SCORES), (30, SCORES)):
        stored(database, _at(epochs), scores, name=f"tab/epochs-{epochs}/confirm")
    studies = studies_by_budget(database, None)
    assert [4, EPOCHS, 30] == list(studies) == list(studies_by_budget(database, "tab"))
    by_budgets = {a.epochs: a.agreement for a in agreements(verdicts_by_budget(studies))}
    assert (0, 1) == (by_budgets[4, EPOCHS].same, by_budgets[4, EPOCHS].opposite)
    assert (1, 0) == (by_budgets[EPOCHS, 30].same, by_budgets[EPOCHS, 30].opposite)
    shown = run("compare", "--study-name", "tab").out
    assert "12 against 30 epochs: the means' rank correlation (Kendall's tau) is 1.00" in shown
    both = json.loads(run("compare", "--format", "json").out)
    assert {"4", "12", "30"} == both["budgets"].keys()
    assert 3 == len(both["agreement"])
    assert [30] == list(studies_by_budget(database, "tab/epochs-30"))


def test_budgets_that_differ_in_more_than_epochs_are_refused(storage) -> None:
    """Another plan, other families or other data: the difference is named."""
    stored(storage, _at(4), SCORES, name="tab/epochs-4/confirm")
    stored(storage, _at(8, plan={"rope": 0.9}), SCORES, name="tab/epochs-8/confirm")
    with pytest.raises(InputError, match=r"plan.rope is 0.9, not 0.3"):
        verdicts_by_budget(studies_by_budget(storage, "tab"))
    stored(storage, _at(4), SCORES, name="b/epochs-4/confirm")
    stored(storage, _at(8, seed=5), SCORES, name="b/epochs-8/confirm")
    with pytest.raises(InputError, match=r"more than their epochs: seed is 5, not 0"):
        verdicts_by_budget(studies_by_budget(storage, "b"))


def test_budgets_of_other_families_have_no_agreement(storage) -> None:
    """Each keeps its verdict, and the reason stands in place of the agreement."""
    stored(storage, _at(4), SCORES, name="tab/epochs-4/confirm")
    stored(storage, _at(8), {**SCORES, "linear": noisy(90.0, 10)}, name="tab/epochs-8/confirm")
    (pair,) = agreements(verdicts_by_budget(studies_by_budget(storage, "tab")))
    assert pair.agreement is None
    assert "4 against 8 epochs: not comparable" in pair.sentence
