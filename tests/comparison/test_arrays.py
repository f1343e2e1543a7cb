"""Arrays that are checked, copied and paired."""

import numpy as np
import pytest

from lrsearch.comparison.arrays import numbers, one_axis, pairs_of, read_only
from lrsearch.errors import InputError


def test_values_that_are_no_numbers_are_refused():
    """An array with other axes or with NaN is named in the error."""
    with pytest.raises(InputError, match=r"loss must have the axes \[blocks, epochs\], but its shape is \(2,\)"):
        numbers([1.0, 2.0], "loss", axes="blocks, epochs")
    with pytest.raises(InputError, match="loss must hold finite numbers only, but 1 of them are not"):
        numbers([1.0, np.nan], "loss", axes="blocks")


def test_numbers_whose_squares_are_none_are_refused():
    """Up to 1e60 a sum of squares is finite."""
    assert [1e60] == numbers([1e60], "loss", axes="blocks").tolist()
    with pytest.raises(InputError, match=r"loss must hold numbers up to 1e\+60, .*got 1e\+61"):
        numbers([-1e61], "loss", axes="blocks")
    with pytest.raises(
        InputError, match="the losses must not all be below 1e-60, got 2e-61: give them in a smaller unit"
    ):
        one_axis([1e-61, -2e-61], "the losses")
    assert [0.0, 1e-60] == [*one_axis([0.0], "the losses"), *one_axis([1e-60], "the losses")]


def test_every_pair_is_named_once():
    """Of three columns: 0 with 1, 0 with 2, 1 with 2; of one column none."""
    first, second = pairs_of(3)
    assert ([0, 0, 1], [1, 2, 2]) == (first.tolist(), second.tolist())
    assert [] == pairs_of(1)[0].tolist()


def test_a_read_only_copy_is_nobody_elses():
    """Writing to it is refused, and writing to the original does not change it."""
    original = np.zeros(2)
    copy = read_only(original)
    original[0] = 1
    assert [0.0, 0.0] == copy.tolist()
    with pytest.raises(ValueError, match="read-only"):
        copy[0] = 1
