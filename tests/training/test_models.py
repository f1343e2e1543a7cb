"""Which stack trains a workload, and under which name."""

import torch

from lrsearch.training.models import kernels_of
from lrsearch.workloads import load_workload
from lrsearch.workloads.fashion_lenet import fashion_lenet


def test_the_lenet_has_kernels_of_its_own_and_other_models_have_none() -> None:
    """The name says which kernels, which numbers and how many of them to a vector."""
    images = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)
    assert kernels_of(fashion_lenet("digits"), images, "cpu").startswith("numba 4 float32x")
    assert "torch" == kernels_of(load_workload("tests.workload_examples:batch_norm"), images, "cpu")
