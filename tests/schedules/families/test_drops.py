"""Drops, by values worked out by hand."""

from __future__ import annotations

import numpy as np

from lrsearch.schedules import make_schedule


def test_the_article_multistep():
    """MultiStepLR with milestones 15 and 30 of 30, gamma 0.5: the second one never takes effect."""
    article = make_schedule("multistep", total_steps=30, base_lr=0.3, milestones=[15, 30], gamma=0.5)
    expected = [0.3] * 15 + [0.15] * 15
    assert expected == article.lr(np.arange(30)).tolist()


def test_counts_of_steps_may_be_real_and_drops_come_at_the_nearest_step():
    """Drops every 2.4 steps come at 2.4, 4.8, 7.2 and 9.6, rounded: 2, 5, 7 and 10."""
    schedule = make_schedule("step", total_steps=12, base_lr=1.0, step_size=2.4, gamma=0.5)
    drops = np.flatnonzero(np.diff(schedule.lr(np.arange(12)))) + 1
    expected = [2, 5, 7, 10]
    assert expected == drops.tolist()
