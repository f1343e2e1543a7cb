"""A ResNet-8 with BatchNorm on Fashion-MNIST, its batches cropped and mirrored at random.

The page docs/example_workloads.md explains it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch import Dataset, Workload
from lrsearch.workloads.images import load_images

CLASSES, TRAIN, TEST, PADDING = 10, 12_000, 2_000, 2


class Residual(nn.Module):
    """Two normalised convolutions beside a shortcut: He et al., "Deep residual learning" (2015)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        changed = before != after or stride != 1
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if changed else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, before, H, W]` to `[B, after, H / stride, W / stride]`."""
        return functional.relu(self.body(x) + self.shortcut(x))


def resnet8() -> nn.Module:
    """Return ten logits for images `[B, 1, 28, 28]`: eight layers with weights, 16 to 64 channels wide."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Residual(16, 16, 1),
        Residual(16, 32, 2),
        Residual(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


def some_images() -> Dataset:
    """Return the first 12,000 training and 2,000 test images, so that an epoch takes seconds and not minutes."""
    return load_images("fashion-mnist")().first(TRAIN, TEST)


def scaled(x: Tensor) -> Tensor:
    """Map pixels 0 .. 255 to floats -1 .. 1."""
    return x.to(torch.get_default_dtype()).div(127.5).sub(1)


def crop_and_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each image by up to two pixels, black behind its edge, and mirror every second one."""
    count, side = len(x), x.shape[-1]
    padded = functional.pad(x, (PADDING,) * 4)
    down, right = torch.randint(2 * PADDING + 1, (2, count, 1), generator=generator, device=x.device)
    mirrored = torch.rand(count, 1, generator=generator, device=x.device) < 0.5
    places = torch.arange(side, device=x.device)
    rows, columns = places + down, torch.where(mirrored, places.flip(0), places) + right
    image = torch.arange(count, device=x.device)[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def fashion_resnet() -> Workload:
    """Return the workload; its metric is the accuracy."""
    return Workload(
        name="ResNet-8 on Fashion-MNIST",
        model=resnet8,
        data=some_images,
        transform=scaled,
        augment=crop_and_flip,
        worst_value=1 / CLASSES,
        batch_size=128,
        evaluation_batch_size=500,
    )
