"""The work that every search of bench_search does: the same data, and a trial's epochs as people write them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from bench_step import ArticleImages
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Subset

from lrsearch.schedules import AnySchedule
from lrsearch.training.data import Part, TrainingData
from lrsearch.workloads import Dataset, Workload
from lrsearch.workloads.fashion_lenet import fashion_lenet, lenet, normalise
from lrsearch.workloads.images import load_images

WORKLOAD = "work:images"
# A workload of one's own takes no options, and worker processes inherit the environment.
DATASET, EXAMPLES = "BENCHMARK_DATASET", "BENCHMARK_EXAMPLES"
_EVALUATION_BATCH = 1000

Batch = tuple[Tensor, Tensor]


def images() -> Workload:
    """Return LeNet on the first examples of the data set; name and number come from the environment."""
    dataset = os.environ[DATASET]
    return replace(fashion_lenet(dataset), data=partial(_first, dataset, int(os.environ[EXAMPLES])))


def _first(dataset: str, examples: int) -> Dataset:
    whole = load_images(dataset)()
    return Dataset(whole.train_x[:examples], whole.train_y[:examples], whole.test_x, whole.test_y)


@dataclass(frozen=True, eq=False)
class Batches:
    """Where a loop takes its batches from: `fit` in a new order whenever it is gone through, the others in theirs."""

    fit: Iterable[Batch]
    select: Iterable[Batch]
    report: Iterable[Batch]


@dataclass(frozen=True, eq=False)
class _InMemory:
    """Batches of a part that lies in memory as tensors."""

    part: Part
    batch_size: int
    shuffle: bool = False

    def __iter__(self) -> Iterator[Batch]:
        index = self.part.index
        if self.shuffle:
            index = index[torch.randperm(len(index))][: len(index) // self.batch_size * self.batch_size]
        return ((normalise(self.part.x[i]), self.part.y[i]) for i in index.split(self.batch_size))


def in_memory_batches(data: TrainingData, batch_size: int) -> Batches:
    """Return batches that are cut from tensors in memory."""
    held_out = (_InMemory(data.parts[name], _EVALUATION_BATCH) for name in ("select", "report"))
    return Batches(_InMemory(data.fit, batch_size, shuffle=True), *held_out)


def article_batches(data: TrainingData, batch_size: int) -> Batches:
    """Return the batches of the tutorial's DataLoaders, transformed image by image."""
    whole = ArticleImages(data.fit.x, data.fit.y)
    fit = DataLoader(Subset(whole, data.fit.index.tolist()), batch_size=batch_size, shuffle=True, drop_last=True)
    held_out = (
        DataLoader(Subset(whole, data.parts[name].index.tolist()), batch_size=_EVALUATION_BATCH)
        for name in ("select", "report")
    )
    return Batches(fit, *held_out)


def epochs_of(batches: Batches, schedule: AnySchedule, *, epochs: int, steps_per_epoch: int) -> Iterator[float]:
    """Train one LeNet as tutorials do, and yield its select accuracy after every epoch.

    Like lrsearch's, a trial whose loss is no longer finite ends with that epoch, and the holdout is evaluated in
    every epoch too.
    """
    module = lenet()
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    select_loss: list[float] = []
    for epoch in range(epochs):
        rates = schedule.epoch_lr(epoch, steps_per_epoch, select_loss)
        total = 0.0
        for rate, (x, y) in zip(rates.tolist(), batches.fit, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss = functional.cross_entropy(module(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        loss_now, accuracy = _evaluate(module, batches.select)
        _evaluate(module, batches.report)
        select_loss.append(loss_now)
        yield accuracy
        if not math.isfinite(total):
            return


@torch.no_grad()
def _evaluate(module: torch.nn.Module, batches: Iterable[Batch]) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    sums = np.zeros(3)
    for x, y in batches:
        outputs = module(x)
        loss = functional.cross_entropy(outputs, y, reduction="sum")
        sums += loss.item(), (outputs.argmax(1) == y).sum().item(), len(y)
    return float(sums[0] / sums[2]), float(sums[1] / sums[2])
