"""Values worked out by hand: the article's schedulers, and those families that no library has in this form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrsearch.schedules import PerEpoch, make_schedule


def test_the_article_square_root():
    """0.1 (e + 1)^-1/2: a tenth at epoch 0, half of it at epoch 3, a fifth at epoch 24."""
    article = make_schedule("square_root", total_steps=30, base_lr=0.1, timescale=1)
    np.testing.assert_allclose(article.lr([0, 3, 8, 24]), [0.1, 0.05, 0.1 / 3, 0.02], rtol=1e-14)


def test_the_article_square_root_acts_one_epoch_late():
    """Set after the epoch: epoch 0 trains at the optimizer's 0.3, epoch e at schedule(e - 1), all updates alike."""
    article = PerEpoch(make_schedule("square_root", total_steps=30, base_lr=0.1, timescale=1), lag_lr=0.3)
    rates = np.stack([article.epoch_lr(epoch, 2, []) for epoch in (0, 1, 4, 9)])
    np.testing.assert_allclose(rates, np.repeat([[0.3], [0.1], [0.05], [0.1 / 3]], 2, axis=1), rtol=1e-14)


def test_without_lag_each_epoch_has_its_own_step():
    """A PerEpoch without lag trains epoch e at schedule(e); what it tells of itself is the schedule's."""
    per_epoch = PerEpoch(make_schedule("linear", total_steps=4, base_lr=0.4))
    np.testing.assert_allclose(per_epoch.epoch_lr(1, 3, [2.0]), [0.3, 0.3, 0.3], rtol=1e-14)
    expected = ("linear", 0.4, 4, "epoch")
    assert expected == (per_epoch.family, per_epoch.base_lr, per_epoch.total_steps, per_epoch.interval)
    np.testing.assert_allclose(per_epoch.scaled_to(8).epoch_lr(2, 1, []), [0.3], rtol=1e-14)


def test_the_article_multistep():
    """MultiStepLR with milestones 15 and 30 of 30, gamma 0.5: the second one never takes effect."""
    article = make_schedule("multistep", total_steps=30, base_lr=0.3, milestones=[15, 30], gamma=0.5)
    expected = [0.3] * 15 + [0.15] * 15
    assert expected == article.lr(np.arange(30)).tolist()


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


@pytest.mark.parametrize(
    ("decay_shape", "half_way"), [("linear", 0.505), ("cosine", 0.505), ("1-sqrt", 0.01 + 0.99 * (1 - math.sqrt(0.5)))]
)
def test_warmup_stable_decay(decay_shape, half_way):
    """The peak until the decay begins, its shape half way, final_lr at the end."""
    schedule = make_schedule(
        "warmup_stable_decay",
        total_steps=100,
        base_lr=1.0,
        warmup_steps=10,
        final_lr=0.01,
        decay_steps=40,
        decay_shape=decay_shape,
    )
    np.testing.assert_allclose(schedule.lr([10, 60, 80, 100]), [1.0, 1.0, half_way, 0.01], rtol=1e-12)


def test_rex():
    """Beta 1/2 is the paper's (1 - x) / (1/2 + (1 - x) / 2)."""
    x = np.arange(100) / 100
    schedule = make_schedule("rex", total_steps=100, base_lr=1.0, beta=0.5)
    np.testing.assert_allclose(schedule.lr(np.arange(100)), (1 - x) / (0.5 + 0.5 * (1 - x)), rtol=1e-12)


def test_counts_of_steps_may_be_real_and_drops_come_at_the_nearest_step():
    """Drops every 2.4 steps come at 2.4, 4.8, 7.2 and 9.6, rounded: 2, 5, 7 and 10."""
    schedule = make_schedule("step", total_steps=12, base_lr=1.0, step_size=2.4, gamma=0.5)
    drops = np.flatnonzero(np.diff(schedule.lr(np.arange(12)))) + 1
    expected = [2, 5, 7, 10]
    assert expected == drops.tolist()


@pytest.mark.parametrize(
    ("family", "parameters", "twin", "twin_parameters"),
    [
        ("polynomial", {"power": 1.0, "final_lr": 0.01}, "linear", {"final_lr": 0.01}),
        ("rex", {"beta": 1.0, "final_lr": 0.01}, "linear", {"final_lr": 0.01}),
        ("multistep", {"milestones": [50, 100]}, "multistep", {"milestones": [50]}),
        ("multistep", {"milestones": [30, 60, 90], "gamma": 0.2}, "step", {"step_size": 30, "gamma": 0.2}),
        ("step", {"step_size": 100, "gamma": 0.5}, "constant", {}),
        ("warmup_stable_decay", {"decay_steps": 100, "decay_shape": "cosine"}, "cosine", {}),
        ("cosine_restarts", {"first_cycle_steps": 100}, "cosine", {}),
    ],
)
def test_distance_finds_equal_curves_across_families(family, parameters, twin, twin_parameters):
    """Where two families hold the same curve, distance says 0 (to rounding); one per cent of the rate shows as such."""
    one = make_schedule(family, total_steps=100, base_lr=0.3, **parameters)
    other = make_schedule(twin, total_steps=100, base_lr=0.3, **twin_parameters)
    assert one.distance(other) < 1e-12
    assert 0.009 < one.distance(make_schedule(twin, total_steps=100, base_lr=0.303, **twin_parameters)) < 0.011
