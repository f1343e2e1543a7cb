"""Does the device compute what the CPU computes? One step of LenetStack, and whole epochs of a Stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lrsearch.schedules import make_schedule
from lrsearch.training.data import TrainingData
from lrsearch.training.lane import Lane
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.model import StackedModel
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.modules.stacked import StackedModule
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Workload

_MOMENTUM = 0.9
# One step: rounding only. Runs: it grows along them, which is why the rates are low.
_STEP_TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
_RUN_TOLERANCE = {torch.float64: 1e-8, torch.float32: 5e-3}
_RATE = 0.02
_FAMILIES = ("constant", "cosine", "linear", "exponential")


@dataclass(frozen=True)
class Check:
    """One comparison with the reference: the largest relative difference (by norms), and what is allowed."""

    what: str
    difference: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the difference is allowed; one that is not a number is not."""
        return self.difference <= self.tolerance


def check_step(workload: Workload, dataset: Dataset, device: str, batch: int) -> list[Check]:
    """Hold a step of LenetStack on `device` against nn.Sequential under vmap in float64 on the CPU."""
    x, y = dataset.train_x[: 3 * batch], dataset.train_y[: 3 * batch]
    oracle = StackedModule(ModuleLayout(workload, x[:4], y[:4], device="cpu", dtype=torch.float64))
    checks = []
    for dtype, tolerance in _STEP_TOLERANCE.items():
        stack = LenetStack(dtype)
        params = torch.stack([stack.init(seed) for seed in range(3)])
        for name, batches in (("shared batch", 1), ("own batches", 3)):
            batch_x = x[: batches * batch].view(batches, batch, *x.shape[1:])
            batch_y = y[: batches * batch].view(batches, batch)
            exact = oracle.loss_and_grad(params.double(), batch_x, batch_y)
            results = stack.loss_and_grad(params.to(device), batch_x.to(device), batch_y.to(device))
            for part, expected, actual in zip(("loss", "gradient"), exact, results, strict=True):
                checks.append(Check(f"{part}, {_name(dtype)}, {name}", relative(expected, actual), tolerance))
        logits = stack.predict(params.to(device), x.unsqueeze(0).to(device))
        exact_logits = oracle.predict(params.double(), x.unsqueeze(0))
        checks.append(Check(f"logits, {_name(dtype)}", relative(exact_logits, logits), tolerance))
    return checks


def check_epochs(workload: Workload, dataset: Dataset, device: str, batch: int, steps_per_epoch: int) -> list[Check]:
    """Hold whole epochs of a Stack on `device` against the plain modules in float64 on the CPU.

    Three lanes, so that a GPU pads to four; two epochs on shared batches, then one lane leaves and a new one comes, so
    that the lanes have batches of their own. One of them resumes from a checkpoint.
    """
    examples = steps_per_epoch * batch * 12 // 10  # ten twelfths are fitted
    few = Dataset(dataset.train_x[:examples], dataset.train_y[:examples], dataset.test_x[:100], dataset.test_y[:100])
    checks = []
    for momentum in (0.0, _MOMENTUM):
        probe = (few.train_x[:4], few.train_y[:4])
        oracle = StackedModule(ModuleLayout(workload, *probe, device="cpu", dtype=torch.float64))
        expected = _run(_stack(oracle, workload, few, "cpu", torch.float64, momentum, batch), momentum)
        for dtype, tolerance in _RUN_TOLERANCE.items():
            model = LenetStack(dtype)
            actual = _run(_stack(model, workload, few, device, dtype, momentum, batch), momentum)
            for key, value in expected.items():
                what = f"{key}, {_name(dtype)}, momentum {momentum:g}"
                checks.append(Check(what, relative(value, actual[key]), tolerance))
    return checks


def _stack(
    model: StackedModel,
    workload: Workload,
    dataset: Dataset,
    device: str,
    dtype: torch.dtype,
    momentum: float,
    batch: int,
) -> Stack:
    data = TrainingData.build(dataset, dataset.split(0), device=device)
    rule = UpdateRule(uses_momentum=momentum > 0, uses_decay=True)
    return Stack(model, workload, data, rule, batch_size=batch, dtype=dtype)


def _run(stack: Stack, momentum: float) -> dict[str, Tensor]:
    """Return what a run with a refill leaves: parameters, and losses of the last epoch, by name."""
    lanes = [_lane(n, family, stack.steps_per_epoch, momentum) for n, family in enumerate(_FAMILIES)]
    for n in range(3):
        stack.admit(n, lanes[n])
    stack.run_epoch()
    stack.run_epoch()
    stack.release(0)
    stack.admit(3, lanes[3])
    stack.run_epoch()
    taken = stack.checkpoint(2)
    stack.release(2)
    stack.admit(2, lanes[2], taken)
    metrics = stack.run_epoch()
    left: dict[str, Tensor] = {}
    for key, name in ((1, "trained throughout"), (2, "from a checkpoint"), (3, "refilled")):
        left[f"parameters, {name}"] = stack.checkpoint(key).params
        epoch = metrics[key]
        left[f"losses, {name}"] = torch.tensor([epoch.train_loss, *epoch.loss.values()], dtype=torch.float64)
    return left


def _lane(number: int, family: str, steps_per_epoch: int, momentum: float) -> Lane:
    final: dict[str, Any] = {} if family == "constant" else {"final_lr": 0.01 * _RATE}
    rate = _RATE * (1 - momentum) * (1 + number)
    schedule = make_schedule(family, total_steps=5 * steps_per_epoch, base_lr=rate, **final)
    settings = OptimizerSettings(momentum=momentum, weight_decay=1e-4)
    return Lane(schedule, init_seed=number, order_seed=5, settings=settings)


def relative(expected: Tensor, actual: Tensor) -> float:
    """Return the norm of the difference over the norm of what is expected."""
    expected = expected.double().cpu()
    return float((actual.double().cpu() - expected).norm() / expected.norm())


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def as_rows(checks: list[Check]) -> list[dict[str, Any]]:
    """Return the checks as plain data."""
    return [{**vars(check), "ok": check.ok} for check in checks]
