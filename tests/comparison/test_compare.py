import json

import numpy as np
import pytest

from lrsearch.comparison import Against, Groups, compare_scores
from lrsearch.comparison.agreement import agreement
from lrsearch.comparison.best import prefer
from lrsearch.errors import InputError
from tests.comparison.simulations import draw_scores

NAMES = ("constant", "linear", "cosine", "rex")
SHIFT = (0.0, 0.2, 0.5, 0.6)
BY_PAIR = ("difference", "low", "high", "p", "p_step_down", "p_holm", "p_better", "p_better_low", "p_better_high")
JSON_NAMES = {
    *("mean", "sd", "rank_low", "rank_high", "p_worse", "gap_high", "recommended", "equivalent_to_best", "difference"),
    *("low", "high", "p", "p_single", "p_holm", "p_better", "p_better_low", "p_better_high", "verdict"),
    *("blocks_to_settle", "families", "scores", "blocks", "claim", "metric", "contrasts", "alpha", "rope", "preferred"),
    *("failures", "omnibus_max_t", "omnibus_iman_davenport", "block_seconds", "images", "crossed", "warnings"),
    "verdict_text",
}
BY_FAMILY = ("mean", "sd", "rank_low", "rank_high", "p_worse", "gap_high")


def compare(scores, families=NAMES, *, rope=0.3, **options):
    return compare_scores(scores, families, rope=rope, rng=np.random.default_rng(0), **options)


def table(blocks=10, seed=1):
    return draw_scores(np.random.default_rng(seed), blocks, 4, shift=SHIFT)


def part(found, name):
    return next(getattr(p, name) for p in (found.pairs, found.means, found.recommendation) if hasattr(p, name))


