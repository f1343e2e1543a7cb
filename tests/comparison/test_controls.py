"""Candidates whose truth is known, judged by the comparison that judges the others."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.comparison.controls import Control, check_controls
from lrsearch.comparison.from_records import ConfirmationPlan
from lrsearch.comparison.settings import Settings
from lrsearch.errors import InputError
from tests.confirmation_examples import noisy, run_of, table_of

PLAN = ConfirmationPlan(Settings(rope=0.3), controls=("twin",))
FAMILIES = {"cosine": noisy(91.0, 10), "constant": noisy(89.0, 10)}


def _records(twin: list[float], *, own_seeds: bool = True):
    """Return the records of two families and of a third candidate, the twin of cosine."""
    added = 5000 if own_seeds else 0
    seeds = [{"init_seed": 1000 + block + added, "order_seed": 2000 + block + added} for block in range(len(twin))]
    return [*table_of(FAMILIES), *(run_of("twin", b, p, **seeds[b]) for b, p in enumerate(twin))]


def _check(records, kind: str, of: str = "cosine"):
    (control,) = check_controls(records, PLAN, {"twin": {"kind": kind, "of": of}}, np.random.default_rng(0))
    return control


def test_a_twin_that_is_not_separated_has_passed():
    """The difference, its limits and the sentence are those of the comparison of all candidates."""
    compared = _check(_records(noisy(91.0, 10, seed=1)), "aa")
    assert compared.passed
    assert compared.low < compared.difference < compared.high
    assert compared.sentence.startswith("twin: not separated, as it must be (")


def test_a_twin_that_is_separated_says_that_something_is_wrong():
    """Two points between equals are an error of the procedure or of the seeds."""
    compared = _check(_records(noisy(93.0, 10)), "aa")
    assert compared.passed is False
    assert "SEPARATED in error (+" in compared.sentence


@pytest.mark.parametrize(("mean", "passed"), [(85.0, True), (91.0, False), (95.0, False)])
def test_a_positive_control_must_be_found_to_be_worse(mean, passed):
    """Not separated, or separated in the other direction, is a miss."""
    compared = _check(_records(noisy(mean, 10, seed=1)), "positive")
    assert passed is compared.passed
    assert passed is ("found to be worse, as it must be" in compared.sentence)


def test_a_twin_on_the_seeds_of_its_candidate_is_refused():
    """It would agree to the bit and prove nothing."""
    with pytest.raises(InputError, match="trained on the seeds of 'cosine' in block 0"):
        _check(_records(noisy(91.0, 10), own_seeds=False), "aa")


@pytest.mark.parametrize(("kind", "of"), [("aa", "rex"), ("other", "cosine")])
def test_a_control_without_a_candidate_or_of_another_kind_is_refused(kind, of):
    """What is lacking is named."""
    with pytest.raises(InputError, match="cannot be judged"):
        _check(_records(noisy(91.0, 10)), kind, of)


def test_plain_data_name_what_was_found():
    """As the JSON of a verdict has it."""
    plain = _check(_records(noisy(91.0, 10, seed=1)), "aa").to_dict()
    assert ("twin", "cosine", "aa", True, False) == tuple(
        plain[name] for name in ("name", "of", "kind", "as_it_must", "failed")
    )


@pytest.mark.parametrize(
    ("failed", "passed", "words"),
    [(True, None, "untested, because of failed runs"), (True, True, "found to be worse by its failed runs")],
)
def test_a_control_with_failed_runs_is_told_as_such(failed, passed, words):
    """No difference is quoted where none was tested."""
    nan = float("nan")
    told = Control("worse", "cosine", "positive", 50.0, nan, nan, nan, nan, failed, passed, PLAN.settings).sentence
    assert words in told
    assert "nan" not in told
