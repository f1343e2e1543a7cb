"""Own workloads: a small residual network on 8x8 digits, judged by log loss, with GroupNorm or with BatchNorm.

The page docs/own_workloads.md goes through this file line by line.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional

from lrsearch import Dataset, Workload

CLASSES, WIDTH, TEST_EXAMPLES = 10, 16, 297


class Residual(nn.Module):
    """x + f(x), where f is two convolutions that keep the size, each normalised first."""

    def __init__(self, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm(WIDTH),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
            norm(WIDTH),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 16, H, W]` to the same shape."""
        change: Tensor = self.body(x)
        return x + change


def residual_network(norm: Callable[[int], nn.Module]) -> nn.Module:
    """Return ten logits for images `[B, 1, 8, 8]`: two residual blocks, at 8x8 and at 4x4 pixels."""
    return nn.Sequential(
        nn.Conv2d(1, WIDTH, 3, padding=1),
        Residual(norm),
        nn.MaxPool2d(2),
        Residual(norm),
        norm(WIDTH),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(WIDTH, CLASSES),
    )


def group_norm(channels: int) -> nn.Module:
    """Return a normalisation that reads one example alone, and so keeps nothing between steps."""
    return nn.GroupNorm(4, channels)


def digits() -> Dataset:
    """Return scikit-learn's 1,797 digits, `[n, 1, 8, 8]` of uint8 0 .. 16: 1,500 to train on, 297 to test on."""
    pixels, labels = load_digits(return_X_y=True)
    parts = train_test_split(pixels, labels, test_size=TEST_EXAMPLES, stratify=labels, random_state=0)
    train_x, test_x = (torch.from_numpy(part).to(torch.uint8).reshape(-1, 1, 8, 8) for part in parts[:2])
    train_y, test_y = (torch.from_numpy(part).to(torch.int64) for part in parts[2:])
    return Dataset(train_x, train_y, test_x, test_y)


def scaled(x: Tensor) -> Tensor:
    """Map pixels 0 .. 16 to floats -1 .. 1."""
    return x.to(torch.get_default_dtype()).div(8).sub(1)


def log_loss(outputs: Tensor, y: Tensor) -> Tensor:
    """Return -log p(label) of each example, `[B]`: unlike accuracy it sees how sure the network is."""
    return functional.cross_entropy(outputs, y, reduction="none")


def residual_digits(norm: Callable[[int], nn.Module] = group_norm) -> Workload:
    """Return the workload: less log loss is better, and log(10) is what guessing costs."""
    return Workload(
        name=f"residual network on digits, {norm.__name__}",
        model=partial(residual_network, norm),
        data=digits,
        transform=scaled,
        metric=log_loss,
        metric_name="log loss",
        direction="minimize",
        worst_value=math.log(CLASSES),
        batch_size=32,
    )


def residual_digits_batch_norm() -> Workload:
    """Return the same network with BatchNorm, whose running statistics each trial keeps for itself."""
    return residual_digits(nn.BatchNorm2d)
