"""The pieces that the curves of several families are made of."""

from __future__ import annotations

import numpy as np

from lrsearch.schedules.curves import cosine, down_to


def test_down_to_is_a_line_to_the_last_factor():
    """From 1 while all remains to r when nothing does."""
    assert [1.0, 0.625, 0.25] == down_to(0.25, np.array([1.0, 0.5, 0.0])).tolist()


def test_cosine_is_half_a_wave():
    """1, three quarters after a third, a half in the middle, 0 at the end."""
    np.testing.assert_allclose(cosine(np.array([0.0, 1 / 3, 0.5, 1.0])), [1.0, 0.75, 0.5, 0.0], atol=1e-15)
