"""Parameter groups as row operations: multiples of the rate and of the weight decay for each column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from lrsearch.config.messages import shortened
from lrsearch.errors import InputError
from lrsearch.workloads import Workload

NoDecay: TypeAlias = Literal["vectors"]


@dataclass(frozen=True, eq=False)
class ColumnFactors:
    """Multiples of the rate and of the weight decay, each `[1, P]`, or None where all are 1."""

    rate: Tensor | None = None
    decay: Tensor | None = None


NO_FACTORS = ColumnFactors()


def column_factors(
    workload: Workload, no_decay: NoDecay | None, *, device: str | torch.device, dtype: torch.dtype
) -> ColumnFactors:
    """Return the factors of a workload's trained parameters, in the order of its module.

    Args:
        workload: its model and its `parameter_group` are used.
        no_decay: "vectors" to keep weight decay from parameters of one dimension, such as biases and normalisation.
        device, dtype: of the factors.

    Raises:
        InputError: if the workload's `parameter_group` does not give two numbers for a parameter.
    """
    if no_decay is None and workload.parameter_group is None:
        return NO_FACTORS
    with torch.random.fork_rng(devices=[]):
        trained = [(name, p) for name, p in workload.model().named_parameters() if p.requires_grad]
    groups = [_group(workload, name) for name, _ in trained]
    rates = [rate for rate, _ in groups]
    decays = [
        0.0 if no_decay == "vectors" and p.ndim <= 1 else decay
        for (_, p), (_, decay) in zip(trained, groups, strict=True)
    ]
    sizes = torch.tensor([p.numel() for _, p in trained])

    def column(values: Sequence[float]) -> Tensor | None:
        if all(value == 1.0 for value in values):
            return None
        return torch.tensor(values, dtype=dtype).repeat_interleave(sizes).unsqueeze(0).to(device)

    return ColumnFactors(column(rates), column(decays))


def _group(workload: Workload, name: str) -> tuple[float, float]:
    """Return the multiples of the rate and of the weight decay of the parameter `name`."""
    if workload.parameter_group is None:
        return 1.0, 1.0
    try:
        group = workload.parameter_group(name)
    except Exception as error:  # user code may raise anything
        raise InputError(f"workload {workload.name}: its parameter_group fails for {name!r}: {error}") from error
    if not (isinstance(group, tuple) and len(group) == 2 and all(map(_is_factor, group))):
        raise InputError(
            f"workload {workload.name}: its parameter_group must return two numbers of at least 0 for every parameter "
            f"(multiples of the rate and of the weight decay), got {shortened(group)} for {name!r}"
        )
    return float(group[0]), float(group[1])


def _is_factor(value: object) -> bool:
    return isinstance(value, Real) and 0 <= float(value) < math.inf
