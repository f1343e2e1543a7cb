"""What can be known of the CUDA path without a GPU.

On the stand-in of `cuda_stand_in` it must train to the numbers of the CPU path, from recordings alone. What breaks a
real recording is looked for with PyTorch's fake tensors, which know that they are on "cuda" but hold no numbers: an
operation that mixes devices, or a number that the processor reads back, raises; any tensor from elsewhere is found.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from optuna.trial import TrialState
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._pytree import tree_leaves

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.schedules import make_schedule
from lrsearch.training import program
from lrsearch.training.data import TrainingData
from lrsearch.training.lane import EpochMetrics, Lane
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.model import Way
from lrsearch.training.models import make_model
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack, run_together
from lrsearch.training.trainer import Trainer
from lrsearch.workloads import Dataset, Split, Workload
from lrsearch.workloads.fashion_lenet import lenet, normalise
from tests.cuda_stand_in import Memory, Recording, stand_in, without_streams

BATCH, STEPS, EPOCHS = 8, 5, 4
F64 = torch.float64
SPLIT = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
RULES = {
    "sgd": UpdateRule(),
    "nesterov and decay": UpdateRule(nesterov=True, uses_momentum=True, uses_decay=True),
    "adam": UpdateRule("adam"),
    "adamw": UpdateRule("adamw", uses_decay=True),
}


def _images() -> Dataset:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (80, 1, 28, 28), generator=generator, dtype=torch.uint8)
    y = torch.randint(10, (80,), generator=generator)
    return Dataset(x[:60], y[:60], x[60:], y[60:])


def _with_dropout() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 10)
    )


def _linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def _workload(model: Callable[[], nn.Module] = lenet) -> Workload:
    return Workload("images", model, _images, worst_value=0.1, batch_size=BATCH, transform=normalise)


def _stack(kind: str, rule: UpdateRule, *, device: str = "cpu") -> Stack:
    workload = _workload({"dropout": _with_dropout, "linear": _linear}.get(kind, lenet))
    data = TrainingData.build(_images(), SPLIT, device=device)
    way: Way = "stacked" if kind == "linear" else "plain"
    model = make_model(workload, data.fit.x[:4], data.fit.y[:4], device=device, dtype=F64, way=way)
    return Stack(model, workload, data, rule, batch_size=BATCH, dtype=F64)


def _lane(seed: int, order_seed: int) -> Lane:
    schedule = make_schedule("cosine", total_steps=EPOCHS * STEPS, base_lr=0.02 * (1 + seed % 3))
    return Lane(schedule, seed, order_seed, OptimizerSettings(momentum=0.9, weight_decay=0.01))


def _search(stack: Stack, lanes: int) -> list[dict[int, EpochMetrics]]:
    """Train as a search does: a lane is released, one of another order admitted, and one continued in a new place.

    At last a lane on another split joins them.
    """
    for key in range(lanes):
        stack.admit(key, _lane(key, order_seed=0))
    epochs = [stack.run_epoch()]
    saved = stack.checkpoint(lanes - 2)
    stack.release(lanes - 2)
    stack.admit(100, _lane(7, order_seed=1))
    stack.admit(101, _lane(lanes - 2, order_seed=0), saved)
    other = stack.beside(Split(np.arange(20, 60), np.arange(10), np.arange(10, 20)))
    other.admit(0, _lane(5, order_seed=0))
    return [*epochs, stack.run_epoch(), *run_together([stack, other])]


@pytest.mark.parametrize(
    ("kind", "lanes", "rule"),
    [
        pytest.param("lenet", 9, "nesterov and decay", marks=pytest.mark.integration),
        ("lenet", 3, "adamw"),
        ("module", 9, "sgd"),
        ("dropout", 3, "adam"),
    ],
)
def test_the_path_of_cuda_trains_to_the_numbers_of_the_cpu(monkeypatch, kind, lanes, rule) -> None:
    """One group padded to few widths, replayed from recordings, gives what lanes in groups of their own give."""
    expected = _search(_stack(kind, RULES[rule]), lanes)
    with monkeypatch.context() as patch:
        stand_in(patch)
        result = _search(_stack(kind, RULES[rule]), lanes)
    assert [set(epoch) for epoch in expected] == [set(epoch) for epoch in result]
    for before, now in zip(expected, result, strict=True):
        for key, metrics in before.items():
            for name in ("train_loss", "loss", "score"):
                assert pytest.approx(getattr(metrics, name), rel=1e-9) == getattr(now[key], name), (key, name)


def test_a_step_is_recorded_once_for_every_width(monkeypatch) -> None:
    """Epochs of known widths replay; only a width not seen before, or lanes with batches of their own, record."""
    recordings: list[Recording] = []
    stand_in(monkeypatch)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: recordings.append(Recording()) or recordings[-1])
    stack = _stack("linear", UpdateRule())
    for key in range(9):
        stack.admit(key, _lane(key, order_seed=0))
    counts = []
    for change in (lambda: None, lambda: stack.admit(9, _lane(9, 1)), lambda: stack.release(0), lambda: None):
        change()
        stack.run_epoch()
        counts.append(len(recordings))
    assert [1, 2, 2, 2] == counts
    widths = [stack._trainer._width(lanes) for lanes in range(1, 257)]
    assert all(width >= lanes for lanes, width in enumerate(widths, 1))
    assert len(set(widths)) <= 4 * 8


def test_a_search_and_its_confirmation_take_the_path_of_cuda(monkeypatch, tmp_path) -> None:
    """`optimize` and `confirm` with --device cuda train in recorded steps, and every record says on what."""
    stand_in(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "stand-in")
    build = TrainingData.build
    monkeypatch.setattr(TrainingData, "build", lambda dataset, split, *, device: build(dataset, split, device="cpu"))
    config = StudyConfig.from_dict(
        {
            "name": "gpu",
            "data": {"dataset": "digits"},
            "training": {"epochs": 1},
            "search": {"families": ["constant"], "replicates": 2},
        }
    )
    widths: list[int] = []
    train = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda self, rows: widths.append(len(rows)) or train(self, rows))
    study = lrsearch.optimize(config, trials=1, storage=f"sqlite:///{tmp_path}/a.db", device="cuda")
    assert 2 in widths  # both replicates in one stack
    confirmation = lrsearch.confirm(study, device="cuda")
    for trial in (*study.trials, *confirmation.trials):
        assert (TrialState.COMPLETE, "cuda (stand-in)") == (trial.state, trial.user_attrs["device"])
    assert (1, 2) == (len(study.trials), len(confirmation.trials))


class _NothingFromElsewhere(Recording):
    """Raises where an operation reads or makes a tensor that is not on the GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        result = super().__torch_dispatch__(func, types, args, kwargs)
        for tensor in tree_leaves((args, kwargs, result)):
            if isinstance(tensor, Tensor):
                assert tensor.device.type == "cuda", f"{func} touches {tensor.device} while the step is recorded"
        return result


