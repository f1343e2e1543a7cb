"""The stack against the loop that everybody writes: one module, one torch.optim optimizer, one schedule."""

import numpy as np
import pytest
import torch
from torch import nn

from lrsearch.schedules import ReduceOnPlateau, Schedule, make_schedule
from lrsearch.training.data import TrainingData, epoch_order
from lrsearch.training.lane import Checkpoint, EpochMetrics, Lane
from lrsearch.training.model import Way
from lrsearch.training.models import make_model
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack, run_together
from lrsearch.workloads import Dataset, Split, Workload

EXAMPLES, FEATURES, CLASSES, BATCH = 60, 5, 3, 8
STEPS = 5  # 40 examples to fit
F64 = torch.float64


def _data(seed: int = 0) -> Dataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(EXAMPLES + 20, FEATURES, generator=generator, dtype=F64)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    return Dataset(x[:EXAMPLES], y[:EXAMPLES], x[EXAMPLES:], y[EXAMPLES:])


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 7), nn.Tanh(), nn.Linear(7, CLASSES))


def _batch_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, CLASSES))


def _dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 7), nn.ReLU(), nn.Dropout(0.3), nn.Linear(7, CLASSES))


def _workload(model=_mlp) -> Workload:
    return Workload("mlp", model, _data, worst_value=1 / CLASSES, batch_size=BATCH)


SPLIT = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))


def _stack(rule: UpdateRule | None = None, model=_mlp, way: Way = "stacked") -> Stack:
    workload = _workload(model)
    data = TrainingData.build(_data(), SPLIT, device="cpu")
    stacked = make_model(workload, data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=F64, way=way)
    return Stack(stacked, workload, data, rule or UpdateRule(), batch_size=BATCH, dtype=F64)


def _lane(family: str = "cosine", epochs: int = 4, *, init_seed=0, order_seed=0, settings=None, **numbers) -> Lane:
    numbers = {"base_lr": 0.2, **numbers}
    schedule = make_schedule(family, total_steps=epochs * STEPS, **numbers)
    return Lane(schedule, init_seed, order_seed, settings or OptimizerSettings())


def _loop(lane: Lane, epochs: int, make_optimizer, model=_mlp) -> tuple[torch.Tensor, list[float]]:
    """Train as a tutorial does; return the final parameters and the training loss of each epoch."""
    data = _data()
    torch.manual_seed(lane.init_seed)
    module = model().to(F64)
    optimizer = make_optimizer(module.parameters())
    losses = []
    for epoch in range(epochs):
        rates = lane.schedule.epoch_lr(epoch, STEPS, [])
        total = 0.0
        for rate, batch in zip(rates, epoch_order(lane.order_seed, epoch, 40, BATCH), strict=True):
            optimizer.param_groups[0]["lr"] = float(rate)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(module(data.train_x[batch]), data.train_y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / STEPS)
    return nn.utils.parameters_to_vector(module.parameters()).detach(), losses


