"""Where the tensors of a module lie in the row of a lane, as a first step on a few examples shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from lrsearch.errors import InputError
from lrsearch.passwords import described
from lrsearch.training.modules.draws import default_generator
from lrsearch.training.modules.statistics import keeps_statistics
from lrsearch.workloads import Workload

Holder: TypeAlias = tuple[dict[str, Any], str]
"""The dictionary of a module that holds a tensor, and its key there."""


@dataclass(frozen=True)
class Slot:
    """A tensor of the module: its name, its shape and type there, and its first column of the row."""

    name: str
    shape: torch.Size
    dtype: torch.dtype
    start: int

    @property
    def stop(self) -> int:
        """The first column behind it."""
        return self.start + prod(self.shape)

    def of(self, rows: Tensor) -> Tensor:
        """Return its tensors `[N, *shape]` as a view of `rows[N, size]`, of the rows' type."""
        return rows[:, self.start : self.stop].unflatten(1, self.shape) if self.shape else rows[:, self.start]


class ModuleLayout:
    """How a workload's module is built, and where its tensors lie in the row of a lane.

    First come the parameters that are trained, then what else a step changes or a seed decides: running statistics,
    counters, frozen random weights. Constant buffers are in no row: every lane has the same.

    Args:
        workload: its model, transform and loss.
        x, y: a few examples `[B, *item]`, `[B]`, on which a step of training is tried.
        device: where the module runs.
        dtype: of its floating tensors, and of all rows.

    Attributes:
        trained: the slots of the trained parameters.
        carried: the slots of what else a lane has of its own, by type, those of the rows' type first.
        draws: whether a step draws random numbers.
        keeps_statistics: whether the module has running statistics, of BatchNorm.

    Raises:
        InputError: if the model has nothing to train, or the step fails.
    """

    def __init__(
        self, workload: Workload, x: Tensor, y: Tensor, *, device: str | torch.device, dtype: torch.dtype
    ) -> None:
        self.workload, self.device, self.dtype = workload, torch.device(device), dtype
        module, of_another_seed = self.build(0), _tensors(self.build(1))
        self.keeps_statistics = keeps_statistics(module)
        trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
        if not trained:
            raise InputError(f"the model of {workload.name} has no parameter to train: there is nothing to search")
        before = {name: t.detach().clone() for name, t in _tensors(module).items() if name not in trained}
        self.draws = self._try_step(module, x.to(self.device), y.to(self.device))
        after = _tensors(module)
        # What has another shape afterwards is a cache that the first step filled.
        carried = [
            name
            for name, value in before.items()
            if value.shape == after[name].shape
            and not (torch.equal(value, after[name]) and torch.equal(value, of_another_seed[name]))
        ]
        carried.sort(key=lambda name: (before[name].dtype != dtype, str(before[name].dtype)))
        slots = _slots({**trained, **{name: before[name] for name in carried}})
        self.trained, self.carried = slots[: len(trained)], slots[len(trained) :]

    @property
    def trainable(self) -> int:
        """How many columns are trained."""
        return self.trained[-1].stop

    @property
    def size(self) -> int:
        """How many columns a row has."""
        return (self.carried or self.trained)[-1].stop

    def build(self, seed: int) -> nn.Module:
        """Return the module built under `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.workload.model().to(self.device, self.dtype)

    def init(self, seed: int) -> Tensor:
        """Return the initial row `[size]` of a lane, on the CPU."""
        tensors = _tensors(self.build(seed))
        return torch.cat(
            [tensors[slot.name].detach().to("cpu", self.dtype).reshape(-1) for slot in (*self.trained, *self.carried)]
        )

    def by_type(self) -> list[tuple[torch.dtype, list[Slot]]]:
        """Return the carried slots by type; those of one type lie side by side."""
        return [(dtype, list(slots)) for dtype, slots in groupby(self.carried, key=lambda slot: slot.dtype)]

    def outputs(self, module: Callable[..., Any], x: Tensor) -> Any:
        """Return what the module makes of stored items `x[B, *item]`: a dict of inputs by name, a tuple in order."""
        return model_outputs(module, self.workload.transform(x), self.dtype)

    def _try_step(self, module: nn.Module, x: Tensor, y: Tensor) -> bool:
        """Take a step of training without the optimizer; return whether it drew random numbers."""
        generator, devices = default_generator(self.device), [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            before = generator.get_state()
            try:
                self.workload.loss(self.outputs(module.train(), x), y).backward()
            except Exception as error:  # user code may raise anything
                raise InputError(
                    f"workload {self.workload.name}: a step of training fails on {len(x)} examples: {described(error)}"
                ) from error
            return not torch.equal(before, generator.get_state())


def model_outputs(module: Callable[..., Any], inputs: Any, dtype: torch.dtype | None = None) -> Any:
    """Return what a module makes of its inputs: a tensor, a dict by the names of its arguments, or a tuple in order.

    Args:
        module: is called.
        inputs: what a transform has returned.
        dtype: to which floating inputs are cast; None for their own.
    """

    def typed(value: Any) -> Any:
        return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value

    if isinstance(inputs, Mapping):
        return module(**{name: typed(value) for name, value in inputs.items()})
    return module(*map(typed, inputs)) if isinstance(inputs, tuple) else module(typed(inputs))


def holders(module: nn.Module, slots: Sequence[Slot]) -> list[Holder]:
    """Return where the module holds the tensors of these slots."""
    places = []
    for slot in slots:
        path, _, key = slot.name.rpartition(".")
        owner = module.get_submodule(path)
        places.append((owner._parameters if key in owner._parameters else owner._buffers, key))
    return places


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _slots(tensors: Mapping[str, Tensor]) -> tuple[Slot, ...]:
    slots, start = [], 0
    for name, tensor in tensors.items():
        slots.append(Slot(name, tensor.shape, tensor.dtype, start))
        start += tensor.numel()
    return tuple(slots)
