"""Small models after published papers, trained as their authors train them: side by side each equals itself alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lrsearch.schedules import make_schedule
from lrsearch.training.check import check_independence, check_set_metric, check_workload
from lrsearch.training.choice import unstackable_reason
from lrsearch.training.data import TrainingData
from lrsearch.training.lane import Lane
from lrsearch.training.model import Way
from lrsearch.training.models import make_model
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset
from studies.benchmarks.published_models import MODELS, PublishedModel

F64 = torch.float64
EPOCHS, LANES = 3, 3
ALONE = {"LSTM": "lstm"}
"""What vmap cannot carry, and the word for it in the reason."""


def _data(published: PublishedModel) -> tuple[Dataset, TrainingData]:
    dataset = published.workload.data()
    return dataset, TrainingData.build(dataset, dataset.split(0), device="cpu")


def _stack(published: PublishedModel, data: TrainingData, way: Way) -> Stack:
    workload = published.workload
    model = make_model(workload, data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=F64, way=way)
    return Stack(model, workload, data, published.rule, batch_size=workload.batch_size, dtype=F64)


def _lane(published: PublishedModel, stack: Stack, seed: int) -> Lane:
    schedule = make_schedule("cosine", total_steps=EPOCHS * stack.steps_per_epoch, base_lr=published.rate / (1 + seed))
    return Lane(schedule, seed, 0, published.settings)


@pytest.mark.parametrize("name", MODELS)
def test_it_is_taken_as_it_is(name: str) -> None:
    """Its parts fit together, and its lanes train side by side wherever vmap has a rule for what it does."""
    workload = MODELS[name].workload
    dataset = workload.data()
    x, y = dataset.train_x[:4], dataset.train_y[:4]
    check_workload(workload, x, y)
    check_independence(workload, x, y)
    check_set_metric(workload, dataset.test_x, dataset.test_y)
    reason = unstackable_reason(ModuleLayout(workload, x, y, device="cpu", dtype=torch.float32), x, y)
    assert (ALONE[name] in reason) if name in ALONE else not reason


@pytest.mark.integration
@pytest.mark.parametrize("name", MODELS)
def test_whole_runs_side_by_side_equal_each_alone(name: str) -> None:
    """Parameters, running statistics, losses and scores, to 1e-10 in float64; and something is learned."""
    published = MODELS[name]
    _, data = _data(published)
    ways: tuple[Way, Way] = ("plain", "plain" if name in ALONE else "stacked")
    alone, together = (_stack(published, data, way) for way in ways)
    for seed in range(LANES):
        together.admit(seed, _lane(published, together, seed))
    alone.admit(1, _lane(published, alone, 1))
    losses = []
    for _ in range(EPOCHS):
        expected, metrics = alone.run_epoch()[1], together.run_epoch()[1]
        assert pytest.approx(expected.train_loss, rel=1e-10) == metrics.train_loss
        assert pytest.approx(expected.loss, rel=1e-10) == metrics.loss
        assert pytest.approx(expected.score, rel=1e-10) == metrics.score
        losses.append(metrics.train_loss)
    assert losses[-1] < losses[0]
    torch.testing.assert_close(
        together.checkpoint(1).params, alone.checkpoint(1).params, rtol=1e-10, atol=1e-10, check_stride=False
    )
    assert pytest.approx(alone.evaluate(1, "test").score, rel=1e-10) == together.evaluate(1, "test").score


@pytest.mark.integration
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", ["plain", "stacked"])
def test_a_resumed_run_equals_an_undisturbed_one(name: str, way: Way) -> None:
    """To the bit, from the checkpoint of any epoch, in a stack of its own as after a kill."""
    published = MODELS[name]
    if way == "stacked" and name in ALONE:
        way = "plain"
    _, data = _data(published)
    whole, resumed = _stack(published, data, way), _stack(published, data, way)
    lane = _lane(published, whole, 2)
    whole.admit(0, lane)
    whole.run_epoch()
    resumed.admit(5, lane, whole.checkpoint(0))
    for _ in range(EPOCHS - 1):
        assert whole.run_epoch()[0] == resumed.run_epoch()[5]
    assert torch.equal(whole.checkpoint(0).params, resumed.checkpoint(5).params)


def test_pictures_are_shifted_and_mirrored_at_random() -> None:
    """Each by itself; what the generator draws decides, and nothing else."""
    augment = MODELS["ResNet"].workload.augment
    assert augment is not None
    x = torch.arange(144, dtype=torch.uint8).reshape(1, 1, 12, 12).expand(40, -1, -1, -1)
    first, again = (augment(x, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    kept = {tuple(picture[0, 4:8, 4:8].flatten().tolist()) for picture in first}
    possible = {
        tuple(shown[4 + down : 8 + down, 4 + right : 8 + right].flatten().tolist())
        for shown in (x[0, 0], x[0, 0].flip(1))
        for down in range(-2, 3)
        for right in range(-2, 3)
    }
    assert kept <= possible
    assert len(kept) > 20
    assert replace(MODELS["ResNet"].workload, augment=None).augment is None
