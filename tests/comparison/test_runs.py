"""Unpaired runs: what is tested, what is not and why, and the words for it."""

import json
from functools import cache

import numpy as np
import pytest

from lrsearch.comparison import Against, Groups, compare_runs
from lrsearch.errors import InputError

RUNS = {"a": [0.1, 0.5, 0.3], "b": [1.1, 1.4, 0.9, 1.2], "c": [1.0, 2.2, 0.4, 1.6, 3.1, 1.9]}


def _compare(runs, **options):
    return compare_runs(runs, **({"rope": 0.1, "unit": "nats", "rng": np.random.default_rng(0)} | options))


@cache
def _plain():
    return _compare(RUNS)


def test_each_array_turns_round_with_its_pair() -> None:
    """Row i, column j speaks of i minus j; the verdicts follow the intervals."""
    compared = _plain()
    np.testing.assert_array_equal(compared.low, -compared.high.T)
    np.testing.assert_array_equal(compared.p, compared.p.T)
    assert compared.pairs.difference[1, 0] == pytest.approx(0.85)
    assert ("better by more than the ROPE", "undecided") == (compared.pairs.verdict[1, 0], compared.pairs.verdict[1, 2])
    assert (3.0, 3.0) == (compared.recommendation.rank_low[0], compared.recommendation.rank_high[0])
    assert compared.pairs.omnibus_max_t == compared.p.min()


def test_less_is_better_mirrors_the_verdict() -> None:
    """Of the negative scores, minimised, everything is the same."""
    up = _plain()
    down = _compare({name: -np.array(scores) for name, scores in RUNS.items()}, direction="minimize")
    np.testing.assert_array_equal(up.p, down.p)
    np.testing.assert_array_equal(up.low, down.low)
    assert "intervals, above 0 where the row is better;" in down.note
    assert up.recommended == down.recommended == ("b", "c")
    assert ("a",) == _compare(RUNS, direction="minimize").recommended


UNTESTED = {
    "two": ([1.0, 2.0], "1 or 2 runs"),
    "one": ([1.0], "1 or 2 runs"),
    "same": ([1.0, 1.0, 1.0, 1.0], "no scatter: the same run stored 4 times?"),
}


def test_what_cannot_be_tested_is_named_with_its_reason() -> None:
    """It is in no pair and not recommended, and changes nothing for the others."""
    compared = _compare({**RUNS, **{name: scores for name, (scores, _) in UNTESTED.items()}})
    assert {name: reason for name, (_, reason) in UNTESTED.items()} == compared.untested
    assert any(w.startswith("not tested: two (1 or 2 runs), one (1 or 2 runs), same (no") for w in compared.warnings)
    assert np.isnan(compared.p[3:, :3]).all()
    assert "not tested" == compared.pairs.verdict[3, 0]
    np.testing.assert_array_equal(compared.p[:3, :3], _plain().p)
    assert _plain().recommended == compared.recommended


@pytest.mark.parametrize(("bad", "options"), [(np.nan, {}), (np.inf, {}), (-5.0, {"failed_at": -1.0})])
def test_a_failed_run_takes_its_family_out_of_the_tests(bad, options) -> None:
    """A run that diverged, or is worse than the limit, is counted among its family's own runs."""
    compared = _compare({**RUNS, "d": [1.0, 2.0, 3.0, bad]}, **options)
    assert [("d", 1, 4)] == [(f.family, f.runs.count, f.runs.total) for f in compared.failures]
    assert "First, 1 of 4 runs of d failed" in compared.verdict_text
    assert "failed" == compared.pairs.verdict[3, 0]
    assert {} == compared.untested
    assert "d" not in compared.recommended


def test_one_run_each_is_no_verdict() -> None:
    """The means are there, and nothing is tested or recommended."""
    compared = _compare({name: scores[:1] for name, scores in RUNS.items()})
    assert "The 3 families have one run each: no verdict." == compared.verdict_text
    assert () == compared.recommended
    assert [0.1, 1.1, 1.0] == compared.means.mean.tolist()
    assert json.loads(compared.to_json())["p"][0][1] is None


def test_a_known_sigma_judges_single_runs() -> None:
    """With the SD known, one run each can be compared; what it contradicts is said."""
    compared = _compare({"a": [0.0], "b": [3.0], "c": [0.1]}, sigma=0.5)
    assert ("b",) == compared.recommended
    assert "with 1 run a group only differences above about 1.662 nats could be seen" in compared.warnings
    close = _compare({"a": [90.1], "b": [90.3], "c": [88.0]}, sigma=0.3)
    assert "Use `b`: 90.3 nats, one run." == close.lines[0]
    assert "b is preferred for a better mean" in close.verdict_text
    assert any("contradicts the stated sigma" in warning for warning in _compare(RUNS, sigma=0.1).warnings)


