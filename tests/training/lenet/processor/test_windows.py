"""Vectors that go through pooling windows."""

from __future__ import annotations

import numba
import numpy as np

from lrsearch.training.lenet.processor.vectors import spread, store, sums, zeros
from lrsearch.training.lenet.processor.windows import correlated, load_window, pool

_WIDTH = 4


def test_the_largest_of_a_window_is_kept_with_its_place():
    """The first of equals, NaN before every number, and nothing where bias and ReLU shut it."""
    width = _WIDTH

    @numba.njit
    def pooled(a, bias, out, place):
        pool(load_window(a, 0, width, 2 * width, width), spread(bias, 0, 1, 1, width), out, place, 0, 0)

    windows = np.array([[1.0, 5, -9, 2], [3, 5, -9, 2], [2, 4, -8, np.nan], [0, 5, -8, 2]])
    out, place = np.zeros(4), np.zeros(4, np.uint8)
    pooled(windows.reshape(-1), np.array([1.0]), out, place)
    np.testing.assert_array_equal([4, 6, 0, np.nan], out)
    assert [1, 0, 4, 2] == place.tolist()


def test_a_patch_begins_at_the_place_of_its_image():
    """Each image's gradient multiplies the row of five pixels at its own place in the window."""
    width = _WIDTH

    @numba.njit
    def products(x, g, place, out, totals):
        total = correlated(zeros(x, 6, width), x, 0, width, 6 * width, g, place, 0)
        store(out, 0, width, 1, total)
        each = sums(total)
        for k in range(6):
            totals[k] = each[k]

    x = np.arange(2.0 * 6 * width).reshape(2, 6, width)
    g, place = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 1, 2, 4], np.uint8)
    out, totals = np.zeros((6, width)), np.zeros(6)
    products(x.reshape(-1), g, place, out.reshape(-1), totals)
    expected = [[x[0, k, 0], 2 * x[0, k + 1, 1], 3 * x[1, k, 2], 0.0] for k in range(5)] + [[1.0, 2.0, 3.0, 0.0]]
    assert expected == out.tolist()
    assert [sum(row) for row in expected] == totals.tolist()
