"""reduce_on_plateau is torch's ReduceLROnPlateau, read at epoch boundaries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.schedules import ReduceOnPlateau
from tests.strategies import plateaus, quick

# Shortened records of select losses: a good run, a noisy one, one that over-fits, one that diverges, and flat ones
# whose changes lie on either side of the threshold of 1e-4.
RECORDED = {
    "falls": [0.612, 0.471, 0.402, 0.371, 0.345, 0.331, 0.322, 0.318, 0.311, 0.309, 0.306, 0.305],
    "noisy": [0.58, 0.44, 0.47, 0.41, 0.46, 0.43, 0.40, 0.45, 0.44, 0.43, 0.46, 0.42, 0.39, 0.41, 0.44, 0.40],
    "over-fits": [0.55, 0.40, 0.33, 0.30, 0.29, 0.30, 0.31, 0.33, 0.36, 0.38, 0.41, 0.44, 0.47, 0.52, 0.55, 0.60],
    "diverges": [0.7, 2.3, 9.1, math.inf, math.nan, math.nan, math.nan, math.nan, math.nan],
    "starts broken": [math.nan, math.inf, 2.0, math.nan, 1.0, 1.5, math.nan, 1.2, 0.9],
    "flat": [1.0, 0.99995, 0.9999, 0.99985, 0.9998, 0.9997, 0.9996, 0.9995, 0.9994],
    "zero": [0.1, 0.0, 0.0, 0.0, 0.0, 0.0],
}


def torch_rates(schedule, losses):
    """Return the rate of each epoch when torch's scheduler is told the loss of the epoch before."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=schedule.base_lr)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=schedule.factor, patience=schedule.patience, min_lr=schedule.min_lr
    )
    rates = [schedule.base_lr]
    for loss in losses:
        scheduler.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def our_rates(schedule, losses, steps_per_epoch=1):
    """Return the rates `[epochs, steps_per_epoch]`, each epoch asked with the losses of those before it alone."""
    return [schedule.epoch_lr(epoch, steps_per_epoch, losses[:epoch]).tolist() for epoch in range(len(losses) + 1)]


@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize(("factor", "min_lr"), [(0.1, 0.0), (0.5, 0.0), (0.3, 0.02), (0.01, 1e-9)])
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_losses_give_torch_rates(name, factor, min_lr, patience):
    """To the bit, with losses that fall, jump, rise, stand still, or are not numbers."""
    schedule = ReduceOnPlateau(base_lr=0.1, total_steps=100, factor=factor, patience=patience, min_lr=min_lr)
    losses = RECORDED[name]
    assert torch_rates(schedule, losses) == [rate for (rate,) in our_rates(schedule, losses)]


losses_of_a_run = st.lists(st.sampled_from([0.5, 0.9, 0.99995, 1.0, 1.1, math.inf, math.nan]), max_size=25)


@quick
@given(schedule=plateaus(), losses=losses_of_a_run)
def test_any_losses_give_torch_rates(schedule, losses):
    """Without warm-up, for any losses."""
    schedule = ReduceOnPlateau(
        schedule.base_lr, 100, factor=schedule.factor, patience=schedule.patience, min_lr=schedule.min_lr
    )
    assert torch_rates(schedule, losses) == [rate for (rate,) in our_rates(schedule, losses)]


@quick
@given(schedule=plateaus(), losses=losses_of_a_run, steps_per_epoch=st.integers(1, 12))
def test_rates_stay_between_zero_and_the_peak(schedule, losses, steps_per_epoch):
    """After warm-up the rate is the same throughout an epoch and never rises; it is never above base_lr."""
    rates = np.array(our_rates(schedule, losses, steps_per_epoch))
    assert np.all((rates >= 0.0) & (rates <= schedule.base_lr))
    after = rates.ravel()[schedule.warmup_steps :]
    assert np.all(np.diff(after) <= 0.0)
    assert np.all(np.diff(rates[-(-schedule.warmup_steps // steps_per_epoch) :], axis=1) == 0.0)


def test_warm_up_comes_first_and_its_losses_do_not_count():
    """Six updates of warm-up are epoch 0 and half of epoch 1; torch, told the losses from epoch 1 on, agrees."""
    schedule = ReduceOnPlateau(base_lr=0.6, total_steps=32, warmup_steps=6, warmup_begin_lr=0.0, factor=0.5, patience=0)
    losses = [0.2, 1.0, 1.1, 0.9, 0.95]
    rates = our_rates(schedule, losses, steps_per_epoch=4)
    np.testing.assert_allclose(np.ravel(rates[:2]), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6], rtol=1e-14)
    assert torch_rates(schedule, losses[1:]) == [epoch[-1] for epoch in rates[1:]]
    expected = [0.6, 0.6, 0.3, 0.3, 0.15]
    assert expected == [epoch[-1] for epoch in rates[1:]]


@pytest.mark.parametrize("losses", [[1.0], [1.0, 0.9, 0.8]])
def test_the_losses_must_be_those_of_the_epochs_before(losses):
    """One loss too few or too many is an error, not another rate."""
    with pytest.raises(ValueError, match=f"validation_loss must hold the 2 epochs before epoch 2, got {len(losses)}"):
        ReduceOnPlateau(base_lr=0.1, total_steps=10).epoch_lr(2, 5, losses)


def test_another_budget_keeps_the_fractions_of_training():
    """Warm-up and patience stretch with the run."""
    schedule = ReduceOnPlateau(base_lr=0.1, total_steps=100, warmup_steps=10, patience=2, factor=0.3, min_lr=0.01)
    expected = ReduceOnPlateau(base_lr=0.1, total_steps=250, warmup_steps=25, patience=5, factor=0.3, min_lr=0.01)
    assert expected == schedule.scaled_to(250)
