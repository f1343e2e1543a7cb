"""The example of a loop with a referee: it keeps what is better, and is seldom fooled."""

import random

import pytest
from scipy import stats

from studies.examples.referee import improve


def test_the_loop_keeps_what_is_better_and_nothing_else(capsys) -> None:
    """A better rate is kept, a change without effect and a worse one are dropped; each is told in a line."""
    noise = random.Random(0)
    ideas = [{"rate": 0.1}, {"warmup": 5}, {"rate": 0.9}]
    left = improve({"rate": 0.5}, ideas, lambda run, _: run["rate"] + noise.gauss(0, 0.02), most_pairs=12)
    assert {"rate": 0.1} == left
    told = capsys.readouterr().out.splitlines()
    assert ["kept", "dropped", "dropped"] == [line.partition(". ")[0].split()[-1] for line in told]


@pytest.mark.parametrize(
    ("sequences", "proposals", "pairs"), [(6, 3, 10), pytest.param(300, 8, 30, marks=pytest.mark.slow)]
)
def test_a_loop_without_any_real_change_is_fooled_in_at_most_one_of_twenty_sequences(
    sequences, proposals, pairs
) -> None:
    """Whole sequences of proposals that change nothing: whether anything was kept."""
    noise = random.Random(1)
    ideas = [{"name": number} for number in range(proposals)]
    fooled = sum(improve({}, ideas, lambda *_: noise.gauss(0, 1), most_pairs=pairs) != {} for _ in range(sequences))
    assert fooled <= stats.binom.ppf(0.999, sequences, 0.05)
