"""Vectors of the processor's own width, in loops of NumPy's numbers."""

from __future__ import annotations

import numba
import numpy as np

from lrsearch.training.lenet.vectors import add, load, outer, spread, store, sums, vector_bytes, zeros


def test_a_vector_has_the_width_of_this_processor():
    """16, 32 or 64 bytes."""
    assert vector_bytes() in (16, 32, 64)


def test_vectors_load_add_multiply_and_sum():
    """Two vectors of four numbers, times two weights: each product is added, stored, and summed over its numbers."""
    width = 4

    @numba.njit
    def products(images, weights, out, totals):
        both = load(images, 0, width, 2, width)
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
