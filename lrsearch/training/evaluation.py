"""Lanes judged on a part of the data by their workload's loss and metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from lrsearch.training.data import Part
from lrsearch.training.model import StackedModel
from lrsearch.training.set_metric import joined, set_score
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
