"""The step of a processor and its name."""

from __future__ import annotations

import torch

from lrsearch.training.lenet.lenet_stack import LenetStack, columns, step
from lrsearch.training.lenet.processor import step as by_numba
from lrsearch.training.lenet.processor.vectors import vector_bytes
from lrsearch.workloads.fashion_lenet import normalise
from tests.training.lenet.examples import lanes_of, random_images, relative_error


def test_the_step_is_that_of_pytorch_s_operations():
    """Losses, gradients and outputs are those of the step that is written out for all devices."""
    params, (x, y) = lanes_of(LenetStack(torch.float64), 3), random_images(1, 19)
    expected_loss, expected = step(params, columns(x, torch.float64), y)
    loss, gradient = by_numba.loss_and_grad(params, x, y)
    torch.testing.assert_close(expected_loss, loss, rtol=1e-12, atol=0)
    assert relative_error(expected, gradient) < 1e-12
    torch.testing.assert_close(by_numba.logits(params, normalise(x)), by_numba.logits(params, x), rtol=1e-12, atol=0)


def test_room_begins_at_a_line_of_the_cache():
    """A vector across two lines would cost twice."""
    kernels = by_numba.make_kernels(torch.float32, vector_bytes(), cache=False)
    assert {0} == {kernels.array(size).ctypes.data % 64 for size in (1, 100, 100_000)}


def test_the_name_says_type_and_width():
    """The name that a trial keeps tells which loops its bits are of."""
    assert by_numba.prepare(torch.float64) == f"numba 4 float64x{vector_bytes() // 8}"
