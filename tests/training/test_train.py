"""One lane from start to end, and the checkpoint from which it resumes."""

from __future__ import annotations

import os

import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.records import LearningCurve
from lrsearch.schedules import make_schedule
from lrsearch.training.data import TrainingData
from lrsearch.training.lane import Lane
from lrsearch.training.models import make_model
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.training.train import diverged, train_lane
from lrsearch.workloads import Workload
from tests.workload_examples import BATCH, STEPS_PER_EPOCH, tabular, tabular_data

EPOCHS = 3


def _train(workload: Workload | None = None, base_lr: float = 0.1, **options) -> LearningCurve:
    """Train a lane with momentum, alone in a stack of its own."""
    workload, dataset = workload or tabular(), tabular_data()
    data = TrainingData.build(dataset, dataset.split(0), device="cpu")
    model = make_model(workload, data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=torch.float32)
    stack = Stack(model, workload, data, UpdateRule(uses_momentum=True), batch_size=BATCH)
    schedule = make_schedule("cosine", total_steps=EPOCHS * STEPS_PER_EPOCH, base_lr=base_lr)
    return train_lane(stack, Lane(schedule, 1, 2, OptimizerSettings(momentum=0.9)), epochs=EPOCHS, **options)


def _interrupted(path) -> None:
    """Train one epoch, and stop."""

    def stop(_curve: LearningCurve) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train(checkpoint=path, on_epoch=stop)


def test_every_epoch_is_told_of_with_the_curve_so_far():
    """The curve has as many epochs as were trained, and is the same from the same seeds."""
    lengths = []
    curve = _train(on_epoch=lambda so_far: lengths.append(len(so_far.train_loss)))
    assert [1, 2, 3] == lengths
    assert curve == _train()
    assert not diverged(curve)


def test_a_run_that_diverges_ends_there():
    """What is not finite in the last epoch means that the run is over."""
    curve = _train(base_lr=1e30)
    assert diverged(curve)
    assert len(curve.train_loss) < EPOCHS


def test_interrupted_and_continued_equals_uninterrupted(tmp_path):
    """Bit for bit, momentum included; a run that is done is read and not trained again."""
    path = tmp_path / "run.pt"
    _interrupted(path)
    assert _train() == _train(checkpoint=path)
    before = path.read_bytes()
    assert _train() == _train(checkpoint=path)
    assert before == path.read_bytes()


def test_a_checkpoint_is_plain_tensors_and_numbers(tmp_path):
    """It loads with weights_only, and holds the trained weights."""
    _train(checkpoint=tmp_path / "run.pt")
    content = torch.load(tmp_path / "run.pt", weights_only=True)
    assert 3 == content["epoch"] == len(content["curve"]["train_loss"])
    assert torch.isfinite(content["params"]).all()


class _Evil:
    def __reduce__(self):
        return (os.mkdir, ("ran",))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", {"format": 1}, {"format": 2}, _Evil(), [1]])
def test_a_broken_or_hostile_checkpoint_is_refused_and_kept(tmp_path, monkeypatch, content):
    """Nothing in it is executed, nothing is overwritten."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="cannot be read: it is not one that train wrote"):
        _train(checkpoint=path)
    assert before == path.read_bytes()
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_another_run_or_model_is_refused(tmp_path):
    """The identity differs, or the shapes do."""
    path = tmp_path / "run.pt"
    _train(checkpoint=path, identity="one")
    with pytest.raises(InputError, match="of another configuration or seed"):
        _train(checkpoint=path, identity="two")
    larger = Workload("larger", lambda: torch.nn.Linear(6, 3), tabular_data, worst_value=1 / 3, batch_size=BATCH)
    with pytest.raises(InputError, match="of another model: the workload has changed since"):
        _train(larger, checkpoint=path, identity="one")


def test_a_failed_write_leaves_the_checkpoint_of_before(tmp_path, monkeypatch):
    """An interruption in the middle of a write loses nothing and leaves no litter."""
    path = tmp_path / "run.pt"
    _interrupted(path)
    before = path.read_bytes()

    def torn(_content, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(KeyboardInterrupt):
        _train(checkpoint=path)
    assert before == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_checkpoint_in_no_folder_is_refused_before_anything_is_trained(tmp_path):
    """The message names the folder that is missing."""
    with pytest.raises(InputError, match="there is no folder"):
        _train(checkpoint=tmp_path / "no" / "run.pt")
