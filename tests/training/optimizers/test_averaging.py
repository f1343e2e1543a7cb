"""Averages of the weights over whole runs, against the package schedulefree and torch's AveragedModel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lrsearch.schedules import make_schedule
from lrsearch.training.data import TrainingData, epoch_order
from lrsearch.training.lane import Lane
from lrsearch.training.model import Way
from lrsearch.training.models import make_model
from lrsearch.training.optimizers.averaging import mixing_weights
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Split, Workload

F64 = torch.float64
BATCH, STEPS, EPOCHS = 8, 5, 6
SPLIT = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
DECAY = 0.9
HEAVY = OptimizerSettings(momentum=0.9, weight_decay=0.01, ema_decay=DECAY)


def _data() -> Dataset:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(80, 5, generator=generator, dtype=F64)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    return Dataset(x[:60], y[:60], x[60:], y[60:])


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def _normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3))


def _stack(rule: UpdateRule, model: Callable[[], nn.Module], way: Way) -> Stack:
    workload = Workload("averaged", model, _data, worst_value=1 / 3, batch_size=BATCH)
    data = TrainingData.build(_data(), SPLIT, device="cpu")
    stacked = make_model(workload, data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=F64, way=way)
    return Stack(stacked, workload, data, rule, batch_size=BATCH, dtype=F64)


def _lane(family: str, seed: int = 0, *, base_lr: float = 0.1, **numbers: Any) -> Lane:
    schedule = make_schedule(family, total_steps=EPOCHS * STEPS, base_lr=base_lr, **numbers)
    return Lane(schedule, seed, seed % 2, HEAVY)


class Loop:
    """The loop that everybody writes, by an optimizer of others; the statistics are taken anew as their pages ask."""

    def __init__(self, lane: Lane, model: Callable[[], nn.Module], make: Callable[[Any], torch.optim.Optimizer]):
        torch.manual_seed(lane.init_seed)
        self.lane, self.module, self.epoch = lane, model().to(F64), 0
        self.optimizer = make(self.module.parameters())
        self.averaged = AveragedModel(self.module, multi_avg_fn=get_ema_multi_avg_fn(DECAY))

    def run_epoch(self) -> tuple[float, float]:
        """Train an epoch; return the validation losses of the average and of the last weights."""
        data, free = _data(), hasattr(self.optimizer, "eval")
        order = epoch_order(self.lane.order_seed, self.epoch, 40, BATCH)
        self.module.train()
        if free:
            self.optimizer.train()
        for rate, batch in zip(self.lane.schedule.epoch_lr(self.epoch, STEPS, []), order, strict=True):
            self.optimizer.param_groups[0]["lr"] = float(rate)
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.module(data.train_x[batch]), data.train_y[batch]).backward()
            self.optimizer.step()
            self.averaged.update_parameters(self.module)
        self.epoch += 1
        last = self._loss(self.module)
        if free:
            self.optimizer.eval()
        judged = self.module if free else self.averaged.module
        torch.optim.swa_utils.update_bn([data.train_x[batch] for batch in order], judged)
        return self._loss(judged), last

    @staticmethod
    def _loss(module: nn.Module) -> float:
        data = _data()
        with torch.no_grad():
            outputs = module.eval()(data.train_x[40:50])
        return nn.functional.cross_entropy(outputs, data.train_y[40:50]).item()


FREE = {
    "sgd": (UpdateRule(uses_momentum=True, uses_decay=True), 0.5),
    "adamw": (UpdateRule("adamw", uses_decay=True), 0.02),
}


@pytest.mark.parametrize(
    ("name", "model", "way"),
    [("sgd", _normalised, "plain"), ("adamw", _normalised, "stacked"), ("sgd", _mlp, "stacked")],
)
def test_schedule_free_equals_the_package_over_whole_runs(name: str, model: Callable[[], nn.Module], way: Way) -> None:
    """With and without warm-up, beside lanes of the other rule, to 1e-10 in float64."""
    schedulefree = pytest.importorskip("schedulefree")
    rule, rate = FREE[name]
    stack = _stack(rule, model, way)
    lanes = {
        0: _lane("schedule_free", base_lr=rate, warmup_steps=7),
        1: _lane("schedule_free", 1, base_lr=rate / 2, interpolation=0.8),
        2: _lane("cosine", 1),
    }
    for key, lane in lanes.items():
        stack.admit(key, lane)

    def made(interpolation: float) -> Callable[[Any], torch.optim.Optimizer]:
        if name == "sgd":
            return lambda p: schedulefree.SGDScheduleFree(p, momentum=interpolation, weight_decay=0.01)
        return lambda p: schedulefree.AdamWScheduleFree(p, betas=(interpolation, 0.999), weight_decay=0.01)

    loops = {key: Loop(lanes[key], model, made(interpolation)) for key, interpolation in ((0, 0.9), (1, 0.8))}
    for _ in range(EPOCHS):
        metrics = stack.run_epoch()
        for key, loop in loops.items():
            assert pytest.approx(loop.run_epoch()[0], rel=1e-10) == metrics[key].loss["select"]
    assert not metrics[0].more
    for key, loop in loops.items():
        loop.optimizer.train()
        y = nn.utils.parameters_to_vector(loop.module.parameters()).detach()
        torch.testing.assert_close(stack.checkpoint(key).params[: len(y)], y, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("model", "way"), [(_normalised, "plain"), (_normalised, "stacked")])
def test_an_exponential_average_equals_torch_over_whole_runs(model: Callable[[], nn.Module], way: Way) -> None:
    """The score is the average's and the last weights' is a curve; the weights themselves are trained as ever."""
    rule = UpdateRule(uses_momentum=True, uses_decay=True)
    stack, without = (_stack(each, model, way) for each in (replace(rule, average="ema"), rule))
    for key in range(2):
        stack.admit(key, _lane("cosine", key))
        without.admit(key, _lane("cosine", key))
    loop = Loop(_lane("cosine", 1), model, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, weight_decay=0.01))
    for _ in range(EPOCHS):
        judged, last = loop.run_epoch()
        metrics, plain = stack.run_epoch()[1], without.run_epoch()[1]
        assert pytest.approx(judged, rel=1e-10) == metrics.loss["select"]
        assert pytest.approx(last, rel=1e-10) == plain.loss["select"]
        assert {"accuracy of the last weights": plain.score["select"]} == metrics.more
    assert torch.equal(without.checkpoint(1).params, stack.checkpoint(1).params)


@pytest.mark.parametrize("way", ["plain", "stacked"])
def test_a_lane_that_averages_goes_on_from_its_checkpoint(way: Way) -> None:
    """To the bit, in a stack of its own, and its test score too."""
    rule = UpdateRule("adamw", uses_decay=True, average="ema")
    for family in ("schedule_free", "linear"):
        whole, resumed = _stack(rule, _normalised, way), _stack(rule, _normalised, way)
        whole.admit(0, _lane(family, base_lr=0.02))
        whole.run_epoch()
        resumed.admit(4, _lane(family, base_lr=0.02), whole.checkpoint(0))
        for _ in range(EPOCHS - 1):
            assert whole.run_epoch()[0] == resumed.run_epoch()[4]
        assert whole.evaluate(0, "test").loss == resumed.evaluate(4, "test").loss


def test_steps_weigh_as_the_square_of_the_largest_rate_so_far() -> None:
    """Worked out by hand: of rates 0, 1, 2 and 1 the weights are 0, 1, 4 and 4."""
    assert [0, 1, 4 / 5, 4 / 9] == mixing_weights(np.array([0.0, 1.0, 2.0, 1.0])).tolist()
