"""The data set on the device, and the order in which a lane reads it."""

from __future__ import annotations

import numpy as np
import torch

from lrsearch.training.data import Part, TrainingData, epoch_order
from lrsearch.workloads import Dataset, Split


def test_orders_are_permutations_that_differ_by_epoch_and_seed():
    """An epoch visits each example at most once; the same (seed, epoch) gives the same batches."""
    order = epoch_order(3, 1, 43, 8)
    assert order.shape == (5, 8)
    assert len(np.unique(order)) == 40
    assert np.array_equal(order, epoch_order(3, 1, 43, 8))
    assert not np.array_equal(order, epoch_order(3, 2, 43, 8))
    assert not np.array_equal(order, epoch_order(4, 1, 43, 8))


def test_a_part_is_taken_by_any_shape_of_index():
    """Examples and labels keep the shape of the index before that of an item."""
    part = Part(torch.arange(12).view(6, 2), torch.arange(6), torch.tensor([5, 0, 3]))
    x, y = part.take(part.index[torch.tensor([[0, 2], [1, 1]])])
    assert [[[10, 11], [6, 7]], [[0, 1], [0, 1]]] == x.tolist()
    assert [[5, 3], [0, 0]] == y.tolist()
    assert 3 == len(part)


def test_the_parts_that_hold_nothing_back_are_left_out():
    """A split that fits everything has the test set alone; images stay as they are stored."""
    images, labels = torch.zeros(4, 1, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64)
    none = np.arange(0)
    data = TrainingData.build(
        Dataset(images, labels, images[:3], labels[:3]), Split(np.arange(4), none, none), device="cpu"
    )
    assert ["test"] == [name for name, _ in data.held_out(("select", "report", "test"))]
    assert (4, 3) == (len(data.fit), len(data.parts["test"]))
    assert torch.uint8 == data.fit.x.dtype
