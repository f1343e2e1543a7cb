import numpy as np
import pytest

from lrsearch.comparison import Groups
from lrsearch.comparison.words.sentences import pair_verdict, verdict_sentences
from tests.comparison.examples import NAMES, compare
from tests.comparison.simulations import draw_scores


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.31, 0.9, "better by more than the ROPE"),
        (-0.9, -0.31, "worse by more than the ROPE"),
        (-0.3, 0.3, "equivalent"),
        (0.01, 0.29, "better, but by less than matters"),
        (-0.29, -0.01, "worse, but by less than matters"),
        (0.01, 0.31, "better"),
        (-0.31, -0.01, "worse"),
        (-0.01, 0.31, "undecided"),
        (np.nan, np.nan, "not tested"),
    ],
)
def test_the_verdict_of_a_pair_follows_its_interval(low, high, expected):
    """The verdict depends on where the interval lies against the ROPE and 0, in the order of the protocol."""
    assert expected == pair_verdict(low, high, 0.3)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.01, 0.9, "better"), (-0.9, -0.01, "worse"), (-1e-9, 1e-9, "undecided"), (np.nan, np.nan, "not tested")],
)
def test_without_a_rope_a_pair_is_separated_or_not(low, high, expected):
    """Nothing is equivalent, and nothing matters more or less."""
    assert expected == pair_verdict(low, high, None)


def test_without_a_rope_nothing_is_said_of_blocks_to_settle():
    """How many there would have to be depends on it."""
    compared = compare(draw_scores(np.random.default_rng(8), 12, 4, shift=[0.0, 0.0, 0.4, 1.2]), rope=None)
    assert np.isnan(compared.pairs.blocks_to_settle[0, 1])
    assert "how many blocks would settle them depends on the difference that would not matter" in compared.verdict_text
    assert () == compared.recommendation.equivalent_to_best


def test_the_verdict_has_two_to_five_sentences_with_all_that_is_known():
    """It names the claim, the workload, who is separated and by how much, what is open and what would settle it."""
    scores = draw_scores(np.random.default_rng(8), 12, 4, shift=[0.0, 0.0, 0.4, 1.2])
    scores[3, 0] = 10.0
    compared = compare(scores, chance=10.0, block_seconds=90.0, images=10_000)
    assert 2 <= len(verdict_sentences(compared)) <= 5
    blocks = compared.pairs.blocks_to_settle[1, 2]
    for part in (
        "these configurations",
        "on this workload",
        f"rex is better than linear by {compared.pairs.difference[3, 1]:.2f} points ({compared.low[3, 1]:.2f} to",
        "more than the 0.3 that matter",
        "on these 10,000 test examples.",
        f"a new confirmation of {blocks:.0f} blocks (about {1.5 * blocks:.0f} minutes on one process) would settle",
    ):
        assert part in compared.verdict_text
    assert compared.verdict_text.index("rex is better than linear") < compared.verdict_text.index(
        "rex is better than cosine"
    )


def test_equivalent_pairs_and_long_lists_are_told():
    """Quiet scores make pairs equivalent; of many pairs a few are named and the rest counted."""
    scores = draw_scores(np.random.default_rng(9), 20, 8, sd=0.05, shift=[0, 0, 0, 0, 0.5, 0.5, 0.5, 0.65])
    text = compare(scores, [f"s{i}" for i in range(8)]).verdict_text
    assert "Equivalent within 0.3 points are" in text
    assert "more pairs on these test examples." in text
    assert "undecided" not in text
    near = compare(scores[:, [4, 7]], ["a", "b"]).verdict_text
    assert "b is better than a by" in near
    assert "less than matters" in near


def test_a_lone_winner_is_named_as_such():
    """Where all others are shown worse, the recommended one stands alone, and the others are named."""
    scores = draw_scores(np.random.default_rng(10), 12, 3, shift=[0, 0, 2])
    text = compare(scores, list("abc")).verdict_text
    assert "c alone is recommended on these test examples." in text
    assert "Not recommended, as shown worse than the best" in text


def test_one_that_is_not_recommended_while_undecided_is_explained():
    """The one-sided test against the best sees more than all pairs at once: the text says by which each was judged."""
    scores = draw_scores(np.random.default_rng(20), 10, 6, shift=[0.6, 0.55, 0.0, 0.2, 0.5, 0.5])
    compared = compare(scores, list("abcdef"))
    worse = [i for i, name in enumerate(compared.families) if name not in compared.recommended]
    best = int(np.argmax(compared.means.mean))
    assert any(compared.pairs.verdict[i, best] == "undecided" for i in worse)
    not_recommended = next(s for s in verdict_sentences(compared) if s.startswith("Not recommended"))
    assert "as shown worse than the best by the one-sided test against the best" in not_recommended
    assert f"p at most {compared.recommendation.p_worse[worse].max():.2g}): " in not_recommended
    named = not_recommended.partition("): ")[2].rstrip(".").split(", ")
    assert {compared.families[i] for i in worse} == set(named)
    assert "ndecided, by the wider two-sided intervals that hold for all pairs at once, are" in compared.verdict_text
    assert "preferred for a smaller SD over blocks" in compared.verdict_text


def test_nothing_separated_is_said():
    """Equal families leave everything undecided, and nothing is called separated."""
    compared = compare(draw_scores(np.random.default_rng(11), 10, 4))
    text = compared.verdict_text
    assert f"a new confirmation of {compared.pairs.blocks_to_settle.max():.0f} blocks would settle them." in text
    assert "No two of them are separated on these test examples." in text
    assert "undecided, by the wider" in text
    assert "Not recommended" not in text


def test_a_failed_member_leaves_its_group():
    """A group goes on without the member that failed, and the comparison warns of it."""
    scores = draw_scores(np.random.default_rng(12), 10, 4)
    scores[1, 3] = 10.0
    compared = compare(scores, chance=10.0, contrasts=Groups({"flat": ["constant"], "falling": NAMES[1:]}))
    assert scores[:, 1:3].mean() == pytest.approx(compared.means.mean[1])
    assert ("left out of their groups for failed runs: rex",) == compared.warnings
