"""A schedule in a loop of one's own."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.errors import InputError
from lrsearch.schedules import FAMILIES, PerEpoch, ReduceOnPlateau, make_schedule, step_families
from lrsearch.training.torch_schedule import to_torch
from tests.strategies import quick, schedules


def optimizer_at(lr: float, groups: int = 1) -> torch.optim.SGD:
    """Return an optimizer whose groups have the given rate."""
    return torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)]} for _ in range(groups)], lr=lr)


def run(optimizer, scheduler, steps):
    """Return the rates `[steps, groups]` that the optimizer uses."""
    rates = []
    for _ in range(steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("family", step_families())
@quick
@given(data=st.data())
def test_the_scheduler_uses_the_rates_of_the_schedule(family, data):
    """Every group of an optimizer made with another rate uses lr(t), to 1e-12, also after the end."""
    schedule = data.draw(schedules(family, max_steps=40))
    optimizer = optimizer_at(123.0, groups=2)
    if FAMILIES[family].optimizer:
        optimizer.eval = lambda: None  # as one of schedulefree has
    rates = run(optimizer, to_torch(schedule, optimizer), schedule.total_steps + 3)
    expected = schedule.lr(np.arange(schedule.total_steps + 3))
    np.testing.assert_allclose(rates, np.stack([expected, expected], axis=1), rtol=1e-12, atol=0)


def test_a_saved_state_loads_under_weights_only_and_goes_on():
    """The state holds plain floats and no function, so that a checkpoint loads safely and continues the run."""
    schedule = make_schedule("cosine", total_steps=20, base_lr=0.3, final_lr=0.01, warmup_steps=4)
    optimizer = optimizer_at(0.1)
    scheduler = to_torch(schedule, optimizer)
    run(optimizer, scheduler, 7)
    assert type(optimizer.param_groups[0]["lr"]) is float
    file = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    again = optimizer_at(0.1)
    resumed = to_torch(schedule, again)
    again.load_state_dict(state["optimizer"])
    resumed.load_state_dict(state["scheduler"])
    np.testing.assert_allclose(np.ravel(run(again, resumed, 13)), schedule.lr(np.arange(7, 20)), rtol=1e-12)


@pytest.mark.parametrize(
    "kind", [ReduceOnPlateau(0.1, 10), PerEpoch(make_schedule("constant", total_steps=3, base_lr=0.1))]
)
def test_other_kinds_are_refused_with_the_way_out(kind):
    """What LambdaLR cannot hold, or would step at the wrong time, is refused, and the message says what to use."""
    with pytest.raises(ValueError, match=f"got {type(kind).__name__}.*ReduceLROnPlateau.*per_epoch.schedule"):
        to_torch(kind, optimizer_at(0.1))


def decayed_layers(*rates, **options):
    """Return an optimizer with a parameter group for each rate."""
    return torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in rates], **options)


COSINE = make_schedule("cosine", total_steps=20, base_lr=0.3, final_lr=0.01, warmup_steps=4)


def test_every_group_keeps_its_ratio_to_the_first():
    """Layer decay survives, and a group that is frozen at 0 stays frozen; ratios=False sets all to one rate."""
    optimizer = decayed_layers(1.0, 0.42, 0.0)
    rates = run(optimizer, to_torch(COSINE, optimizer), 22)
    expected = COSINE.lr(np.arange(22))
    np.testing.assert_allclose(rates, np.stack([expected, 0.42 * expected, 0 * expected], axis=1), rtol=1e-12)
    optimizer = decayed_layers(1.0, 0.42, 0.0)
    rates = run(optimizer, to_torch(COSINE, optimizer, ratios=False), 22)
    np.testing.assert_allclose(rates, np.stack([expected] * 3, axis=1), rtol=1e-12)


def test_a_first_group_at_0_has_no_ratio():
    """What would be divided by 0 is told, with the way out."""
    with pytest.raises(InputError, match=r"above 0 in the first parameter group.*got 0.*ratios=False"):
        to_torch(COSINE, decayed_layers(0.0, 0.3))
    optimizer = decayed_layers(0.0, 0.3)
    to_torch(COSINE.scaled_to(30), optimizer, ratios=False)


def test_the_scheduler_pickles_and_goes_on():
    """A pickled scheduler brings its optimizer along and has the remaining rates."""
    optimizer = decayed_layers(1.0, 0.5)
    scheduler = to_torch(COSINE, optimizer)
    run(optimizer, scheduler, 7)
    again = pickle.loads(pickle.dumps(scheduler))
    expected = COSINE.lr(np.arange(7, 20))
    np.testing.assert_allclose(run(again.optimizer, again, 13), np.stack([expected, expected / 2], axis=1), rtol=1e-12)


def test_a_rate_that_is_a_tensor_stays_the_same_tensor():
    """Compiled and captured optimizers read the rate from the tensor that they were given."""
    tensor = torch.tensor(1.0)
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=tensor)
    scheduler = to_torch(COSINE, optimizer)
    rates = []
    for _ in range(20):
        assert optimizer.param_groups[0]["lr"] is tensor
        rates.append(tensor.item())
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, COSINE.lr(np.arange(20)), rtol=1e-6)


def test_last_epoch_continues_behind_that_update():
    """As in torch: after last_epoch = 6 the next update is number 7, and the ratios are those of the beginning."""
    optimizer = decayed_layers(1.0, 0.5)
    run(optimizer, to_torch(COSINE, optimizer), 7)
    again = decayed_layers(1.0, 0.5)
    again.load_state_dict(optimizer.state_dict())
    rates = run(again, to_torch(COSINE, again, last_epoch=6), 13)
    np.testing.assert_allclose(np.array(rates)[:, 0], COSINE.lr(np.arange(7, 20)), rtol=1e-12)
    np.testing.assert_allclose(np.array(rates)[:, 1], COSINE.lr(np.arange(7, 20)) / 2, rtol=1e-12)


def test_a_model_in_place_of_an_optimizer_is_told():
    """One line that says what is needed."""
    with pytest.raises(InputError, match=r"needs a torch optimizer as its second argument, got Linear"):
        to_torch(COSINE, torch.nn.Linear(1, 1))


@pytest.mark.parametrize("last_epoch", ["6", 1.5, -2, True])
def test_a_wrong_last_epoch_is_told(last_epoch):
    """It is the number of an update."""
    with pytest.raises(InputError, match="last_epoch must be the number of an update, or -1 to begin, got "):
        to_torch(COSINE, decayed_layers(1.0), last_epoch=last_epoch)


def test_schedule_free_needs_its_own_optimizer():
    """With another one its rates would be those of no schedule at all."""
    free = make_schedule("schedule_free", total_steps=10, base_lr=0.5)
    with pytest.raises(InputError, match=r"needs an optimizer of the package schedulefree for schedule_free.*got SGD"):
        to_torch(free, optimizer_at(0.1))
