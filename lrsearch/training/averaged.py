"""What lanes that average their weights are judged by: the average, with BatchNorm's statistics taken again for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lrsearch.training.data import Part
from lrsearch.training.lane import RateSource
from lrsearch.training.model import NormalisedModel
from lrsearch.training.modules.draws import lane_generators, seeded, step_seeds
from lrsearch.training.optimizers.averaging import mixing_weights
from lrsearch.training.program import augmented
from lrsearch.workloads.workload import Augment

STATISTICS_BATCHES = 50
"""How many batches of an epoch enter the statistics at most, as the page of the package schedulefree has it."""


def epoch_mix(schedule: RateSource, epoch: int, steps: int) -> NDArray[np.float64]:
    """Return `mixing_weights` of the steps of an epoch, which depend on the rates of all epochs before.

    Args:
        schedule: its rates must not depend on the losses.
        epoch: 0 is the first.
        steps: of an epoch.
    """
    rates = np.concatenate([schedule.epoch_lr(earlier, steps, ()) for earlier in range(epoch + 1)])
    return mixing_weights(rates)[-steps:]


def take_statistics(
    model: NormalisedModel,
    rows: Tensor,
    fit: Part,
    index: Tensor,
    seeds: Sequence[tuple[int, int]],
    augment: Augment | None,
) -> None:
    """Make the running statistics of lanes, in place, the means over batches under the weights of their rows.

    Args:
        model: of the lanes.
        rows: `[N, size]`.
        fit: the data set that is trained on.
        index: `[1 or N, steps, B]` into the data set: the batches of an epoch, the first of which are taken.
        seeds: of each lane its initial seed and the epoch, from which random layers and `augment` draw as in that
            epoch's steps.
        augment: of the workload.
    """
    generators = lane_generators(len(rows), rows.device, stackable=model.stackable)
    steps = index.shape[1]
    draws = [step_seeds(init_seed, epoch, steps) for init_seed, epoch in seeds]
    with nullcontext() if model.stackable else seeded(rows.device, draws[0][0]):
        for step in range(min(steps, STATISTICS_BATCHES)):
            for generator, of_steps in zip(generators, draws, strict=True):
                generator.manual_seed(of_steps[step])
            x, _ = fit.take(index[:, step])
            x = x if augment is None else augmented(augment, x, generators)
            model.take_statistics(rows, x, 1 / (step + 1), generators)
