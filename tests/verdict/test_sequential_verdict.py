"""The verdict on one candidate against one baseline, in words and as a table."""

import numpy as np

from lrsearch import compare_sequential

BASE = np.linspace(3.0, 4.0, 8)
BETTER = BASE + np.array([0.6, 0.2, 0.9, 0.5, 0.7, 0.3, 0.8, 0.4])


def test_the_words_name_the_limits_and_when_it_was_known() -> None:
    """The interval is the intersection of those of all looks, and both directions give the same sentence."""
    compared = compare_sequential(BETTER, BASE, names=("new", "old"), unit="nats")
    assert compared.sentence == (
        "new is better than old by 0.55 nats (0.1819 to 0.9181), after 8 paired runs; this was known after 7."
    )
    against = compare_sequential(BASE, BETTER, names=("old", "new"), unit="nats")
    assert (against.sentence, against.outcome) == (compared.sentence, "worse")
    assert "valid after every run" in compared.note
    assert 6 == len(compared.table().rows)


def test_too_few_runs_are_told_of() -> None:
    """Two runs allow no look, and three no limit."""
    few = compare_sequential(BETTER[:2], BASE[:2])
    assert "Undecided after 2 paired runs: an analysis needs at least 3 runs of each." == few.sentence
    assert (3, None) == (few.exit_code, few.to_dict()["difference"])
    three = compare_sequential(BETTER[:3], BASE[:3], unit="nats").sentence
    assert "so far candidate is better than baseline by 0.5667 nats (without any limit yet)." in three
