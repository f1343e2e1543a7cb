"""A metric over a whole part of the data, such as an AUC or R2, instead of one score for each example."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from lrsearch.errors import InputError
from lrsearch.workloads import Workload


def joined(batches: Sequence[Any]) -> Any:
    """Return the outputs of several batches as those of one: a tensor, or tensors in a dict, tuple or the like."""
    if isinstance(batches[0], Tensor):
        return torch.cat(list(batches))
    leaves, shape = zip(*map(tree_flatten, batches), strict=True)
    return tree_unflatten([torch.cat(tensors) for tensors in zip(*leaves, strict=True)], shape[0])


def set_score(workload: Workload, outputs: Any, y: Tensor) -> float:
    """Return the metric of outputs and targets `[examples, ...]`; NaN where the outputs are not finite.

    Raises:
        InputError: if the metric is undefined for finite outputs.
    """
    leaves = tree_flatten(outputs)[0]
    if not all(bool(torch.isfinite(leaf).all()) for leaf in leaves if isinstance(leaf, Tensor)):
        return math.nan
    value = float(workload.metric(outputs, y))  # what it raises is told by the caller: a signal may be among it
    if math.isnan(value):
        raise InputError(
            f"workload {workload.name}: its metric over the whole set is undefined (NaN) on {len(y)} examples, as an "
            "AUC is where one class is missing: hold out more examples, or other ones"
        )
    return value
