"""Matrix products of many lanes."""

from __future__ import annotations

import pytest
import torch

from lrsearch.training.lenet.products import matmul


@pytest.mark.parametrize(("lanes", "shared"), [(1, False), (3, False), (3, True), (1, True)])
def test_every_lane_has_its_own_product(lanes, shared):
    """With a matrix of its own, or one that all share."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(lanes, 2, 4, generator=generator, dtype=torch.float64)
    b = torch.randn(1 if shared else lanes, 4, 5, generator=generator, dtype=torch.float64)
    expected = torch.stack([a[lane] @ b[0 if shared else lane] for lane in range(lanes)])
    torch.testing.assert_close(expected, matmul(a, b), rtol=1e-14, atol=1e-14)
