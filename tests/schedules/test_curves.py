"""The pieces that the curves of several families are made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from lrsearch.schedules.curves import cosine, down_to, pchip, pchip_slopes


def test_down_to_is_a_line_to_the_last_factor():
    """From 1 while all remains to r when nothing does."""
    assert [1.0, 0.625, 0.25] == down_to(0.25, np.array([1.0, 0.5, 0.0])).tolist()


def test_cosine_is_half_a_wave():
    """1, three quarters after a third, a half in the middle, 0 at the end."""
    np.testing.assert_allclose(cosine(np.array([0.0, 1 / 3, 0.5, 1.0])), [1.0, 0.75, 0.5, 0.0], atol=1e-15)


@pytest.mark.parametrize("points", [2, 3, 5, 12])
def test_pchip_is_that_of_scipy(points):
    """Values and slopes, with rises, flats and extrema, at the points and between."""
    rng, x = np.random.default_rng(points), np.linspace(0.0, 1.0, 101)
    for values in [*rng.normal(size=(20, points)), *rng.integers(-1, 2, (40, points)).astype(float)]:
        theirs = PchipInterpolator(np.linspace(0.0, 1.0, points), values)
        np.testing.assert_allclose(pchip(values, x), theirs(x), atol=1e-12)
        slopes = theirs.derivative()(np.linspace(0.0, 1.0, points)) / (points - 1)
        np.testing.assert_allclose(pchip_slopes(values), slopes, atol=1e-12)
