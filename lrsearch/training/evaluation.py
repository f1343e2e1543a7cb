"""Lanes judged on a part of the data by their workload's loss and metric.

A metric is of each example, such as an accuracy, or of the whole part, such as an AUC or R2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_flatten, tree_unflatten

from lrsearch.errors import InputError
from lrsearch.training.data import Part
from lrsearch.training.model import StackedModel
from lrsearch.workloads import Workload


def evaluate(model: StackedModel, workload: Workload, params: Tensor, part: Part) -> tuple[Tensor, Tensor]:
    """Return the mean loss `[N]` and the score of each example `[N, examples]`, or of the whole part `[N, 1]`.

    Args:
        model: the architecture of the lanes.
        workload: its loss and metric.
        params: of the lanes, a row each.
        part: of the data, on the same device.
    """
    lanes, device = len(params), params.device
    loss_sum = torch.zeros(lanes, dtype=torch.float64, device=device)
    whole_part = workload.metric_over == "set"
    scores, kept = [], []
    for index in part.index.split(workload.evaluation_batch_size):
        x, y = part.take(index)
        outputs = model.predict(params, x.unsqueeze(0))
        loss_sum += _per_lane(workload.loss, outputs, y) * len(index)
        if whole_part:
            kept.append([*outputs])
        else:
            scores.append(_per_lane(workload.metric, outputs, y))
    if whole_part:
        y = part.take(part.index)[1]
        values = [set_score(workload, joined(batches), y) for batches in zip(*kept, strict=True)]
        return loss_sum / len(part), torch.tensor(values, dtype=torch.float64, device=device).unsqueeze(1)
    return loss_sum / len(part), torch.cat(scores, dim=1)


def _per_lane(function: Callable[[Any, Tensor], Tensor], outputs: Tensor | list[Any], y: Tensor) -> Tensor:
    if isinstance(outputs, Tensor) and outputs.is_cuda:
        result: Tensor = vmap(function, in_dims=(0, None))(outputs, y)
        return result
    # One by one, or the last digit would depend on how many lanes there are.
    return torch.stack([function(of_lane, y) for of_lane in outputs])


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
