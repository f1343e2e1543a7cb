"""The split: its sizes, its classes, and that nothing is in two parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.errors import InputError
from lrsearch.workloads.split import examples_to_fit, split_examples


def _labels(examples: int, classes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(examples) % classes)


def test_fashion_mnist_splits_into_50000_and_twice_5000_of_equal_classes() -> None:
    """60,000 examples of ten equal classes: 5,000 / 500 / 500 of each."""
    labels = _labels(60_000, 10)
    split = split_examples(labels, split_seed=1)
    assert (50_000, 5_000, 5_000) == (len(split.fit), len(split.select), len(split.report))
    for part, each in ((split.fit, 5_000), (split.select, 500), (split.report, 500)):
        assert [each] * 10 == np.bincount(labels[part]).tolist()


@given(st.integers(1, 400), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_every_example_is_in_one_part_and_classes_keep_their_share(examples, classes, seed) -> None:
    """The parts are disjoint, hold everything, and hold of each class its twelfths, to less than two examples."""
    labels = _labels(examples, classes, seed % 100)
    split = split_examples(labels, seed)
    assert list(range(examples)) == sorted([*split.fit, *split.select, *split.report])
    assert (examples // 12, examples // 12) == (len(split.select), len(split.report))
    for part in (split.select, split.report):
        share = np.bincount(labels, minlength=classes) * len(part) / examples
        assert np.abs(np.bincount(labels[part], minlength=classes) - share).max() < 2


def test_the_split_is_a_function_of_its_seed() -> None:
    """Equal seeds, equal splits; another seed, another split; and examples do not stay in the order of their labels."""
    labels = np.sort(_labels(600, 10))
    first, again, other = (split_examples(labels, seed) for seed in (3, 3, 4))
    assert all((getattr(first, part) == getattr(again, part)).all() for part in ("fit", "select", "report"))
    assert set(first.select) != set(other.select)


def test_targets_of_a_regression_are_split_at_random() -> None:
    """Floats have no classes: the sizes are kept, and the draw is not by their size."""
    targets = np.linspace(0.0, 1.0, 1200)
    split = split_examples(targets, 0)
    assert (1000, 100, 100) == (len(split.fit), len(split.select), len(split.report))
    assert targets[split.select].mean() == pytest.approx(0.5, abs=0.1)


def test_all_means_all() -> None:
    """`train = "all"` fits every example and keeps none back."""
    split = split_examples(_labels(50, 5), 0, train="all")
    assert (50, 0, 0) == (len(set(split.fit)), len(split.select), len(split.report))


@given(st.integers(12, 400), st.sampled_from(["fit", "all"]))
def test_the_examples_to_fit_are_counted_without_a_split(examples, train) -> None:
    """The count is the size of the part that a split of that many examples fits."""
    assert len(split_examples(_labels(examples, 3), 0, train=train).fit) == examples_to_fit(examples, train=train)


def test_too_few_examples_to_hold_any_out_are_refused() -> None:
    """Eleven cannot be split; fixed schedules may fit them all."""
    with pytest.raises(InputError, match=r"at least 12 training examples, .* got 11"):
        examples_to_fit(11)
    assert 11 == examples_to_fit(11, train="all")


def _groups(sizes: list[int]) -> np.ndarray:
    """Return the group of each example, in a random order."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


@given(st.lists(st.integers(1, 30), min_size=3, max_size=60), st.integers(0, 2**32 - 1))
def test_no_group_is_on_two_sides(sizes, seed) -> None:
    """Both held-out parts have whole groups, and as many examples are fitted as are counted without a split."""
    groups = _groups(sizes)
    if len(groups) < 12:
        return
    split = split_examples(np.zeros(len(groups)), seed, groups=groups)
    sides = [set(groups[part]) for part in (split.fit, split.select, split.report)]
    assert sides[1]
    assert sides[2]
    assert len(set.union(*sides)) == sum(map(len, sides))
    assert len(split.fit) == examples_to_fit(len(groups), groups=groups)
    assert len(set(split.fit)) == len(split.fit)


def test_small_groups_cost_no_more_examples_than_none() -> None:
    """120 groups of ten: a twelfth for validation and a twelfth as the holdout; ten large ones: a group for each."""
    split = split_examples(_labels(1200, 3), 1, groups=_groups([10] * 120))
    assert (1000, 100, 100) == (len(split.fit), len(split.select), len(split.report))
    split = split_examples(_labels(1000, 3), 1, groups=_groups([100] * 10))
    assert (800, 100, 100) == (len(split.fit), len(split.select), len(split.report))


def test_a_split_by_groups_is_a_function_of_its_seed() -> None:
    """Equal seeds, equal splits; another seed, other groups."""
    groups = _groups([4] * 60)
    first, again, other = (split_examples(_labels(240, 3), seed, groups=groups) for seed in (3, 3, 4))
    assert (first.select == again.select).all()
    assert (first.fit == again.fit).all()
    assert set(groups[first.select]) != set(groups[other.select])


def test_a_class_that_only_some_draws_leave_out_is_in_validation() -> None:
    """Draws are repeated until it is: here twelve groups of sixty hold the second class."""
    groups = _groups([2] * 60)
    labels = (groups < 12).astype(np.int64)
    assert all({0, 1} == set(labels[split_examples(labels, seed, groups=groups).select]) for seed in range(5))


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        ([50, 50], "groups must be at least 3 different ones, .* got 2: give validation_x and validation_y"),
        ([60, 5, 5, 5, 5], "groups leave the validation part without class 1 in each of 100 draws"),
    ],
    ids=["too few", "no class"],
)
def test_groups_that_cannot_be_divided_are_refused(sizes, complaint) -> None:
    """Two groups leave nothing to fit; a class that only the largest group has is never in validation."""
    groups = _groups(sizes)
    with pytest.raises(InputError, match=complaint):
        split_examples((groups == 0).astype(np.int64), 0, groups=groups)