OPTIMIZERS = {
    "sgd": (UpdateRule(), OptimizerSettings(), lambda p: torch.optim.SGD(p, lr=1.0)),
    "momentum and decay": (
        UpdateRule(uses_momentum=True, uses_decay=True),
        OptimizerSettings(momentum=0.9, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, weight_decay=0.01),
    ),
    "nesterov": (
        UpdateRule(nesterov=True, uses_momentum=True),
        OptimizerSettings(momentum=0.8),
        lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.8, nesterov=True),
    ),
    "adam": (
        UpdateRule("adam", uses_decay=True),
        OptimizerSettings(weight_decay=0.02, beta1=0.8),
        lambda p: torch.optim.Adam(p, lr=1.0, weight_decay=0.02, betas=(0.8, 0.999)),
    ),
    "adamw": (
        UpdateRule("adamw", uses_decay=True),
        OptimizerSettings(weight_decay=0.05),
        lambda p: torch.optim.AdamW(p, lr=1.0, weight_decay=0.05),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lanes_equal_the_plain_loop(name):
    """Lanes with different schedules and seeds end where torch.optim takes a plain module, to 1e-8 over 100 steps."""
    rule, settings, make_optimizer = OPTIMIZERS[name]
    scale = 0.05 if "adam" in name else 1.0
    lanes = {
        0: _lane("cosine", 20, base_lr=0.2 * scale, final_lr=0.01 * scale, warmup_steps=7, settings=settings),
        1: _lane("constant", 20, base_lr=0.05 * scale, init_seed=1, settings=settings),
        2: _lane("multistep", 20, base_lr=0.3 * scale, milestones=[12, 33], gamma=0.3, order_seed=5, settings=settings),
    }
    stack = _stack(rule)
    for key, lane in lanes.items():
        stack.admit(key, lane)
    epochs = [stack.run_epoch() for _ in range(20)]
    for key, lane in lanes.items():
        params, losses = _loop(lane, 20, make_optimizer)
        torch.testing.assert_close(stack.checkpoint(key).params, params, rtol=1e-8, atol=1e-8)
        assert losses == pytest.approx([metrics[key].train_loss for metrics in epochs], rel=1e-8)


def _run(stack: Stack, epochs: int, key: int = 0) -> list[EpochMetrics]:
    return [stack.run_epoch()[key] for _ in range(epochs)]


def _assert_same(expected: Checkpoint, actual: Checkpoint) -> None:
    torch.testing.assert_close(actual.params, expected.params, rtol=1e-10, atol=1e-12)
    for theirs, mine in zip(expected.state, actual.state, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)
    assert expected.select_loss == pytest.approx(actual.select_loss, rel=1e-10)


MOMENTUM = UpdateRule(uses_momentum=True)
HEAVY = OptimizerSettings(momentum=0.9)


def test_a_lane_is_the_same_in_any_company():
    """A lane gives the same result alone, in phase with others, out of phase, and admitted to a freed place."""
    lane = _lane("linear", settings=HEAVY, base_lr=0.1)
    alone = _stack(MOMENTUM)
    alone.admit(0, lane)
    _run(alone, 4)

    company = _stack(MOMENTUM)
    for key, other in enumerate([_lane("rex", init_seed=3), _lane("constant"), _lane(order_seed=2)], start=1):
        company.admit(key, other)
    company.run_epoch()
    company.release(2)
    company.admit(0, lane)  # out of phase with lanes 1 and 3
    company.run_epoch()
    company.admit(4, lane)  # out of phase with its own twin
    _run(company, 3)
    _assert_same(alone.checkpoint(0), company.checkpoint(0))
    company.run_epoch()
    company.release(0)
    _assert_same(alone.checkpoint(0), _after_four(company, 4))


def _after_four(stack: Stack, key: int) -> Checkpoint:
    assert stack.checkpoint(key).epoch == 4
    return stack.checkpoint(key)


@pytest.mark.parametrize(("model", "way"), [(_mlp, "stacked"), (_batch_norm, "plain")])
def test_stacks_on_several_splits_train_together_to_what_each_comes_to_alone(model, way):
    """To the bit, though each has batches and a validation set of its own, and one is in another epoch."""
    splits = [SPLIT, Split(np.arange(20, 60), np.arange(10), np.arange(10, 20))]
    alone = [_stack(model=model, way=way).beside(split) for split in splits]
    together = [_stack(model=model, way=way)]
    together.append(together[0].beside(splits[1]))
    for stacks in (alone, together):
        stacks[0].admit(0, _lane(order_seed=1))
        stacks[0].run_epoch()
        for number, stack in enumerate(stacks):
            stack.admit(1, _lane("linear", order_seed=number))
            stack.admit(2, _lane("constant", init_seed=3, order_seed=number))
    for _ in range(2):
        expected, actual = [stack.run_epoch() for stack in alone], run_together(together)
        assert expected == actual
    assert expected[0][1] != expected[1][1]
    assert torch.equal(alone[1].checkpoint(2).params, together[1].checkpoint(2).params)


def test_an_interruption_leaves_every_lane_at_an_epoch_boundary(monkeypatch):
    """What a signal cuts off has not happened: the lane trains that epoch again, to the same result."""
    stack, whole = _stack(UpdateRule(uses_momentum=True)), _stack(UpdateRule(uses_momentum=True))
    lane = _lane(settings=OptimizerSettings(momentum=0.9))
    for one in (stack, whole):
        one.admit(0, lane)
        one.run_epoch()
    evaluate, calls = stack._evaluate, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:  # trained, and evaluated on one part of two
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(stack, "_evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stack.run_epoch()
    assert 1 == stack.checkpoint(0).epoch == len(stack.checkpoint(0).select_loss)
    assert _run(whole, 3) == _run(stack, 3)


@pytest.mark.parametrize("model", [_mlp, _batch_norm, _dropout])
@pytest.mark.parametrize("way", ["plain", "stacked"])
def test_a_lane_goes_on_from_its_checkpoint(model, way):
    """A lane resumed elsewhere from its checkpoint ends to the bit where it would have ended."""
    lane = _lane("one_cycle", settings=HEAVY, init_seed=4)
    whole = _stack(MOMENTUM, model, way)
    whole.admit(0, lane)
    _run(whole, 2)
    taken_up = _stack(MOMENTUM, model, way)
    taken_up.admit(7, lane, whole.checkpoint(0))
    _run(whole, 2)
    _run(taken_up, 2, key=7)
    assert torch.equal(whole.checkpoint(0).params, taken_up.checkpoint(7).params)


@pytest.mark.parametrize("model", [_mlp, _batch_norm, _dropout])
@pytest.mark.parametrize("way", ["plain", "stacked"])
def test_a_lane_beside_others_equals_itself_by_plain_autograd(model, way):
    """Running statistics and random numbers too: side by side or in turn, a lane ends where it ends alone."""
    alone, company = _stack(MOMENTUM, model, "plain"), _stack(MOMENTUM, model, way)
    for key in range(3):
        company.admit(key, _lane(init_seed=key, settings=HEAVY))
    alone.admit(1, _lane(init_seed=1, settings=HEAVY))
    assert company.stackable == (way == "stacked")
    for _ in range(3):
        epoch, beside_others = alone.run_epoch()[1], company.run_epoch()[1]
        for metric in ("train_loss", "loss", "score"):
            assert pytest.approx(getattr(epoch, metric), rel=1e-10) == getattr(beside_others, metric)
    _assert_same(alone.checkpoint(1), company.checkpoint(1))


def test_random_numbers_differ_from_step_to_step_and_from_lane_to_lane():
    """Twins of one seed draw the same, and lanes of other seeds do not; nothing of it moves torch's own generator."""
    before = torch.random.get_rng_state()
    losses = {}
    for way in ("plain", "stacked"):
        stack = _stack(model=_dropout, way=way)
        for key, seed in enumerate((0, 0, 1)):
            stack.admit(key, _lane("constant", init_seed=seed, base_lr=1e-12))
        losses[way] = [[metrics.train_loss for metrics in stack.run_epoch().values()] for _ in range(2)]
    assert torch.equal(before, torch.random.get_rng_state())
    for first, second in losses.values():
        assert first[0] == pytest.approx(first[1], rel=1e-12)
        assert first[0] != pytest.approx(first[2], rel=1e-3)
        assert first[0] != pytest.approx(second[0], rel=1e-3)  # nothing was learned in between


@pytest.mark.parametrize("way", ["plain", "stacked"])
def test_batch_norm_equals_the_plain_loop(way):
    """Running statistics are kept: parameters and buffers end where the plain module ends."""
    lane = _lane("constant", base_lr=0.1)
    stack = _stack(model=_batch_norm, way=way)
    stack.admit(0, lane)
    _run(stack, 4)
    expected, _ = _loop(lane, 4, lambda p: torch.optim.SGD(p, lr=1.0), _batch_norm)
    params = stack.checkpoint(0).params
    torch.testing.assert_close(params[: len(expected)], expected, rtol=1e-8, atol=1e-10)
    assert params[-1].item() == 4 * STEPS  # BatchNorm counts its batches


def test_evaluation_is_that_of_the_plain_module():
    """Losses and scores by part equal the module's own; per-example scores average to the score."""
    stack = _stack()
    stack.admit(0, _lane())
    stack.admit(1, _lane(init_seed=9))
    metrics = stack.run_epoch()[1]
    module = _mlp().to(F64)
    nn.utils.vector_to_parameters(stack.checkpoint(1).params, module.parameters())
    data = _data()
    outputs = module(data.train_x[40:50])
    assert nn.functional.cross_entropy(outputs, data.train_y[40:50]).item() == pytest.approx(metrics.loss["select"])
    assert (outputs.argmax(1) == data.train_y[40:50]).double().mean().item() == pytest.approx(metrics.score["select"])
    assert {"select", "report"} == set(metrics.loss)
    test = stack.evaluate(1, "test")
    outputs = module(data.test_x)
    assert nn.functional.cross_entropy(outputs, data.test_y).item() == pytest.approx(test.loss)
    assert (outputs.argmax(1) == data.test_y).tolist() == test.per_example.astype(bool).tolist()
    assert test.per_example.mean() == test.score


def test_divergence_stays_in_its_lane():
    """A lane whose loss is no longer finite says so and leaves its neighbour untouched."""
    stack, alone = _stack(), _stack()
    stack.admit(0, _lane("constant", base_lr=1e308))
    stack.admit(1, _lane("constant", base_lr=0.1))
    alone.admit(1, _lane("constant", base_lr=0.1))
    for _ in range(3):
        metrics = stack.run_epoch()
        expected = alone.run_epoch()
    assert metrics[0].diverged
    assert not metrics[1].diverged
    assert expected[1].train_loss == pytest.approx(metrics[1].train_loss, rel=1e-12)


def test_reduce_on_plateau_reads_the_select_loss_at_the_epoch_boundary():
    """The rates after a plateau fall by `factor`, exactly as the schedule says of the recorded losses."""
    schedule = make_schedule("reduce_on_plateau", total_steps=30 * STEPS, base_lr=0.5, factor=0.1, patience=1)
    assert isinstance(schedule, ReduceOnPlateau)
    assert not isinstance(schedule, Schedule)
    stack = _stack()
    stack.admit(0, Lane(schedule, 0, 0))
    losses = [m.loss["select"] for m in _run(stack, 30)]
    assert schedule.epoch_lr(29, STEPS, losses[:29])[0] < 0.5
    assert losses == pytest.approx(list(stack.checkpoint(0).select_loss))


def test_refusals():
    """A batch larger than the data and a key in use are refused, with the numbers given."""
    data = TrainingData.build(_data(), SPLIT, device="cpu")
    model = make_model(_workload(), data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=F64)
    with pytest.raises(ValueError, match="at most the 40 examples to fit, got 41"):
        Stack(model, _workload(), data, UpdateRule(), batch_size=41)
    stack = _stack()
    stack.admit(0, _lane())
    with pytest.raises(ValueError, match="got 0, which is training"):
        stack.admit(0, _lane())
    with pytest.raises(ValueError, match="must be one of sgd, adam, adamw, got 'lion'"):
        UpdateRule("lion")
