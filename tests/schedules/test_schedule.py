"""A schedule as a function of the step, by the step and by the epoch."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.schedules import PerEpoch, make_schedule

RUN = {"total_steps": 100, "base_lr": 0.3}


@pytest.mark.parametrize("step", [0.5, [1.0], -1, [0, -3]])
def test_steps_are_whole_and_not_negative(step):
    """A rate between updates or before the first does not exist."""
    with pytest.raises(InputError, match="step must hold integers >= 0"):
        make_schedule("constant", **RUN).lr(step)


def test_distance_needs_runs_of_equal_length():
    """Two lengths have no steps in common; the message says how to go on."""
    with pytest.raises(InputError, match="equal total_steps, got 100 and 50; use scaled_to first"):
        make_schedule("constant", **RUN).distance(make_schedule("constant", total_steps=50, base_lr=0.3))


def test_distance_needs_a_schedule():
    """What has no rates is told by its kind."""
    with pytest.raises(InputError, match="distance needs another Schedule, got int"):
        make_schedule("constant", **RUN).distance(3)


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