def test_small_groups_are_told_what_they_can_see() -> None:
    """The half-widths of the pairs by their smaller group; alpha below 0.05 asks for five runs."""
    compared = _plain()
    said = [warning for warning in compared.warnings if "a group only" in warning]
    assert said == [
        "with 3 runs a group only differences above about 0.6509 nats (by pair, up to 1.163) could be seen",
        "with 4 runs a group only differences above about 1.105 nats could be seen",
    ]
    assert compared.high[1, 0] - compared.pairs.difference[1, 0] == pytest.approx(0.6509, abs=5e-5)
    assert any("needs at least 5 runs" in warning for warning in _compare(RUNS, alpha=0.01).warnings)
    assert "assumes roughly symmetric noise" in compared.note


def test_a_run_far_from_the_others_is_named_and_kept() -> None:
    """Few runs do not know their own scatter, so that they are held against that of the others as well."""
    far = _compare({**RUNS, "d": [1.0, 1.1, 0.9, 1.2, 1.0, 1.1, -40.0]})
    (warning,) = [w for w in far.warnings if "far worse" in w]
    assert warning.startswith("run 7 of d scores -40, far worse than its family's median 1")
    assert 7 == far.unpaired_runs[3]
    close = _compare({**RUNS, "d": [1.0, 1.001, 0.9]})
    assert not any("far worse" in w for w in close.warnings)


def test_one_baseline_and_one_direction() -> None:
    """Only pairs with the baseline are tested; one-sided, what is better has a lower limit alone."""
    compared = _compare(RUNS, contrasts=Against("a"), one_sided=True)
    assert np.isnan(compared.p[1, 2])
    assert (np.inf, -compared.low[1, 0]) == (compared.high[1, 0], compared.high[0, 1])
    assert "b is better than a by 0.85 nats (at least 0." in compared.verdict_text
    two_sided = _compare(RUNS, contrasts=Against("a"))
    assert compared.low[1, 0] > two_sided.low[1, 0] > _plain().low[1, 0]


def test_the_table_has_the_number_of_runs() -> None:
    """Unequal families are shown with it, the preferred one first, and then the best mean."""
    shown = _plain().family_table()
    assert ("family", "runs", "mean") == tuple(column.key for column in shown.columns[:3])
    assert [("★ b", 4), ("c", 6), ("a", 3)] == [row[:2] for row in shown.rows]


REFUSED = [
    ({"a": [1.0, 2.0, 3.0]}, {}, "two or more families, each named once"),
    ({"a": [1.0, 2.0, 3.0], "b": []}, {}, "every family must have a run, got none of b"),
    ({"a": [1.0, 2.0, 3.0], "b": [[1.0]]}, {}, r"the scores of b must have the axes \[runs\]"),
    ({"a": [1.0, 2.0, 3.0], "b": ["x"]}, {}, "the scores of b must be an array of numbers"),
    (RUNS, {"sigma": 0.0}, "sigma must be a positive number of nats, got 0"),
    (RUNS, {"rope": -1.0}, "rope must be a positive number of nats, got -1"),
    (RUNS, {"contrasts": Against("z")}, "the baseline that others are compared with must be one of them"),
    (RUNS, {"contrasts": Groups({"x": ["a"], "y": ["b"]})}, "groups of families are means within blocks"),
    (RUNS, {"one_sided": True}, r"one_sided \(--one-sided\) needs one family"),
]


@pytest.mark.parametrize(("runs", "options", "complaint"), REFUSED)
def test_what_cannot_be_compared_is_refused(runs, options, complaint) -> None:
    """In one line that names the parameter."""
    with pytest.raises(InputError, match=complaint):
        _compare(runs, **options)


def test_a_one_sided_limit_is_open() -> None:
    """The limit that is not tested is not infinity in words."""
    compared = _compare(RUNS, contrasts=Against("a"), one_sided=True)
    assert " or more)" in compared.lines[2]


def test_who_is_the_best_may_be_the_one_that_others_are_held_against() -> None:
    """One-sided tests ask who is better than it, and not how much better it is."""
    compared = _compare(RUNS, contrasts=Against("a"), one_sided=True, direction="minimize")
    assert "a" == compared.preferred
    assert "how much better than `c` it is was not asked: one-sided" in compared.lines[2]


def test_runs_that_have_all_diverged_are_an_answer() -> None:
    """No score is left to look at."""
    compared = _compare({"a": [np.nan] * 3, "b": [np.inf] * 3})
    assert "`a`, which diverged 3 times in 3; `b`, which diverged 3 times in 3" in compared.lines[3]


def test_a_family_of_runs_has_a_name():
    """An empty one could not be told in the verdict."""
    with pytest.raises(InputError, match="the families of runs must not be empty names"):
        _compare({"a": [0.1, 0.5, 0.3], " ": [1.1, 1.4, 0.9]})
