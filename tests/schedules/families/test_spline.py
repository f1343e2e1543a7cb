"""The free form."""

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.schedules import make_schedule, schedule_from_sample


def test_drawn_factors_are_divided_by_the_largest() -> None:
    """So that base_lr is the peak, wherever it lies."""
    drawn = {f"factor_{point}": factor for point, factor in enumerate((0.01, 0.5, 0.25, 0.1, 0.001), start=1)}
    sample = {"base_lr": 0.2, "warmup_steps": 20, **drawn}
    schedule = schedule_from_sample("spline", sample, total_steps=100, steps_per_epoch=10)
    assert [0.02, 1.0, 0.5, 0.2, 0.002] == schedule.params()["factors"]
    np.testing.assert_allclose(schedule.lr([20, 40, 60, 80, 100]), [0.004, 0.2, 0.1, 0.04, 0.0004], rtol=1e-12)
    assert 0.2 == schedule.lr(np.arange(100)).max()
    assert [0.0, 0.1, 0.19] == schedule.lr([0, 10, 19]).tolist()


def test_it_has_two_points_at_least() -> None:
    """One is no curve."""
    with pytest.raises(InputError, match="factors must be 2 to 100 numbers, got 1"):
        make_schedule("spline", total_steps=10, base_lr=0.1, factors=[1.0])
    with pytest.raises(InputError, match=r"> 0 and <= 1, got 0\.0 at place 1"):
        make_schedule("spline", total_steps=10, base_lr=0.1, factors=[1.0, 0.0])
