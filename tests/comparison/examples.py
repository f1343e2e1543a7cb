"""Tables of scores for the tests of comparisons."""

from __future__ import annotations

import numpy as np

from lrsearch.comparison import compare_scores
from tests.comparison.simulations import draw_scores

NAMES = ("constant", "linear", "cosine", "rex")
SHIFT = (0.0, 0.2, 0.5, 0.6)


def compare(scores, families=NAMES, *, rope=0.3, **options):
    """Return a comparison with the usual ROPE, its flips drawn from one seed."""
    return compare_scores(scores, families, rope=rope, rng=np.random.default_rng(0), **options)


def table(blocks=10, seed=1):
    """Return scores [blocks, 4], the last two families better than the first two."""
    return draw_scores(np.random.default_rng(seed), blocks, 4, shift=SHIFT)


def assert_same(expected, actual):
    """Hold arrays against each other up to rounding."""
    np.testing.assert_allclose(expected, actual, rtol=1e-7, atol=1e-9)
