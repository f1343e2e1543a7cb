"""The built-in workload: a modern LeNet on 28x28 images of ten classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrsearch.workloads.images import load_images
from lrsearch.workloads.workload import Workload


def lenet() -> nn.Sequential:
    """Return LeNet-5 with ReLU and max-pooling: 61,706 parameters, input `[B, 1, 28, 28]`, ten logits.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998), with
    today's activation and pooling.
    """
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def normalise(x: Tensor) -> Tensor:
    """Map uint8 pixels 0..255 to floats -1..1, `(x / 255 - 0.5) / 0.5`; floats pass as they are."""
    return x if x.is_floating_point() else x.to(torch.get_default_dtype()).div_(127.5).sub_(1.0)


def fashion_lenet(dataset: str = "fashion-mnist") -> Workload:
    """Return the LeNet workload on `dataset`: fashion-mnist, mnist, kmnist or digits.

    Raises:
        InputError: if there is no such data set (at once), or it is unavailable (when its data is first loaded).
    """
    return Workload(
        name=f"LeNet on {dataset}",
        model=lenet,
        data=load_images(dataset),
        worst_value=0.1,
        transform=normalise,
    )
