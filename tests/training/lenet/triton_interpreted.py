"""Compare the Triton kernels with autograd in Triton's interpreter; run by `test_triton_conv`.

The interpreter runs one program of a kernel after the other in NumPy, so the layers are small. Images and weights are
whole numbers, so that sums are exact and pooling meets ties.
"""

import sys
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

from lrsearch.training.lenet import blocked_conv, lenet_stack, triton_conv, triton_dot
from lrsearch.workloads.fashion_lenet import normalise


def whole(*shape: int) -> Tensor:
    return torch.randint(-2, 3, shape).double()


def by_autograd(weights: Tensor, bias: Tensor, images: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
    """Return the output and the gradients of weights, bias and images, lane by lane."""
    leaves = [leaf.clone().requires_grad_() for leaf in (weights, bias, images.expand(len(weights), *images.shape[1:]))]
    lanes = []
    for w, b, x in zip(*leaves, strict=True):
        pooled = functional.max_pool2d(functional.conv2d(x.permute(3, 0, 1, 2), w, b), 2)
        lanes.append(pooled.relu().permute(1, 2, 3, 0))
    output = torch.stack(lanes)
    output.backward(gradient)
    return output.detach(), *(leaf.grad for leaf in leaves)


def check_layer(lanes: int, outputs: int, channels: int, batch: int, *, shared: bool, of_images: bool) -> None:
    # Rows of parameters, as the step has them.
    rows = whole(lanes, outputs * channels * 25 + outputs + 7)
    weights = rows[:, : outputs * channels * 25].unflatten(1, (outputs, channels, 5, 5))
    bias = rows[:, outputs * channels * 25 : -7]
    images = whole(1 if shared else lanes, channels, 8, 8, batch)
    gradient = whole(lanes, outputs, 2, 2, batch)
    tape = triton_conv.forward(weights, bias, triton_conv.columns(images))
    unpooled = triton_conv.unpool(gradient, tape)
    results = [tape.output, *triton_conv.weights_gradient(unpooled)]
    if of_images:
        results.append(triton_conv.images_gradient(unpooled))
    expected = by_autograd(weights, bias, images, gradient)
    for name, one, other in zip(("output", "weights", "bias", "images"), results, expected, strict=False):
        assert torch.equal(one, other), name


def check_stored() -> None:
    """Every pixel is the processor's to the bit, for every float; floats pass as they are."""
    x = torch.arange(256, dtype=torch.uint8).view(2, 2, 1, 8, 8)
    for stored in (x, normalise(x)):
        for dtype in (torch.float32, torch.float64):
            expected = functional.pad(normalise(stored).to(dtype).squeeze(2), (2, 2, 2, 2)).permute(0, 2, 3, 1)
            assert torch.equal(expected.unsqueeze(1), triton_conv.stored_columns(stored, dtype, 2))


def check_not_a_number() -> None:
    """Keep what is not a number, wherever in the window it lies, so that a lane that has diverged says so."""
    weights, images = torch.zeros(1, 1, 1, 5, 5), torch.zeros(1, 1, 6, 6, 1)
    for y, x in ((0, 0), (0, 5), (5, 0), (5, 5)):
        spoilt = images.clone()
        spoilt[0, 0, y, x] = float("nan")
        assert triton_conv.forward(weights, torch.ones(1, 1), spoilt).output.isnan().all(), (y, x)


def tf32(x: Any) -> Any:
    """Return float32 numbers with the ten bits of TensorFloat-32."""
    return (x.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)


def on_tensor_cores(builder: Any, a: Any, b: Any, d: Any, precision: Any, *_: Any) -> Any:
    """Multiply as a GPU does, where the interpreter multiplies float32 numbers whatever the precision."""
    parts = [(tf32(x), tf32(x - tf32(x))) for x in (a.data, b.data)]
    passes = [(0, 0), (0, 1), (1, 0)] if precision.name == "TF32x3" else [(0, 0)]
    return TensorHandle(d.data + sum(parts[0][i] @ parts[1][j] for i, j in passes), d.dtype.scalar)


def relative(exact: Tensor, actual: Tensor) -> float:
    return float((actual.double() - exact).norm() / exact.norm())


def check_dot_layer(lanes: int, outputs: int, channels: int, batch: int, *, shared: bool) -> None:
    """Keep everything within 1e-5 of float64 in three passes; one pass of TensorFloat-32 does not."""
    weights, bias = torch.randn(lanes, outputs, channels, 5, 5), torch.randn(lanes, outputs)
    images = torch.randn(1 if shared else lanes, channels, 8, 8, batch)
    gradient = torch.randn(lanes, outputs, 2, 2, batch)
    exact = by_autograd(*(part.double() for part in (weights, bias, images, gradient)))
    InterpreterBuilder.create_dot = on_tensor_cores
    for precision, within in (("tf32x3", 1e-5), ("tf32", 2e-2)):
        with patch.object(triton_dot, "PRECISION", precision):
            tape = triton_dot.forward(weights, bias, triton_dot.columns(images))
            unpooled = triton_dot.unpool(gradient, tape)
            results = [tape.output, *triton_dot.weights_gradient(unpooled), triton_dot.images_gradient(unpooled)]
        errors = [relative(one, other) for one, other in zip(exact, results, strict=not shared)]
        assert max(errors) < within, (precision, errors)
        assert (max(errors) > 1e-5) == (precision == "tf32"), (precision, errors)


def check_dot_products() -> None:
    """Products of any strides, of a matrix that lanes share too."""
    InterpreterBuilder.create_dot = on_tensor_cores
    a, b = torch.randn(2, 40, 35), torch.randn(2, 70, 40)
    for one, other in ((a.mT, b.mT), (b, a), (a.mT, b[:1].mT)):
        assert relative(one.double() @ other.double(), triton_dot.matmul(one, other)) < 1e-6


def check_dot_step() -> None:
    """Take a whole step of a LeNet: loss and gradient are within 1e-5 of float64."""
    InterpreterBuilder.create_dot = on_tensor_cores
    lenet_stack.convolution_for = lambda _, dtype: triton_dot if dtype == torch.float32 else blocked_conv
    params = lenet_stack.LenetStack().init(0).unsqueeze(0)
    x, y = torch.randint(256, (1, 3, 1, 28, 28), dtype=torch.uint8), torch.randint(10, (1, 3))
    exact = lenet_stack.step(params.double(), lenet_stack.columns(x, torch.float64), y)
    results = lenet_stack.step(params, lenet_stack.columns(x, torch.float32), y)
    for one, other in zip(exact, results, strict=True):
        assert relative(one, other) < 1e-5


CHECKS = {
    "own": lambda: check_layer(2, 1, 2, 3, shared=False, of_images=True),
    "shared": lambda: check_layer(2, 5, 1, 3, shared=True, of_images=False),
    "several blocks": lambda: check_layer(1, 1, 1, 130, shared=True, of_images=True),
    "stored": check_stored,
    "nan": check_not_a_number,
    "dot": lambda: check_dot_layer(2, 6, 2, 5, shared=False),
    "dot of several blocks": lambda: check_dot_layer(1, 2, 1, 70, shared=True),
    "dot products": check_dot_products,
    "dot step": check_dot_step,
}

if __name__ == "__main__":
    torch.manual_seed(0)
    for name in sys.argv[1:]:
        CHECKS[name]()
