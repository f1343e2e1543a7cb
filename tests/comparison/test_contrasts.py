"""Which differences are tested: all, each against a reference, or those of groups."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.comparison import Against, Groups
from lrsearch.comparison.contrasts import columns_of, describe
from lrsearch.errors import InputError
from tests.comparison.examples import compare, table


def test_against_a_reference_only_its_pairs_are_tested():
    """Fewer contrasts give smaller p-values; the others are marked as not tested, and the best is still sought."""
    every, planned = compare(table()), compare(table(), contrasts=Against("linear"))
    assert (planned.p[1] <= every.p[1]).all()
    assert planned.pairs.verdict[0, 2] == "not tested"
    assert np.isnan(planned.p[0, 2])
    assert every.recommended == planned.recommended
    assert planned.to_dict()["contrasts"] == "each against linear"


def test_a_failed_reference_leaves_nothing_to_test():
    """Where the reference has a failed run, no contrast is left, and the others are still compared with the best."""
    scores = table()
    scores[0, 1] = 10
    compared = compare(scores, chance=10.0, contrasts=Against("linear"))
    assert compared.pairs.verdict[0, 2] == "not tested"
    assert "rex" in compared.recommended
    assert "No difference between them could be tested." in compared.verdict_text


def test_a_reference_keeps_its_place_where_another_family_failed():
    """The contrasts are those with the reference, even if families before it have left the test."""
    scores = table()
    scores[0, 0] = 10
    compared = compare(scores, chance=10.0, contrasts=Against("cosine"))
    expected = [["failed", "failed"], ["same", "not tested"], ["not tested", "same"]]
    assert expected == compared.pairs.verdict[[0, 1, 3]][:, [1, 3]].tolist()
    assert np.isfinite(compared.p[2, [1, 3]]).all()


def test_groups_are_the_means_of_their_members():
    """Groups named beforehand are compared by the mean of their members in each block."""
    groups = {"flat": ["constant"], "falling": ["linear", "rex"]}
    compared = compare(table(), contrasts=Groups(groups))
    assert tuple(groups) == compared.families
    expected = table()[:, [1, 3]].mean() - table()[:, 0].mean()
    assert expected == pytest.approx(compared.pairs.difference[1, 0])
    assert compared.to_dict()["contrasts"] == "groups: flat (constant); falling (linear, rex)"


def test_a_failed_member_weighs_nothing():
    """Its group goes on with the others, and a group that has lost all of its members is not alive."""
    plan = Groups({"a": ["w", "x"], "b": ["y"], "c": ["z"]})
    columns = columns_of(plan, ("w", "x", "y", "z"), np.array([True, False, False, True]))
    assert [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]] == columns.of_all.tolist()
    assert [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]] == columns.weights.tolist()
    assert [True, True, False] == columns.alive.tolist()


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        (Against("v"), "the baseline that others are compared with must be one of them"),
        (Groups({"a": ["w"]}), "groups must be two or more"),
        (Groups({"a": ["w"], "b": ["w"]}), "no family in two of them"),
        (Groups({"a": ["w"], "b": []}), "at least one of the families"),
    ],
)
def test_a_plan_that_fits_no_families_is_refused(plan, complaint):
    """An unknown reference, one group, a family twice, an empty group."""
    with pytest.raises(InputError, match=complaint):
        columns_of(plan, ("w", "x"), np.zeros(2, dtype=bool))


def test_a_plan_is_described():
    """As the report and the JSON quote it."""
    assert "all pairs" == describe("all")
    assert "each against w" == describe(Against("w"))
    assert "groups: a (w, x); b (y)" == describe(Groups({"a": ["w", "x"], "b": ["y"]}))
