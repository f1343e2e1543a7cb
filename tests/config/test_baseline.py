"""The fixed schedules of a study file."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lrsearch.config.baseline import BaselineConfig
from lrsearch.errors import InputError
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


def test_a_table_of_rates_is_as_long_as_the_run_unless_it_says_its_epochs() -> None:
    """One rate for each update, or for each epoch; with `epochs` it is stretched."""
    table = {"name": "mine", "rates": [0.1, 0.4, 0.2, 0.0]}
    assert [0.1, 0.4, 0.2, 0.0] == BaselineConfig(**table).schedule(epochs=2, steps_per_epoch=2).lr(range(4)).tolist()
    with pytest.raises(InputError, match="one for each of the 6 steps of the run, got 4"):
        BaselineConfig(**table).schedule(epochs=3, steps_per_epoch=2)
    stretched = BaselineConfig(**table, epochs=2).schedule(epochs=4, steps_per_epoch=2)
    assert [0.1, 0.1, 0.4, 0.4, 0.2, 0.2, 0.0, 0.0] == stretched.lr(range(8)).tolist()
    by_epoch = BaselineConfig(**table, interval="epoch").schedule(epochs=4, steps_per_epoch=9)
    assert [0.4] * 9 == by_epoch.epoch_lr(1, 9).tolist()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rates": []}, "rates must be a list of finite numbers"),
        ({"rates": [0.1, -1]}, "got -1 at place 1"),
        ({"rates": "rates.csv"}, "the path of a file is read where a study is a file"),
        ({"rates": [0.1], "base_lr": 0.2}, "base_lr must be left out beside rates or parts, got 0.2"),
        ({"rates": [0.1], "family": "linear"}, "family must be left out"),
        ({"rates": [0.1, 0.2], "boundaries": [1, 2]}, "boundaries must be one fewer than rates"),
        ({"rates": [0.1], "warmup_steps": 3}, "warmup_steps of tabulated must be 0|warmup_steps must be"),
        ({"parts": [], "boundaries": [3]}, "parts must be"),
        ({"parts": 3, "boundaries": [3]}, "parts must be tables of schedules"),
        ({"parts": [{"family": "linear", "base_lr": 0.1}] * 2}, "join needs boundaries"),
        ({"parts": [{"family": "linear", "base_lr": "x"}] * 2, "boundaries": [3]}, "parts must be"),
    ],
)
def test_what_is_no_table_and_no_join_is_refused(values, complaint) -> None:
    """In one line, before any run has a length."""
    with pytest.raises(ValidationError, match=complaint):
        BaselineConfig.model_validate({"name": "mine", **values})


def test_steps_of_a_long_run_fit() -> None:
    """A drop at update 30,000 is refused only where the run is known to be shorter."""
    long = _baseline(family="multistep", milestones=[30_000])
    assert 0.4 * 0.1 == pytest.approx(float(long.schedule(epochs=10, steps_per_epoch=5000).lr(30_000)))
    with pytest.raises(InputError, match="milestones must be at most total_steps = 100"):
        long.schedule(epochs=10, steps_per_epoch=10)
