"""Cosines, by values worked out by hand."""

from __future__ import annotations

import math

import numpy as np

from lrsearch.schedules import make_schedule


def test_the_article_cosine():
    """max_update 20, 0.3 down to 0.01: 0.155 half way, 0.01 from epoch 20 to the end."""
    article = make_schedule("cosine", total_steps=30, base_lr=0.3, final_lr=0.01, decay_steps=20)
    quarter = 0.01 + 0.29 * (1 + math.sqrt(0.5)) / 2
    np.testing.assert_allclose(article.lr([0, 5, 10, 20, 29]), [0.3, quarter, 0.155, 0.01, 0.01], rtol=1e-12)


def test_the_article_cosine_with_warm_up():
    """warmup_steps 5 of max_update 20: equal rises to 0.3 at epoch 5, then a cosine over the 15 that are left."""
    article = make_schedule(
        "cosine", total_steps=30, base_lr=0.3, final_lr=0.01, warmup_steps=5, warmup_begin_lr=0.05, decay_steps=15
    )
    expected = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.01 + 0.29 * 0.75, 0.01 + 0.29 * 0.25, 0.01, 0.01]
    np.testing.assert_allclose(article.lr([0, 1, 2, 3, 4, 5, 10, 15, 20, 29]), expected, rtol=1e-12)
