"""Clipping and parameter groups as row operations: whole runs against torch's own, and what a group may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrsearch.errors import InputError
from lrsearch.schedules import make_schedule
from lrsearch.training.data import TrainingData, epoch_order
from lrsearch.training.lane import Lane
from lrsearch.training.models import make_model
from lrsearch.training.optimizers.parameter_groups import NO_FACTORS, column_factors
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Split, Workload
from tests.workload_examples import CLASSES, FEATURES, tabular_data

F64 = torch.float64
EPOCHS, STEPS, BATCH = 3, 10, 20
SPLIT = Split(np.arange(200), np.arange(200, 220), np.arange(220, 240))


def _model() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, CLASSES))


def _head_fast(name: str) -> tuple[float, float]:
    """Train the head at the whole rate and what lies below at half of it; decay half as much below, biases not."""
    return (1.0, 1.0) if name == "3.weight" else (0.5, 0.5 * (not name.endswith("bias")))


def _data() -> Dataset:
    data = tabular_data()
    return replace(data, train_x=data.train_x.double(), test_x=data.test_x.double())


def _workload(**fields) -> Workload:
    return Workload("groups", _model, _data, worst_value=0.3, batch_size=BATCH, **fields)


def _torch_run(lane: Lane, workload: Workload, rule: UpdateRule) -> torch.Tensor:
    """Train one module under torch's own optimizer, parameter groups and clipping; return its parameters."""
    torch.manual_seed(lane.init_seed)
    module, settings = _model().to(F64), lane.settings
    groups, multiples = [], []
    for name, parameter in module.named_parameters():
        rate, decay = workload.parameter_group(name) if workload.parameter_group else (1.0, 1.0)
        decay = 0.0 if rule.no_decay and parameter.ndim <= 1 else decay
        groups.append({"params": [parameter], "weight_decay": decay * settings.weight_decay})
        multiples.append(rate)
    if rule.name == "sgd":
        optimizer = torch.optim.SGD(groups, lr=1.0, momentum=settings.momentum, nesterov=rule.nesterov)
    else:
        optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[rule.name](groups, lr=1.0)
    data, parameters = _data(), list(module.parameters())
    for epoch in range(EPOCHS):
        rates = lane.schedule.epoch_lr(epoch, STEPS, [])
        for rate, batch in zip(rates, epoch_order(lane.order_seed, epoch, 200, BATCH), strict=True):
            for group, multiple in zip(optimizer.param_groups, multiples, strict=True):
                group["lr"] = float(rate) * multiple
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(data.train_x[batch]), data.train_y[batch]).backward()
            if rule.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(parameters, rule.clip_norm)
            optimizer.step()
    return nn.utils.parameters_to_vector(parameters).detach()


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (UpdateRule(uses_momentum=True, uses_decay=True, clip_norm=0.3), {}),
        (UpdateRule(nesterov=True, uses_momentum=True, uses_decay=True), {"parameter_group": _head_fast}),
        (UpdateRule("adam", uses_decay=True, no_decay="vectors", clip_norm=0.1), {}),
        (UpdateRule("adamw", uses_decay=True, no_decay="vectors"), {"parameter_group": _head_fast}),
    ],
    ids=["sgd clipped", "sgd in groups", "adam clipped, vectors", "adamw in groups, vectors"],
)
def test_lanes_equal_torch_alone(rule, fields) -> None:
    """Whole runs of two lanes side by side end where torch's clipping and groups take each alone, to 1e-10."""
    workload, data = _workload(**fields), TrainingData.build(_data(), SPLIT, device="cpu")
    model = make_model(workload, data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=F64, way="stacked")
    stack = Stack(model, workload, data, rule, batch_size=BATCH, dtype=F64)
    scale = 0.05 if rule.name.startswith("adam") else 1.0
    lanes = [
        Lane(make_schedule(family, total_steps=EPOCHS * STEPS, base_lr=rate * scale), seed, 0, settings)
        for seed, (family, rate, settings) in enumerate(
            [
                ("cosine", 0.3, OptimizerSettings(momentum=0.9, weight_decay=0.05)),
                ("constant", 0.1, OptimizerSettings(momentum=0.5, weight_decay=0.2)),
            ]
        )
    ]
    for key, lane in enumerate(lanes):
        stack.admit(key, lane)
    for _ in range(EPOCHS):
        stack.run_epoch()
    for key, lane in enumerate(lanes):
        expected = _torch_run(lane, workload, rule)
        torch.testing.assert_close(stack.checkpoint(key).params, expected, rtol=1e-10, atol=1e-10)
        plain = _torch_run(lane, _workload(), UpdateRule(rule.name, rule.nesterov, rule.uses_momentum, True))
        assert (expected - plain).abs().max() > 1e-3  # the groups and the clipping do something


def test_factors_are_a_column_for_each_number() -> None:
    """Where all are 1 there are none, so that nothing is multiplied."""
    assert column_factors(_workload(), None, device="cpu", dtype=F64) is NO_FACTORS
    factors = column_factors(_workload(parameter_group=_head_fast), None, device="cpu", dtype=F64)
    sizes = [FEATURES * 8, 8, 8, 8, 8 * CLASSES, CLASSES]
    assert [0.5] * sum(sizes[:4]) + [1.0] * sizes[4] + [0.5] * sizes[5] == factors.rate[0].tolist()
    vectors = column_factors(_workload(), "vectors", device="cpu", dtype=F64)
    assert vectors.rate is None
    assert [1.0] * sizes[0] + [0.0] * sum(sizes[1:4]) + [1.0] * sizes[4] + [0.0] * sizes[5] == vectors.decay[0].tolist()


@pytest.mark.parametrize(
    ("group", "given"),
    [
        (lambda name: None if name == "3.bias" else (1.0, 1.0), "got None for '3.bias'"),
        (lambda name: 0.5, "got 0.5 for '0.weight'"),
        (lambda name: (1.0, -0.1), r"got \(1.0, -0.1\) for '0.weight'"),
        (lambda name: {}[name], "its parameter_group fails for '0.weight'"),
    ],
    ids=["nothing", "one number", "negative", "raises"],
)
def test_what_is_no_group_is_refused(group, given) -> None:
    """One line that names the parameter and what was returned for it."""
    with pytest.raises(InputError, match=given) as caught:
        column_factors(_workload(parameter_group=group), None, device="cpu", dtype=F64)
    assert 1 == len(str(caught.value).splitlines())
