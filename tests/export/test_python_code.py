"""The exported Python file, run with PyTorch alone, gives the schedule's own rates."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.export import render
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, step_families
from tests.export.documents import assert_same_rates, document, example, run_code, sgd
from tests.strategies import plateaus, quick, schedules


def stepped(names, schedule, steps):
    """Return the rates that an optimizer of another rate has in a loop with the exported scheduler."""
    optimizer = sgd(123.0)
    scheduler = names["make_scheduler"](optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("family", step_families())
@quick
@given(st.data())
def test_a_loop_with_the_file_has_the_searched_rates(family, data):
    """For any numbers, every family's file gives its rates over the whole run and the step after."""
    schedule = data.draw(schedules(family))
    names = run_code(schedule, "python")
    assert (schedule.base_lr, schedule.total_steps) == (names["BASE_LR"], names["TOTAL_STEPS"])
    actual = stepped(names, schedule, schedule.total_steps + 3)
    expected = schedule.lr(np.arange(schedule.total_steps + 3))
    assert_same_rates(expected, actual, schedule.base_lr)
    assert all(type(rate) is float for rate in actual)


@pytest.mark.parametrize("family", step_families())
def test_a_rescaled_schedule_is_exported_with_its_whole_steps(family):
    """Another budget, where lengths are no whole numbers, is exported as exactly."""
    schedule = example(family).scaled_to(2 * 193)
    assert_same_rates(
        schedule.lr(np.arange(387)), stepped(run_code(schedule, "python"), schedule, 387), schedule.base_lr
    )


@pytest.mark.parametrize("lag_lr", [None, 0.7])
def test_a_schedule_by_the_epoch_is_stepped_by_the_epoch(lag_lr):
    """With interval "epoch" the file's steps are epochs, and a late loop stays late."""
    schedule = PerEpoch(example("cosine"), lag_lr)
    expected = np.array([schedule.epoch_lr(epoch, 1)[0] for epoch in range(schedule.total_steps)])
    actual = stepped(run_code(schedule, "python"), schedule, schedule.total_steps)
    assert_same_rates(expected, actual, schedule.base_lr)


@quick
@given(plateaus(), st.integers(1, 7), st.lists(st.sampled_from([0.5, 0.9, 1.0, float("nan")]), min_size=50))
def test_the_plateau_scheduler_drops_where_ours_does(schedule, steps_per_epoch, losses):
    """reduce_on_plateau: update by update and epoch by epoch the same rates, warm-up included."""
    epochs = min(len(losses), schedule.total_steps // steps_per_epoch)
    optimizer = sgd(123.0)
    scheduler = run_code(schedule, "python")["make_scheduler"](optimizer)
    for epoch in range(epochs):
        expected = schedule.epoch_lr(epoch, steps_per_epoch, losses[:epoch])
        actual = []
        for _ in range(steps_per_epoch):
            actual.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)
        scheduler.end_epoch(losses[epoch])


def test_the_plateau_scheduler_goes_on_from_its_state(tmp_path):
    """Its state survives torch.save and a load of plain numbers alone."""
    make = run_code(ReduceOnPlateau(0.5, 100, factor=0.5, patience=0), "python")["make_scheduler"]
    optimizer = sgd(1.0)
    scheduler = make(optimizer)
    scheduler.step()
    for loss in (1.0, 1.0, 1.0):
        scheduler.end_epoch(loss)
    torch.save(scheduler.state_dict(), tmp_path / "state.pt")
    again = sgd(1.0)
    make(again).load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert 0.125 == optimizer.param_groups[0]["lr"] == again.param_groups[0]["lr"]


def test_the_file_does_not_need_lrsearch(monkeypatch):
    """It runs where lrsearch cannot be imported."""
    text = render(document(example("cosine_restarts")), "python")
    monkeypatch.setitem(sys.modules, "lrsearch", None)
    names = {}
    exec(text, names)
    assert names["TOTAL_STEPS"] == 280


def test_two_schedules_of_one_family_differ():
    """The comparison can fail: another base rate gives another curve."""
    schedule = example("cosine")
    other = replace(schedule, base_lr=0.31)
    with pytest.raises(AssertionError):
        assert_same_rates(other.lr(np.arange(10)), stepped(run_code(schedule, "python"), schedule, 10), 0.3)


def test_the_file_keeps_the_ratio_of_every_group():
    """Layer decay and frozen groups survive, as with to_torch; ratios=False sets all to one rate."""
    schedule = example("cosine")
    make = run_code(schedule, "python")["make_scheduler"]
    for ratios, factors in ((True, [1.0, 0.5, 0.0]), (False, [1.0, 1.0, 1.0])):
        optimizer = torch.optim.SGD(
            [{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in (0.2, 0.1, 0.0)]
        )
        scheduler = make(optimizer, ratios=ratios)
        for step in range(40):
            rates = [group["lr"] for group in optimizer.param_groups]
            np.testing.assert_allclose(rates, float(schedule.lr(step)) * np.array(factors), rtol=1e-12)
            optimizer.step()
            scheduler.step()


def test_the_plateau_scheduler_keeps_the_ratio_of_every_group():
    """reduce_on_plateau likewise."""
    make = run_code(ReduceOnPlateau(0.5, 100, factor=0.5, patience=0), "python")["make_scheduler"]
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in (0.2, 0.1)]
    optimizer = torch.optim.SGD(groups)
    scheduler = make(optimizer)
    for loss in (1.0, 1.0):
        scheduler.step()
        scheduler.end_epoch(loss)
    assert [0.25, 0.125] == [group["lr"] for group in optimizer.param_groups]


def test_the_file_keeps_a_tensor_and_continues():
    """A rate that is a tensor stays the same tensor; last_epoch continues behind that update; a rate of 0 is told."""
    schedule, tensor = example("cosine"), torch.tensor(1.0)
    make = run_code(schedule, "python")["make_scheduler"]
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=tensor)
    make(optimizer, last_epoch=99)
    assert optimizer.param_groups[0]["lr"] is tensor
    assert tensor.item() == pytest.approx(float(schedule.lr(100)), rel=1e-6)
    with pytest.raises(ValueError, match="first parameter group's lr must be above 0"):
        make(sgd(0.0))
