"""Averages of the weights, by which lanes are judged instead of by their last weights."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def mixing_weights(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight `c[steps]` of each step of Schedule-Free in the average of the steps so far.

    A step weighs as the square of the largest rate so far (Defazio et al. 2024, arXiv:2405.15682; the package
    schedulefree with its defaults r = 0 and weight_lr_power = 2), and nothing while every rate has been 0.

    Args:
        rates: of a run's steps from its first on, `[steps]`.
    """
    weights = np.square(np.maximum.accumulate(rates))
    total = np.cumsum(weights)
    mixed: NDArray[np.float64] = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return mixed


def schedule_free_step(y: Tensor, z: Tensor, direction: Tensor, lr: Tensor, mix: Tensor, interpolation: Tensor) -> None:
    """Take a step of Schedule-Free in place, as the package schedulefree does: x is never computed.

    Args:
        y: `[N, P]`, the weights at which gradients are taken.
        z: `[N, P]`, the weights of the base sequence.
        direction: `[N, P]`, the gradient at y, scaled and with its weight decay.
        lr: `[N, 1]` or `[N, P]`, of the step.
        mix: `[N, 1]`, the step's of `mixing_weights`.
        interpolation: `[N, 1]`, how far y lies from z to the average x.
    """
    y.lerp_(z, mix)
    y.addcmul_(lr * (interpolation * (1 - mix) - 1), direction)
    z.addcmul_(lr, direction, value=-1)


def schedule_free_average(y: Tensor, z: Tensor, interpolation: Tensor) -> Tensor:
    """Return the average x `[N, P]` of Schedule-Free, where y = interpolation x + (1 - interpolation) z."""
    return y.lerp(z, 1 - 1 / interpolation)


def follow(average: Tensor, params: Tensor, updates: Tensor, decay: Tensor) -> None:
    """Take weights into their exponential average in place, as torch.optim.swa_utils.AveragedModel does.

    Args:
        average: `[N, P]`; the first update sets it to the weights.
        params: `[N, P]`, the weights after the update.
        updates: `[N, 1]`, how many updates each lane has had, this one included.
        decay: `[N, 1]`, the share of the average that is kept.
    """
    average.lerp_(params, torch.where(updates > 1, 1 - decay, torch.ones_like(decay)))
