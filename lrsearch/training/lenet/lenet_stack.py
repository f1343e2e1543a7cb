"""LeNet for many lanes at once, without autograd: the fast twin of `module_stack` for the built-in workload.

The network, the batch last (`[N, features, B]`), with the two convolutions by one of the modules of `convolution`:

    a1 = relu(pool(W1 * x) + b1)     a2 = relu(pool(W2 * a1) + b2)
    h3 = relu(W3 a2 + b3)     h4 = relu(W4 h3 + b4)     logits = W5 h4 + b5     loss = mean of -log softmax(logits)[y]

Backward, with D the gradient of the layer's output before its ReLU:

    D5 = (softmax(logits) - onehot(y)) / B            D4 = (W5' D5) where h4 > 0         D3 = (W4' D4) where h3 > 0
    dWk = Dk (input of layer k)',  dbk = sum of Dk over the batch                        da2 = W3' D3

and from da2 and then da1 back through the convolutions; the gradient of the images is never computed.

On the CPU the lanes run one after another: their working sets would push each other out of the cache, and a lane's
numbers cannot depend on its neighbours. What lanes share, the patches of a common batch, is made once. There
`processor` does all of this in its own loops, where Numba works. On a GPU every operation covers all lanes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch.training.lenet.convolution import Convolution, convolution_for, uses_numba
from lrsearch.training.lenet.streams import fork, join, on
from lrsearch.workloads.fashion_lenet import lenet

_SHAPES = ((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,))
_SIZES = [math.prod(shape) for shape in _SHAPES]
_PADDING = 2
_PREDICT_IMAGES = 256
_relu_gradient = torch.ops.aten.threshold_backward


def columns(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return stored images `x[N, B, 1, 28, 28]` in the form that the first convolution reads."""
    return convolution_for(x, dtype).stored_columns(x, dtype, _PADDING)


def step(params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return losses `[N]` and gradients `[N, size]`: a pure function, without any wait for the device.

    Args:
        params: `[N, size]`.
        x: the images as `columns`, each lane's or those that all share.
        y: labels `[1, B]` or `[N, B]`.
    """
    conv = convolution_for(params, params.dtype)
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = _layers(params)
    first = conv.forward(w1, b1, x)
    second = conv.forward(w2, b2, conv.columns(first.output))
    a2 = second.output.flatten(1, 3)
    h3 = _affine(conv, w3, b3, a2).relu_()
    h4 = _affine(conv, w4, b4, h3).relu_()
    loss, d5 = _cross_entropy(_affine(conv, w5, b5, h4), y)
    d4 = _relu_gradient(conv.matmul(w5.mT, d5), h4, 0)
    d3 = _relu_gradient(conv.matmul(w4.mT, d4), h3, 0)
    d2 = conv.unpool(conv.matmul(w3.mT, d3).view_as(second.output), second)
    # What nothing waits for is computed beside the way back to the first layer.
    aside = fork(params)
    with on(aside):
        inputs = ((d3, a2), (d4, h3), (d5, h4))
        dense = [part for d, x in inputs for part in (conv.matmul(d, x.mT), d.sum(2))]
        dw2, db2 = conv.weights_gradient(d2)
    d1 = conv.unpool(conv.images_gradient(d2), first)
    dw1, db1 = conv.weights_gradient(d1)
    join(aside)
    return loss, torch.cat([part.flatten(1) for part in (dw1, db1, dw2, db2, *dense)], 1)


def logits(params: Tensor, x: Tensor) -> Tensor:
    """Return the outputs `[N, 10, B]` for images `x`, as `columns`, that all lanes share."""
    conv = convolution_for(params, params.dtype)
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = _layers(params)
    a1 = conv.forward(w1, b1, x).output
    a2 = conv.forward(w2, b2, conv.columns(a1)).output.flatten(1, 3)
    h3 = _affine(conv, w3, b3, a2).relu_()
    return _affine(conv, w5, b5, _affine(conv, w4, b4, h3).relu_())


class LenetStack:
    """N LeNets of `workloads.fashion_lenet`, in the parameter order of `parameters_to_vector`; see StackedModel.

    Args:
        dtype: of the parameters that `init` returns; the other methods follow the parameters that they are given.
    """

    size = trainable = sum(_SIZES)
    stackable = True
    gains_from_shared_batches = True
    draws = False

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        _keep_freed_memory()

    def init(self, seed: int) -> Tensor:
        """Return the parameters `[size]` of `lenet()` built under `seed`, on the CPU."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.utils.parameters_to_vector(lenet().parameters()).detach().to(self.dtype)

    @torch.no_grad()
    def loss_and_grad(
        self, params: Tensor, x: Tensor, y: Tensor, _generators: Sequence[torch.Generator] = (), /
    ) -> tuple[Tensor, Tensor]:
        """Return losses `[N]` and gradients `[N, size]` on `x[1 or N, B, 1, 28, 28]` and `y[1 or N, B]`."""
        if uses_numba(params):
            from lrsearch.training.lenet.processor.step import loss_and_grad

            return loss_and_grad(params, x, y)
        if params.is_cuda:
            return step(params, columns(x, params.dtype), y)
        shared = columns(x, params.dtype) if len(x) == 1 else None
        results = [
            step(row, columns(x[n : n + 1], row.dtype) if shared is None else shared, labels.unsqueeze(0))
            for n, (row, labels) in enumerate(zip(params.split(1), y.expand(len(params), -1), strict=True))
        ]
        losses, gradients = zip(*results, strict=True)
        return torch.cat(losses), torch.cat(gradients)

    @torch.no_grad()
    def predict(self, params: Tensor, x: Tensor) -> Tensor:
        """Return the logits `[N, B, 10]` of images `x[1, B, 1, 28, 28]`, for any B."""
        if uses_numba(params):
            from lrsearch.training.lenet.processor.step import logits as logits_of

            return torch.cat([logits_of(params, chunk) for chunk in x.split(_PREDICT_IMAGES, 1)], 1)
        groups = [params] if params.is_cuda else params.split(1)
        parts = []
        for chunk in x.split(_PREDICT_IMAGES, 1):
            images = chunk.shape[1]
            if params.is_cuda:  # where kernels are compiled for a number of images
                chunk = functional.pad(chunk, (*6 * (0,), 0, _PREDICT_IMAGES - images))
            patched = columns(chunk, params.dtype)
            parts.append(torch.cat([logits(group, patched) for group in groups])[:, :, :images])
        return torch.cat(parts, 2).transpose(1, 2)


def _layers(params: Tensor) -> list[Tensor]:
    return [part.view(-1, *shape) for part, shape in zip(params.split(_SIZES, 1), _SHAPES, strict=True)]


def _affine(conv: Convolution, weights: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    return conv.matmul(weights, x).add_(bias.unsqueeze(2))


def _cross_entropy(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean loss `[N]` of logits `[N, 10, B]` and its gradient."""
    log_p = functional.log_softmax(outputs, 1)
    labels = y.expand(len(outputs), -1).unsqueeze(1)
    loss = -log_p.gather(1, labels).mean((1, 2))
    ones = log_p.new_full((), -1.0).expand_as(labels)
    return loss, log_p.exp_().scatter_add_(1, labels, ones).div_(y.shape[1])


def _keep_freed_memory() -> None:
    """Let glibc reuse the step's buffers, which it would give back and fault in again on every step.

    glibc raises its thresholds for giving memory back to the size of the largest block it has seen freed, up to 32 MiB
    (mallopt(3), M_MMAP_THRESHOLD). Elsewhere this does nothing.
    """
    torch.empty((32 << 20) - (64 << 10), dtype=torch.uint8)
