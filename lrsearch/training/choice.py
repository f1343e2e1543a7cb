"""Whether the lanes of a study train one at a time or side by side: what can be, and what is faster here."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor
from torch.func import vmap

from lrsearch.schedules import make_schedule
from lrsearch.training.data import TrainingData
from lrsearch.training.lane import Lane
from lrsearch.training.model import StackedModel, Way
from lrsearch.training.modules.draws import lane_generators
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.modules.plain import PlainModule
from lrsearch.training.modules.stacked import StackedModule
from lrsearch.training.optimizers.rule import UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Workload

_STEPS, _ROUNDS, _SECONDS = 4, 12, 0.6
"""The steps of a round, timed in both ways; the rounds after the first; and the seconds that end them sooner."""

_CLEARLY = 0.9
"""Side by side must take less than this share of the time, or a slip of the clock could choose the slower way."""


@dataclass(frozen=True)
class Choice:
    """How a study trains, why not side by side where it does not, and the seconds of a lane's step in both ways."""

    way: Way
    reason: str = ""
    seconds: tuple[float, float] | None = None


def choose_way(workload: Workload, data: TrainingData, rule: UpdateRule, *, lanes: int | None) -> Choice:
    """Return the faster way to train a module, other than the built-in LeNet, by some steps and evaluations.

    Args:
        workload: what is trained.
        data: its data, on the device where it is trained.
        rule: the optimizer.
        lanes: trials that would be trained side by side; None for side by side where that is possible, untimed.
    """
    if lanes == 1:
        return Choice("plain", "there is one lane")
    x, y, device = data.fit.x[:4], data.fit.y[:4], data.fit.x.device
    layout = ModuleLayout(workload, x, y, device=device, dtype=torch.float32)
    if reason := unstackable_reason(layout, x, y):
        return Choice("plain", reason)
    if lanes is None:
        return Choice("stacked")
    seconds = _measured(layout, data, rule, lanes)
    if seconds[1] < _CLEARLY * seconds[0]:
        return Choice("stacked", "", seconds)
    return Choice(
        "plain",
        f"side by side is no faster: {1e3 * seconds[1]:.2g} ms for a step of each of {lanes} lanes, "
        f"{1e3 * seconds[0]:.2g} ms for one alone",
        seconds,
    )


def _measured(layout: ModuleLayout, data: TrainingData, rule: UpdateRule, lanes: int) -> tuple[float, float]:
    """Return the seconds of a lane's step alone and side by side: of each the best of some rounds after the first."""
    workload = layout.workload
    few = _first_steps(data, _STEPS * workload.batch_size)
    models: list[tuple[StackedModel, int]] = [(PlainModule(layout), 1), (StackedModule(layout), lanes)]
    alone, together = (_timed(model, workload, few, rule, n) for model, n in models)
    rounds: list[tuple[float, float]] = []
    clock = _clock(data)
    begun = clock()
    while len(rounds) <= _ROUNDS and not (len(rounds) > 1 and clock() - begun > _SECONDS):
        rounds.append((alone(), together()))
    return min(first for first, _ in rounds[1:]), min(second for _, second in rounds[1:])


def _first_steps(data: TrainingData, examples: int) -> TrainingData:
    """Return the first `examples` that are fitted, and as large a share of the others."""
    share = examples / len(data.fit)
    parts = {name: replace(part, index=part.index[: ceil(share * len(part))]) for name, part in data.parts.items()}
    return TrainingData(replace(data.fit, index=data.fit.index[:examples]), parts)


def _timed(
    model: StackedModel, workload: Workload, data: TrainingData, rule: UpdateRule, lanes: int
) -> Callable[[], float]:
    """Return a function that trains some steps of lanes, and returns the seconds of a lane's step."""
    stack = Stack(model, workload, data, rule, batch_size=workload.batch_size)
    schedule = make_schedule("constant", total_steps=stack.steps_per_epoch, base_lr=1e-6)
    for key in range(lanes):
        stack.admit(key, Lane(schedule, key, 0))

    clock = _clock(data)

    def run() -> float:
        begun = clock()
        stack.run_epoch(("select", "report"))
        return (clock() - begun) / lanes / stack.steps_per_epoch

    return run


def _clock(data: TrainingData) -> Callable[[], float]:
    """Return the clock of training: of a processor its own time, which a busy machine changes less than the wall's."""
    return time.perf_counter if data.fit.x.is_cuda else time.process_time


def unstackable_reason(layout: ModuleLayout, x: Tensor, y: Tensor) -> str:
    """Return what keeps lanes from training side by side with equal results, empty if nothing does.

    Two lanes of different weights, batches and random numbers are trained a step and evaluated, side by side and alone.

    Args:
        layout: of the module's tensors.
        x, y: a few examples, `[B, *item]` and `[B]`.
    """
    if layout.device.type == "cuda" and (layout.draws or layout.workload.augment is not None):
        return "it draws random numbers, which on a GPU are drawn for one lane at a time"
    rows = torch.stack([layout.init(0), layout.init(1)]).to(layout.device)
    x, y = (torch.stack([tensor, tensor.flip(0)]).to(layout.device) for tensor in (x, y))
    held_out = (x[:1], y[0])
    try:
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")  # of operations that vmap takes one by one
            together = _probed(StackedModule(layout), layout.workload, rows.clone(), x, y, held_out)
    except Exception as error:  # vmap says so for control flow on values, and for operations that it does not know
        return _first_sentence(error)
    with torch.random.fork_rng():
        alone = [
            _probed(PlainModule(layout), layout.workload, rows[[n]], x[[n]], y[[n]], held_out, first_seed=n)
            for n in range(len(rows))
        ]
    for name, values in together.items():
        if not _equal(values, torch.cat([of_lane[name] for of_lane in alone])):
            return f"its {name} would be another side by side"
    return ""


def _probed(
    model: StackedModel,
    workload: Workload,
    rows: Tensor,
    x: Tensor,
    y: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    first_seed: int = 0,
) -> dict[str, Tensor]:
    """Return what a step and an evaluation of lanes give, each `[N, ...]`."""
    generators = lane_generators(len(rows), x.device, stackable=model.stackable)
    for seed, generator in enumerate(generators, start=first_seed):
        generator.manual_seed(seed)
    loss, gradient = model.loss_and_grad(rows, x, y, generators)
    outputs, targets = model.predict(rows, held_out[0]), held_out[1]
    if isinstance(outputs, Tensor) and outputs.is_cuda and workload.metric_over == "examples":
        vmap(lambda of_lane: workload.metric(of_lane, targets))(outputs)
    evaluated = torch.stack([workload.loss(of_lane, targets) for of_lane in outputs])
    return {"loss": loss, "gradient": gradient.clone(), "state after a step": rows, "evaluation loss": evaluated}


def _equal(together: Tensor, alone: Tensor) -> bool:
    tolerance = torch.finfo(together.dtype).eps ** 0.5 if together.is_floating_point() else 0.0
    scale = max(1e-6, float(alone.abs().max())) if alone.numel() else 1.0
    return torch.allclose(together, alone, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def _first_sentence(error: Exception) -> str:
    text = str(error).strip().partition(". ")[0].partition("\n")[0]
    return text or type(error).__name__
