"""Rates as they are drawn."""

import numpy as np

from lrsearch.report.rates import rate_curve
from lrsearch.schedules import PerEpoch, make_schedule


def test_thinned_rates_keep_both_sides_of_a_jump():
    """Of 11,700 rates few are drawn, each is exact to four digits, and a milestone's jump stays one step wide."""
    schedule = make_schedule("multistep", total_steps=11_700, base_lr=0.3, milestones=(4321,), gamma=0.1)
    drawn = rate_curve(schedule, epochs=30)
    assert len(drawn.rates) < 300
    steps = np.round(drawn.epochs * 390).astype(int)
    np.testing.assert_allclose(drawn.rates, schedule.lr(steps), rtol=1e-3)
    assert {4320, 4321} <= set(steps.tolist())


def test_rates_stepped_once_per_epoch_are_drawn_as_steps():
    """Each epoch of a PerEpoch schedule has its rate from its beginning to its end, its lag included."""
    schedule = PerEpoch(make_schedule("square_root", total_steps=3, base_lr=0.1, timescale=1), lag_lr=0.3)
    drawn = rate_curve(schedule, epochs=3)
    assert [0, 1, 1, 2, 2, 3] == drawn.epochs.tolist()
    np.testing.assert_allclose(drawn.rates, [0.3, 0.3, 0.1, 0.1, 0.1 / 2**0.5, 0.1 / 2**0.5], rtol=1e-3)
    np.testing.assert_allclose(drawn.at_end, [0.3, 0.1, 0.1 / 2**0.5])


def test_the_rate_at_the_end_of_an_epoch_is_that_of_its_last_update():
    """A milestone at the very beginning of the second epoch leaves the first one's last rate alone."""
    schedule = make_schedule("multistep", total_steps=1500, base_lr=0.3, milestones=(500,), gamma=0.1)
    np.testing.assert_allclose(rate_curve(schedule, epochs=3).at_end, [0.3, 0.03, 0.03])
