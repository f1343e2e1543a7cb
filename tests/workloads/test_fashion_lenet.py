"""The built-in workload."""

from __future__ import annotations

import torch

from lrsearch.workloads.fashion_lenet import lenet, normalise


def test_lenet_has_the_parameters_of_the_paper() -> None:
    """156 + 2,416 + 48,120 + 10,164 + 850 = 61,706 parameters, ten logits for 28x28 pixels."""
    assert 61_706 == sum(parameter.numel() for parameter in lenet().parameters())
    assert (2, 10) == tuple(lenet()(torch.zeros(2, 1, 28, 28)).shape)


def test_pixels_become_numbers_from_minus_one_to_one() -> None:
    """`(x / 255 - 0.5) / 0.5`, and floats pass as they are."""
    assert [-1.0, 1.0] == normalise(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
    assert [0.25] == normalise(torch.tensor([0.25])).tolist()
