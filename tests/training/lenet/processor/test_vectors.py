"""Vectors of the processor's own width, in loops of NumPy's numbers."""

from __future__ import annotations

import numba
import numpy as np

from lrsearch.training.lenet.processor.vectors import (
    add,
    load,
    opened,
    outer,
    rectified,
    spread,
    store,
    sums,
    transposed,
    vector_bytes,
    zeros,
)


def test_a_vector_has_the_width_of_this_processor():
    """16, 32 or 64 bytes."""
    assert vector_bytes() in (16, 32, 64)


def test_vectors_load_add_multiply_and_sum():
    """Two vectors of four numbers, times two weights: each product is added, stored, and summed over its numbers."""
    width = 4

    @numba.njit
    def products(images, weights, out, totals):
        both = load(images, 0, width, 1, 2, width)
        total = outer(zeros(images, 4, width), spread(weights, 0, 1, 2, width), both)
        total = add(total, total)
        store(out, 0, width, 4, total)
        each = sums(total)
        for k in range(4):
            totals[k] = each[k]

    images, weights = np.arange(8.0), np.array([1.0, 10.0])
    out, totals = np.zeros(16), np.zeros(4)
    products(images, weights, out, totals)
    expected = 2 * np.stack([weight * images.reshape(2, width) for weight in weights]).reshape(4, width)
    assert expected.tolist() == out.reshape(4, width).tolist()
    assert expected.sum(1).tolist() == totals.tolist()


def test_vectors_are_loaded_in_groups_and_transposed():
    """Groups of vectors side by side, a stride apart; rows and columns exchanged."""
    width = 4

    @numba.njit
    def moved(a, groups, columns):
        store(groups, 0, width, 1, load(a, 1, 10, 2, 4, width))
        store(columns, 0, width, 1, transposed(load(a, 0, 5, 1, 4, width)))

    a, groups, columns = np.arange(30.0), np.zeros((4, width)), np.zeros((4, width))
    moved(a, groups.reshape(-1), columns.reshape(-1))
    assert [[first + k for k in range(width)] for first in (1, 5, 11, 15)] == groups.tolist()
    assert [[k + 5 * row for row in range(4)] for k in range(width)] == columns.tolist()


def test_what_is_not_above_zero_is_cut_off():
    """By its own sign or by that of what came out of ReLU; NaN stays."""
    width = 4

    @numba.njit
    def cut(a, b, own, other):
        values = load(a, 0, width, 1, 1, width)
        store(own, 0, width, 1, rectified(values))
        store(other, 0, width, 1, opened(values, load(b, 0, width, 1, 1, width)))

    own, other = np.zeros(4), np.zeros(4)
    cut(np.array([-1.0, 2.0, np.nan, 0.0]), np.array([3.0, 0.0, 1.0, np.nan]), own, other)
    np.testing.assert_array_equal([0.0, 2.0, np.nan, 0.0], own)
    np.testing.assert_array_equal([-1.0, 0.0, np.nan, 0.0], other)
