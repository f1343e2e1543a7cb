"""The fixed schedules of a study file."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lrsearch.config.baseline import BaselineConfig
from lrsearch.schedules import PerEpoch, make_schedule


def _baseline(**values) -> BaselineConfig:
    return BaselineConfig.model_validate({"name": "mine", "family": "linear", "base_lr": 0.4, **values})


def test_a_schedule_by_the_step_lasts_as_long_as_the_run() -> None:
    """Its further keys are the family's parameters."""
    made = _baseline(final_lr=0.1).schedule(epochs=3, steps_per_epoch=10)
    assert make_schedule("linear", total_steps=30, base_lr=0.4, final_lr=0.1) == made


def test_numbers_that_are_meant_for_another_length_keep_their_fraction() -> None:
    """A drop after 15 of 30 epochs comes after 5 of 10."""
    meant = _baseline(family="multistep", milestones=[15], gamma=0.5, interval="epoch", epochs=30)
    rates = [float(meant.schedule(epochs=10, steps_per_epoch=7).epoch_lr(epoch, 1)[0]) for epoch in range(10)]
    assert [0.4] * 5 + [0.2] * 5 == rates


@pytest.mark.parametrize(("lag_lr", "first"), [(None, 0.4), (0.7, 0.7)])
def test_a_schedule_that_acts_late_begins_with_a_rate_of_its_own(lag_lr, first) -> None:
    """The base rate unless another is given; epoch 1 has the rate of step 0."""
    made = _baseline(interval="epoch", lag=True, lag_lr=lag_lr).schedule(epochs=4, steps_per_epoch=2)
    assert isinstance(made, PerEpoch)
    rates = np.concatenate([made.epoch_lr(epoch, 2) for epoch in range(3)])
    np.testing.assert_allclose(rates, [first, first, 0.4, 0.4, 0.3, 0.3], rtol=1e-14)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"lag": True}, 'lag = true needs interval = "epoch"'),
        ({"gamma": 0.5}, "linear has no parameter 'gamma'"),
        ({"family": "reduce_on_plateau", "interval": "epoch"}, "already steps by the epoch"),
        ({"base_lr": 0.0}, "greater than 0"),
        ({"name": "a\nb"}, "must hold no control characters"),
        ({"name": "  "}, "must not be blank, got '  '"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(values, complaint) -> None:
    """Before any run has a length."""
    with pytest.raises(ValidationError, match=complaint):
        _baseline(**values)