def _fake_gpu(monkeypatch, while_recorded: Callable[[], AbstractContextManager[object]]) -> FakeTensorMode:
    """Return the mode of fake tensors, in which a step is run once, in a context, where it would be recorded."""

    def recorded(step: Callable[[], None], counter: Tensor, pool: Any) -> Any:
        with while_recorded():
            step()
        return SimpleNamespace(replay=lambda: None)

    monkeypatch.setattr(program, "_recorded", recorded)
    without_streams(monkeypatch)
    monkeypatch.setattr(Tensor, "numpy", lambda tensor: np.zeros(tuple(tensor.shape)))  # an epoch's one read
    return FakeTensorMode(allow_non_fake_inputs=True)


@pytest.mark.parametrize(
    "rule",
    [
        RULES["nesterov and decay"],
        RULES["adam"],
        pytest.param(RULES["sgd"], marks=pytest.mark.integration),
        pytest.param(RULES["adamw"], marks=pytest.mark.integration),
    ],
    ids=["nesterov and decay", "adam", "sgd", "adamw"],
)
def test_a_recorded_step_stays_on_the_gpu(monkeypatch, rule) -> None:
    """No step reads a number back or touches the processor's memory, and no epoch mixes devices around it."""
    watches: list[_NothingFromElsewhere] = []
    with _fake_gpu(monkeypatch, lambda: watches.append(_NothingFromElsewhere()) or watches[-1]):
        stack = _stack("lenet", rule, device="cuda")
        _search(stack, 3)
        assert ("cuda", "cpu") == (stack._rows[101].params.device.type, stack.checkpoint(101).params.device.type)
    assert len(watches) == 3
    assert all(len(watch.operations) > 50 for watch in watches)


@pytest.mark.integration
def test_256_lanes_need_less_than_6_gib(monkeypatch) -> None:
    """The target is 16: a step and an evaluation of Fashion-MNIST's size, each lane with batches of its own."""
    x, y = torch.zeros(70_000, 1, 28, 28, dtype=torch.uint8), torch.zeros(70_000, dtype=torch.int64)
    split = Split(np.arange(50_000), np.arange(50_000, 55_000), np.arange(55_000, 60_000))
    with _fake_gpu(monkeypatch, nullcontext), Memory() as memory:
        data = TrainingData.build(Dataset(x[:60_000], y[:60_000], x[60_000:], y[60_000:]), split, device="cuda")
        stack = Stack(LenetStack(), _workload(), data, UpdateRule(uses_momentum=True), batch_size=128)
        for key in range(256):
            stack.admit(key, _lane(0, order_seed=key % 2))
        stack.run_epoch()
    assert 3 * 2**30 < memory.peak < 6 * 2**30


def test_the_watch_finds_what_breaks_a_recording() -> None:
    """A number read back, a mixture of devices and a copy from the processor are told from an honest step."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        x = torch.zeros(3, device="cuda")
        with _NothingFromElsewhere():
            x + x
        with pytest.raises(DataDependentOutputException):
            x.sum().item()
        with pytest.raises(RuntimeError, match="device"):
            x + torch.zeros(3)
        with pytest.raises(AssertionError, match="cpu"), _NothingFromElsewhere():
            x + torch.zeros(3).to("cuda")
