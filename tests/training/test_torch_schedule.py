"""A schedule in anybody's own loop."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.schedules import PerEpoch, ReduceOnPlateau, make_schedule, step_families
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
def test_lambda_lr_uses_the_rates_of_the_schedule(family, data):
    """Every group of an optimizer made with another rate uses lr(t), to 1e-12, also after the end."""
    schedule = data.draw(schedules(family, max_steps=40))
    optimizer = optimizer_at(123.0, groups=2)
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
