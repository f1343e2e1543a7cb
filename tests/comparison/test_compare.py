import numpy as np
import pytest

from lrsearch.comparison import Against, Groups
from lrsearch.errors import InputError
from tests.comparison.examples import NAMES, assert_same, compare, table

BY_PAIR = ("difference", "low", "high", "p", "p_step_down", "p_holm", "p_better", "p_better_low", "p_better_high")
BY_FAMILY = ("mean", "sd", "rank_low", "rank_high", "p_worse", "gap_high")


def part(compared, name):
    return next(getattr(p, name) for p in (compared.pairs, compared.means, compared.recommendation) if hasattr(p, name))


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


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (table(5), {}, "at least 6 blocks, but have 5"),
        (np.full((8, 4), np.nan), {}, "finite numbers only, but 32"),
        (np.ones(8), {}, r"axes \[blocks, families\], but its shape is \(8,\)"),
        (np.ones((8, 3)), {}, "there are 3 columns of scores and the names"),
        (np.ones((8, 4)), {"families": ["a", "a", "b", "c"]}, "each of two or more columns once"),
        (np.ones((8, 2)), {"families": ["a", " "]}, "families must not be empty names, got"),
        (table(), {"images": 0}, "images must be above 0 and finite, got 0"),
        (table(), {"chance": np.nan}, "chance must be a finite score, got nan"),
        (table(), {"rope": 0.0}, "rope must be a positive number of points, got 0"),
        (table(), {"claim": "cosine wins"}, "claim must begin with"),
        (table(), {"contrasts": Against("step")}, "the baseline that others are compared with must be one of them"),
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
