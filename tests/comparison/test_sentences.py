import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison import Groups, compare_scores
from lrsearch.comparison.from_records import require_independent_units
from lrsearch.comparison.inference.flips import flip_pairs
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.comparison.sentences import pair_verdict, verdict_sentences
from lrsearch.comparison.settings import make_claim, require_claim
from lrsearch.errors import InputError
from tests.comparison.simulations import SEED_SD, count, draw_scores, keeps, search_winners, shared_study

NAMES = ["constant", "linear", "cosine", "rex"]


def compare(scores, families=tuple(NAMES), **options):
    return compare_scores(scores, families, rope=0.3, rng=np.random.default_rng(0), **options)


def rejects(scores, rng):
    return (max_t(flip_pairs(scores, rng), 0.05).p_step_down <= 0.05).any()


def seeds(blocks=6, families=4):
    """Return fresh seeds of independent units."""
    table = np.repeat(np.arange(blocks)[:, None], families, axis=1)
    return {"split_seeds": table.copy(), "order_seeds": table + 100, "init_seeds": table + 200}


def test_searches_are_the_units_of_a_claim_about_families(simulations):
    """C8: with one winner per search, identical families are told apart rarely; with seeds of one winner, often."""

    def retrained(winners, rng):
        return winners + rng.normal(0.0, SEED_SD, (10, 8))

    right = count(simulations, 1, lambda rng: rejects(retrained(search_winners(rng, 10, 8), rng), rng))
    failing = count(simulations, 1, lambda rng: rejects(retrained(search_winners(rng, 1, 8), rng), rng))
    assert keeps(right, simulations, 0.0, 0.065)
    assert failing / simulations > 0.4


def test_trials_of_one_study_are_no_samples():
    """C9: Kruskal on the trials of a shared study tells identical families apart in more than half of the studies."""

    def told_apart(rng):
        family, value = shared_study(rng)
        return stats.kruskal(*[value[family == name] for name in range(8) if (family == name).any()]).pvalue < 0.05

    assert count(100, 2, told_apart) > 50


def test_units_that_share_variance_are_told_apart_by_nothing_but_their_seeds(simulations):
    """C8b: 5 % of shared variance breaks the error rate, which is why shared seeds are refused."""

    def shared(rng):
        own = draw_scores(rng, 12, 8, sd=SEED_SD * np.sqrt(0.95))
        return rejects(own + rng.normal(0.0, SEED_SD * np.sqrt(0.05), 8), rng)

    assert not keeps(count(simulations, 3, shared), simulations, 0.0, 0.065)


@pytest.mark.parametrize("kind", ["split", "order", "init"])
def test_shared_seeds_are_refused(kind):
    """C8b: fresh paired seeds pass; a seed that two blocks share, or that differs inside a block, is named."""
    require_independent_units(**seeds())
    shared = seeds()
    shared[f"{kind}_seeds"][4] = shared[f"{kind}_seeds"][1]
    with pytest.raises(InputError, match=f"own {kind} seed, but blocks 1, 4 share"):
        require_independent_units(**shared)
    unpaired = seeds()
    unpaired[f"{kind}_seeds"][3, 2] = 999
    with pytest.raises(InputError, match=f"the {kind} seed must be the same for all families of a block, but block 3"):
        require_independent_units(**unpaired)
    with pytest.raises(InputError, match="must have the axes"):
        require_independent_units(**(seeds() | {f"{kind}_seeds": [1, 2]}))


def test_one_diverged_run_leaves_the_power_of_the_others_alone(simulations):
    """C8b: with the failure rule a diverged run costs its own family alone; without it, all power is lost."""
    simulations //= 3

    def table(rng):
        scores = draw_scores(rng, 12, 4, shift=[0.6, 0.0, 0.0, 0.0])
        scores[5, 3] = 10.0
        return scores

    def seen(chance):
        return lambda rng: compare(table(rng), chance=chance).p[0, 1] <= 0.05

    assert count(simulations, 4, seen(10.0)) > 0.9 * simulations
    assert count(simulations, 4, seen(None)) < 0.1 * simulations


def test_a_failed_family_is_shown_but_neither_tested_nor_recommended():
    """Its mean counts the failure, its pairs say so, and the verdict begins with it."""
    scores = draw_scores(np.random.default_rng(5), 12, 4, shift=[0.0, 0.5, 1.0, 1.5])
    scores[2, 3] = 9.8
    found = compare(scores, chance=10.0)
    assert scores[:, 3].mean() == pytest.approx(found.means.mean[3])
    assert [True] * 3 == np.isnan(found.p[3, :3]).tolist()
    assert ["failed"] * 3 + ["same"] == found.pairs.verdict[3].tolist()
    assert ("cosine",) == found.recommended
    assert found.verdict_text.startswith("First, 1 of 12 runs of rex failed (exact interval 0 to 38 %): worse than 18")
    assert stats.binomtest(1, 12).proportion_ci().high == pytest.approx(found.failures[0].runs.high)


