"""What holds the peak rate, by values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrsearch.schedules import make_schedule


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


@pytest.mark.parametrize(("power", "shape"), [(0.5, "1-sqrt"), (1.0, "linear")])
def test_two_shapes_are_points_of_the_power_cooldown(power, shape):
    """1 - y^p with p = 1/2 and 1."""
    steps, given = np.arange(61), {"total_steps": 60, "base_lr": 0.3, "decay_steps": 40, "final_lr": 0.01}
    ours = make_schedule("power_cooldown", cooldown_power=power, **given)
    theirs = make_schedule("warmup_stable_decay", decay_shape=shape, **given)
    np.testing.assert_allclose(ours.lr(steps), theirs.lr(steps), rtol=1e-13)
