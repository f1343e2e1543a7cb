"""The step of a processor and its name."""

from __future__ import annotations

import pytest
import torch

from lrsearch.training.lenet.lenet_stack import LenetStack, columns, step
from lrsearch.training.lenet.processor import step as by_numba
from lrsearch.training.lenet.processor.vectors import vector_bytes
from lrsearch.workloads.fashion_lenet import normalise
from tests.training.lenet.examples import lanes_of, random_images, relative_error

SIZE = LenetStack.size


def test_the_step_is_that_of_pytorch_s_operations():
    """Losses, gradients and outputs are those of the step that is written out for all devices."""
    params, (x, y) = lanes_of(LenetStack(torch.float64), 3), random_images(1, 19)
    expected_loss, expected = step(params, columns(x, torch.float64), y)
    loss, gradient = by_numba.loss_and_grad(params, x, y)
    torch.testing.assert_close(expected_loss, loss, rtol=1e-12, atol=0)
    assert relative_error(expected, gradient) < 1e-12
    torch.testing.assert_close(by_numba.logits(params, normalise(x)), by_numba.logits(params, x), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("params", "x", "y"),
    [
        ((1, SIZE), (1, 7, 1, 28, 28), (1, 400)),
        ((1, SIZE), (1, 7, 1, 28, 28), (1, 3)),
        ((3, SIZE), (2, 7, 1, 28, 28), (3, 7)),
        ((1, SIZE - 1), (1, 7, 1, 28, 28), (1, 7)),
        ((1, SIZE), (1, 7, 1, 27, 28), (1, 7)),
        ((1, SIZE), (7,), (1, 7)),
    ],
)
def test_shapes_that_do_not_fit_are_an_error(params, x, y):
    """And no numbers from elsewhere in memory."""
    labels = torch.zeros(y, dtype=torch.int64)
    with pytest.raises(ValueError, match="params must be"):
        by_numba.loss_and_grad(torch.zeros(params), torch.zeros(x, dtype=torch.uint8), labels)


def test_what_fills_a_batch_up_does_not_overflow_alone():
    """Weights near the largest number: the gradient is finite where PyTorch's is, in a batch of any size."""
    row, (_, y) = LenetStack().init(0), random_images(1, 7)
    row[:150], row[150:156] = -3e37, 0.1
    x = torch.full((1, 7, 1, 28, 28), 255, dtype=torch.uint8)
    for images in (x, normalise(x)):
        assert by_numba.loss_and_grad(row.unsqueeze(0), images, y)[1].isfinite().all()


def test_a_loss_beyond_the_largest_number_is_infinite():
    """As in PyTorch, so that the trial counts as diverged."""
    row, (x, _) = LenetStack().init(0), random_images(1, 7)
    row[-10] = 1e38
    loss, _ = by_numba.loss_and_grad(row.unsqueeze(0), x, torch.ones(1, 7, dtype=torch.int64))
    assert loss.isinf().all()


def test_room_begins_at_a_line_of_the_cache():
    """A vector across two lines would cost twice."""
    kernels = by_numba.make_kernels(torch.float32, vector_bytes(), cache=False)
    assert {0} == {kernels.array(size).ctypes.data % 64 for size in (1, 100, 100_000)}


def test_the_name_says_type_and_width():
    """The name that a trial keeps tells which loops its bits are of."""
    assert by_numba.prepare(torch.float64) == f"numba 4 float64x{vector_bytes() // 8}"
