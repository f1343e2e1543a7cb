"""One step of all lanes at once against numbers worked out by hand, and against torch.optim."""

from __future__ import annotations

import pytest
import torch

from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule, clip_factor, settings_columns

F64 = torch.float64
LANES = [
    OptimizerSettings(momentum=0.9, weight_decay=0.1),
    OptimizerSettings(momentum=0.5, weight_decay=0.0, beta1=0.8, beta2=0.99, eps=1e-6),
]


def steps(rule: UpdateRule, count: int) -> torch.Tensor:
    """Return the parameters `[2, 3]` of two lanes after steps whose gradient is the parameters themselves."""
    params = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]], dtype=F64)
    state = [torch.zeros_like(params) for _ in range(rule.state_count)]
    rates = torch.tensor([[0.1], [0.02]], dtype=F64)
    for update in range(1, count + 1):
        updates = torch.full((2, 1), float(update), dtype=F64)
        rule.update(params, params.clone(), rates, state, updates, settings_columns(LANES, params))
    return params


def test_a_step_of_sgd_is_the_rate_times_the_gradient():
    """Each lane by its own rate: 1 - 0.1 of the first, 1 - 0.02 of the second."""
    expected = torch.tensor([[0.9, -1.8, 2.7], [0.49, 0.0, -0.98]], dtype=F64)
    torch.testing.assert_close(expected, steps(UpdateRule(), 1))


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw"])
def test_steps_equal_torch(name):
    """Momentum, decay and Adam's corrections of each lane are those of an optimizer of its own, over five steps."""
    rule = {
        "sgd": UpdateRule(uses_momentum=True, uses_decay=True),
        "nesterov": UpdateRule(nesterov=True, uses_momentum=True, uses_decay=True),
    }.get(name) or UpdateRule(name, uses_decay=True)
    stepped = steps(rule, 5)
    for lane, (settings, rate) in enumerate(zip(LANES, (0.1, 0.02), strict=True)):
        weights = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]], dtype=F64)[lane].requires_grad_()
        if name in ("adam", "adamw"):
            kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
            adam = {"betas": (settings.beta1, settings.beta2), "eps": settings.eps}
            optimizer = kind([weights], lr=rate, weight_decay=settings.weight_decay, **adam)
        else:
            numbers = {"momentum": settings.momentum, "weight_decay": settings.weight_decay}
            optimizer = torch.optim.SGD([weights], lr=rate, nesterov=name == "nesterov", **numbers)
        for _ in range(5):
            weights.grad = weights.detach().clone()
            optimizer.step()
        torch.testing.assert_close(weights.detach(), stepped[lane], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (UpdateRule(), 0),
        (UpdateRule(uses_momentum=True), 1),
        (UpdateRule("adam"), 2),
        (UpdateRule("adam", average="ema"), 3),
        (UpdateRule(uses_momentum=True, average="ema").as_schedule_free(), 1),
        (UpdateRule("adamw").as_schedule_free(), 2),
    ],
)
def test_a_rule_keeps_as_much_state_as_it_needs(rule, count):
    """SGD without momentum keeps nothing."""
    assert count == rule.state_count


def test_another_optimizer_is_refused():
    """The names that there are stand in the message."""
    with pytest.raises(ValueError, match="optimizer must be one of sgd, adam, adamw, got 'lion'"):
        UpdateRule("lion")


def test_settings_are_a_column_each():
    """`[N, 1]`, in the type of the parameters."""
    columns = settings_columns(LANES, torch.zeros(1, dtype=F64))
    assert set(vars(LANES[0])) == set(columns)
    assert [[0.9], [0.5]] == columns["momentum"].tolist()
    assert F64 == columns["eps"].dtype


def test_a_long_gradient_is_scaled_to_the_norm_and_a_short_one_is_kept():
    """Rows of norm 5 and 0.5 under a limit of 1, each by itself."""
    grad = torch.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=F64)
    torch.testing.assert_close(torch.tensor([[0.2], [1.0]], dtype=F64), clip_factor(grad, 1.0), rtol=1e-6, atol=0)