def assert_same(expected, found):
    np.testing.assert_allclose(expected, found, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("blocks", [9, 20])
@pytest.mark.parametrize(
    ("change", "scale"),
    [(lambda y: y[::-1], 1.0), (lambda y: y + 512, 1.0), (lambda y: y / 128, 1 / 128)],
    ids=["reordered", "shifted", "scaled"],
)
def test_order_origin_and_scale_do_not_matter(blocks, change, scale):
    """C16: reordering the blocks, shifting and scaling all scores (and the ROPE) change no p-value and no verdict."""
    before, after = compare(table(blocks)), compare(change(table(blocks)), rope=0.3 * scale)
    for name in ("p", "p_step_down", "p_holm", "p_better", "p_worse", "rank_low"):
        assert_same(part(before, name), part(after, name))
    for name in ("difference", "low", "high", "gap_high"):
        assert_same(part(before, name) * scale, part(after, name))
    assert before.pairs.verdict.tolist() == after.pairs.verdict.tolist()
    assert before.recommended == after.recommended


@pytest.mark.parametrize("blocks", [9, 20])
def test_names_do_not_matter(blocks):
    """C16: with the families in another order every result moves along with its family."""
    order = [2, 0, 3, 1]
    before, after = compare(table(blocks)), compare(table(blocks)[:, order], [NAMES[i] for i in order])
    for name in BY_PAIR:
        assert_same(part(before, name)[np.ix_(order, order)], part(after, name))
    for name in BY_FAMILY:
        assert_same(part(before, name)[order], part(after, name))
    assert before.pairs.verdict[np.ix_(order, order)].tolist() == after.pairs.verdict.tolist()
    assert set(before.recommended) == set(after.recommended)


@pytest.mark.parametrize("blocks", [9, 20])
def test_the_sign_turns_everything_round(blocks):
    """C16: with all scores negated the pairs change sides and the p-values stay."""
    before, after = compare(table(blocks)), compare(-table(blocks))
    for name in ("p", "p_step_down", "p_holm", "blocks_to_settle"):
        assert_same(part(before, name), part(after, name))
    assert_same(before.pairs.difference, -after.pairs.difference)
    assert_same(before.low, -after.high)
    assert_same(before.pairs.p_better_low, 1 - after.pairs.p_better_high)
    assert_same(before.recommendation.rank_low, 5 - after.recommendation.rank_high)
    assert before.pairs.verdict.tolist() == after.pairs.verdict.T.tolist()


def test_each_array_turns_round_with_its_pair():
    """Row i, column j speaks of mean_i - mean_j: differences are antisymmetric, p-values symmetric."""
    found = compare(table())
    assert found.means.mean[3] - found.means.mean[0] == pytest.approx(found.pairs.difference[3, 0])
    assert_same(found.low, -found.high.T)
    assert_same(found.p, found.p.T)
    assert_same(found.pairs.p_better, 1 - found.pairs.p_better.T)
    assert found.pairs.verdict[3, 0].startswith("better")
    assert found.pairs.verdict[0, 3].startswith("worse")
    assert found.p.min() == found.pairs.omnibus_max_t


def test_undecided_pairs_alone_need_more_blocks():
    """The blocks that would settle a pair are 0 where it is settled and 6 or more where it is not."""
    found = compare(table())
    undecided = found.pairs.verdict == "undecided"
    assert undecided.any()
    assert (found.pairs.blocks_to_settle[undecided] >= 6).all()
    assert (found.pairs.blocks_to_settle[~undecided] == 0).all()
    half_width = (found.high - found.low)[undecided] / 2
    # The quantile falls with more blocks, so that the square-root law alone still asks for a little less than half.
    by_square_root = half_width * np.sqrt(10 / found.pairs.blocks_to_settle[undecided])
    assert ((by_square_root > 0.15) & (by_square_root < 0.25)).all()


def test_a_comparison_cannot_be_changed():
    """All arrays are read-only copies."""
    scores = table()
    found = compare(scores)
    scores[:] = 0
    assert found.scores.mean() > 80
    with pytest.raises(ValueError, match="read-only"):
        found.p[0, 1] = 0


def test_json_gives_everything_by_name():
    """The JSON object has the fields of the comparison, arrays as lists, null for what was not tested."""
    scores = table()
    scores[0, 0] = 10
    found = compare(scores, chance=10.0)
    plain = json.loads(found.to_json())
    assert JSON_NAMES <= set(plain)
    assert found.p[1, 2] == plain["p"][1][2] == plain["p_single"][1][2] >= plain["p_step_down"][1][2]
    assert plain["p"][0][1] is None
    assert list(found.recommended) == plain["recommended"]
    assert plain["failures"][0]["family"] == "constant"
    assert plain["failures"][0]["runs"]["count"] == 1
    assert found.verdict_text == plain["verdict_text"]


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
    found = compare(scores, chance=10.0, contrasts=Against("linear"))
    assert found.pairs.verdict[0, 2] == "not tested"
    assert "rex" in found.recommended
    assert "No difference between them could be tested." in found.verdict_text


def test_a_reference_keeps_its_place_where_another_family_failed():
    """The contrasts are those with the reference, even if families before it have left the test."""
    scores = table()
    scores[0, 0] = 10
    found = compare(scores, chance=10.0, contrasts=Against("cosine"))
    expected = [["failed", "failed"], ["same", "not tested"], ["not tested", "same"]]
    assert expected == found.pairs.verdict[[0, 1, 3]][:, [1, 3]].tolist()
    assert np.isfinite(found.p[2, [1, 3]]).all()


def test_ranks_count_who_is_significantly_better_and_worse():
    """A rank interval runs from 1 + the number better to K - the number worse."""
    found = compare(draw_scores(np.random.default_rng(5), 12, 4, sd=0.1, shift=[0.0, 1.0, 1.0, 2.0]))
    assert found.recommendation.rank_low.tolist() == [4, 2, 2, 1]
    assert found.recommendation.rank_high.tolist() == [4, 3, 3, 1]


def test_groups_are_the_means_of_their_members():
    """Groups named beforehand are compared by the mean of their members in each block."""
    groups = {"flat": ["constant"], "falling": ["linear", "rex"]}
    found = compare(table(), contrasts=Groups(groups))
    assert tuple(groups) == found.families
    expected = table()[:, [1, 3]].mean() - table()[:, 0].mean()
    assert expected == pytest.approx(found.pairs.difference[1, 0])
    assert found.to_dict()["contrasts"] == "groups: flat (constant); falling (linear, rex)"


def test_images_widen_the_intervals():
    """With per-example results the intervals also hold for other images, and the sentences stop naming these ones."""
    rng = np.random.default_rng(2)
    correct = rng.normal(1.0, 1.0, 500) + rng.normal(0.0, 0.8, (4, 500)) + rng.normal(0.0, 0.3, (10, 4, 500)) > 0
    scores = 100 * correct.mean(axis=2)
    seeds_only, crossed = compare(scores, images=500), compare(scores, correct=correct)
    assert (crossed.high - crossed.low > seeds_only.high - seeds_only.low)[np.triu_indices(4, k=1)].all()
    assert "on these 500 test examples" in seeds_only.verdict_text
    assert "on these" not in crossed.verdict_text
    assert crossed.test_examples == 500
    assert "would need more than 1,000 blocks or more test examples" in crossed.verdict_text


def test_tie_breakers_choose_inside_the_recommended_set():
    """Fewer parameters come first, then the smaller SD over seeds; what decided is named."""
    sd = {"a": 0.3, "b": 0.2, "c": 0.1}
    assert prefer("abc", sd, {}) == ("c", "a smaller SD over blocks")
    assert prefer("abc", sd, {"a": 1, "b": 2, "c": 2}) == ("a", "fewer parameters")
    assert prefer("abc", sd, {"a": 1, "b": 1, "c": 2}) == ("b", "fewer parameters, then a smaller SD over blocks")
    assert prefer("", sd, {})[0] is None


@pytest.mark.parametrize(
    ("blocks", "alpha", "message"),
    [
        (
            6,
            0.025,
            r"alpha 0.025 is unattainable with 6 blocks \(smallest p-value 0.0303\): use 7 blocks or more",
        ),
        (
            20,
            0.0001,
            r"alpha 0.0001 is unattainable with 20 blocks \(smallest p-value 0.000244\): use a larger",
        ),
        (10, 1.0, "alpha must be below 1, got 1"),
    ],
)
def test_an_alpha_out_of_reach_is_refused_with_the_reason(blocks, alpha, message):
    """C7: where no p-value can be as small as alpha there is no silent "no difference"."""
    with pytest.raises(InputError, match=message):
        compare(table(blocks), alpha=alpha)


def test_the_smallest_p_value_within_reach_is_found():
    """C7: at the alpha just within reach a large difference is found, so the refusal refuses no more than it must."""
    found = compare(draw_scores(np.random.default_rng(3), 6, 4, shift=[0, 0, 0, 9]), alpha=1 / 33)
    assert 1 / 33 == pytest.approx(found.pairs.omnibus_max_t)
    assert found.recommended == ("rex",)


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (table(5), {}, "at least 6 blocks, but have 5"),
        (np.full((8, 4), np.nan), {}, "finite numbers only, but 32"),
        (np.ones(8), {}, r"axes \[blocks, families\], but its shape is \(8,\)"),
        (np.ones((8, 3)), {}, "there are 3 columns of scores and the names"),
        (np.ones((8, 4)), {"families": ["a", "a", "b", "c"]}, "each of two or more columns once"),
        (table(), {"rope": 0.0}, "rope must be a positive number of points, got 0"),
        (table(), {"claim": "cosine wins"}, "claim must begin with"),
        (table(), {"contrasts": Against("step")}, "the reference must be one of"),
        (table(), {"contrasts": Groups({"one": NAMES})}, "groups must be two or more"),
        (table(), {"contrasts": Groups({"one": ["rex"], "two": ["step"]})}, "of the families scored"),
        (table(), {"correct": np.ones((10, 4))}, "axes \\[blocks, families, examples\\]"),
        (np.full((10, 4), 99.98), {"correct": np.ones((10, 4, 5), dtype=bool)}, "they differ by 0.02"),
    ],
)
def test_bad_input_is_refused_by_name(scores, options, message):
    """What cannot be compared is an error that names the rule and the value given."""
    with pytest.raises(InputError, match=message):
        compare(scores, **options)


@pytest.mark.parametrize(("blocks", "expected"), [(6, 1), (9, 1), (10, 0)])
def test_few_blocks_are_warned_about(blocks, expected):
    """From 6 to 9 blocks a comparison is made, with a warning."""
    assert expected == len(compare(table(blocks)).warnings)


def test_two_comparisons_agree_or_not_pair_by_pair():
    """Pairs are counted as separated alike, opposite, in one comparison only, or in none."""
    rng = np.random.default_rng(4)
    short = compare(draw_scores(rng, 12, 4, shift=[0.0, 1.0, 2.0, 2.0], sd=0.1))
    long = compare(draw_scores(rng, 12, 4, shift=[1.0, 0.0, 2.0, 2.5], sd=0.1))
    found = agreement(short, long)
    expected = (4, 1, 1, 0)
    assert expected == (found.same, found.opposite, found.one_only, found.neither)
    assert -1 <= found.kendall_tau < 1
    with pytest.raises(InputError, match="same families"):
        agreement(short, compare(table(), ["a", "b", "c", "d"]))
