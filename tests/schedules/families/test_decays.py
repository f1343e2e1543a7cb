"""Decays, by values worked out by hand."""

from __future__ import annotations

import numpy as np

from lrsearch.schedules import make_schedule


def test_the_article_square_root():
    """0.1 (e + 1)^-1/2: a tenth at epoch 0, half of it at epoch 3, a fifth at epoch 24."""
    article = make_schedule("square_root", total_steps=30, base_lr=0.1, timescale=1)
    np.testing.assert_allclose(article.lr([0, 3, 8, 24]), [0.1, 0.05, 0.1 / 3, 0.02], rtol=1e-14)


def test_rex():
    """Beta 1/2 is the paper's (1 - x) / (1/2 + (1 - x) / 2)."""
    x = np.arange(100) / 100
    schedule = make_schedule("rex", total_steps=100, base_lr=1.0, beta=0.5)
    np.testing.assert_allclose(schedule.lr(np.arange(100)), (1 - x) / (0.5 + 0.5 * (1 - x)), rtol=1e-12)


def test_an_inverse_power_of_a_half_is_the_square_root():
    """To the last digits."""
    steps, given = np.arange(50), {"total_steps": 50, "base_lr": 0.3, "warmup_steps": 7, "timescale": 3}
    half, root = make_schedule("inverse_power", exponent=0.5, **given), make_schedule("square_root", **given)
    np.testing.assert_allclose(half.lr(steps), root.lr(steps), rtol=1e-14)