@pytest.mark.parametrize(
    ("broken", "recommended", "sentence"),
    [
        ([0, 1, 2], ("rex",), "rex is recommended as the only one without a failed run."),
        ([0, 1, 2, 3], (), "none can be recommended."),
    ],
)
def test_where_everything_fails_the_verdict_says_so(broken, recommended, sentence):
    """With fewer than two families left nothing is tested."""
    scores = draw_scores(np.random.default_rng(6), 10, 4)
    scores[0, broken] = 10.0
    found = compare(scores, chance=10.0)
    assert recommended == found.recommended
    assert sentence in found.verdict_text
    assert "No difference between them could be tested." in found.verdict_text
    assert np.isnan(found.pairs.omnibus_max_t)


def test_one_search_never_speaks_of_families():
    """C10: the claim of one search is about its configurations, and its verdict has no word of families."""
    scores = draw_scores(np.random.default_rng(7), 10, 4, shift=[0.0, 0.1, 0.5, 1.0])
    scores[3, 0] = 10.0
    claim = make_claim(1, trials=20, sampler="TPE")
    text = compare(scores, claim=claim, chance=10.0).verdict_text.lower()
    assert "famil" not in text
    assert "these configurations" in text
    wrong_claim = make_claim(2, trials=20, sampler="TPE")
    assert "these families, tuned with 20 trials by TPE" in compare(scores, claim=wrong_claim).verdict_text
    assert make_claim(12) == "these families"


@pytest.mark.parametrize("claim", ["cosine wins", "these configurations and their families"])
def test_other_claims_are_refused(claim):
    """A claim is about these configurations or these families, and about one of them only."""
    with pytest.raises(InputError, match="claim"):
        require_claim(claim)


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


def test_the_verdict_has_two_to_five_sentences_with_all_that_is_known():
    """It names the claim, the workload, who is separated and by how much, what is open and what would settle it."""
    scores = draw_scores(np.random.default_rng(8), 12, 4, shift=[0.0, 0.0, 0.4, 1.2])
    scores[3, 0] = 10.0
    found = compare(scores, chance=10.0, block_seconds=90.0, images=10_000)
    assert 2 <= len(verdict_sentences(found)) <= 5
    blocks = found.pairs.blocks_to_settle[1, 2]
    for part in (
        "these configurations",
        "on this workload",
        f"rex is better than linear by {found.pairs.difference[3, 1]:.2f} points ({found.low[3, 1]:.2f} to",
        "more than the 0.3 that matter",
        "on these 10,000 test examples.",
        f"a new confirmation of {blocks:.0f} blocks (about {1.5 * blocks:.0f} minutes) would settle",
    ):
        assert part in found.verdict_text
    assert found.verdict_text.index("rex is better than linear") < found.verdict_text.index("rex is better than cosine")


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
    found = compare(scores, list("abcdef"))
    worse = [i for i, name in enumerate(found.families) if name not in found.recommended]
    best = int(np.argmax(found.means.mean))
    assert any(found.pairs.verdict[i, best] == "undecided" for i in worse)
    not_recommended = next(s for s in verdict_sentences(found) if s.startswith("Not recommended"))
    assert "as shown worse than the best by the one-sided test against the best" in not_recommended
    assert f"p at most {found.recommendation.p_worse[worse].max():.2g}): " in not_recommended
    named = not_recommended.partition("): ")[2].rstrip(".").split(", ")
    assert {found.families[i] for i in worse} == set(named)
    assert "ndecided, by the wider two-sided intervals that hold for all pairs at once, are" in found.verdict_text
    assert "preferred for a smaller SD over blocks" in found.verdict_text


def test_nothing_separated_is_said():
    """Equal families leave everything undecided, and nothing is called separated."""
    found = compare(draw_scores(np.random.default_rng(11), 10, 4))
    text = found.verdict_text
    assert f"a new confirmation of {found.pairs.blocks_to_settle.max():.0f} blocks would settle them." in text
    assert "No two of them are separated on these test examples." in text
    assert "undecided, by the wider" in text
    assert "Not recommended" not in text


def test_a_failed_member_leaves_its_group():
    """A group goes on without the member that failed, and the comparison warns of it."""
    scores = draw_scores(np.random.default_rng(12), 10, 4)
    scores[1, 3] = 10.0
    found = compare(scores, chance=10.0, contrasts=Groups({"flat": ["constant"], "falling": NAMES[1:]}))
    assert scores[:, 1:3].mean() == pytest.approx(found.means.mean[1])
    assert ("left out of their groups for failed runs: rex",) == found.warnings
