"""LeNet for many lanes at once, without autograd: the fast twin of `module_stack` for the built-in workload.

The network, the batch last (`[N, features, B]`), with the two convolutions as `blocked_conv` derives them:

    a1 = relu(pool(V1 patches(x)) + b1)     a2 = relu(pool(V2 patches(a1)) + b2)
    h3 = relu(W3 a2 + b3)     h4 = relu(W4 h3 + b4)     logits = W5 h4 + b5     loss = mean of -log softmax(logits)[y]

Backward, with D the gradient of the layer's output before its ReLU:

    D5 = (softmax(logits) - onehot(y)) / B            D4 = (W5' D5) where h4 > 0         D3 = (W4' D4) where h3 > 0
    dWk = Dk (input of layer k)',  dbk = sum of Dk over the batch                        da2 = W3' D3

and from da2 and then da1 back through the convolutions; the gradient of the images is never computed.

On the CPU the lanes run one after another: their working sets would push each other out of the cache, and a lane's
numbers cannot depend on its neighbours. What lanes share, the patches of a common batch, is made once. On a GPU every
operation covers all lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch.training import fusable
from lrsearch.training.blocked_conv import Tape, gather, matmul, patches, pool, pool_gradient, spread, unpatch
from lrsearch.workloads.fashion_lenet import lenet, normalise

_SHAPES = ((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,))
_SIZES = [math.prod(shape) for shape in _SHAPES]
_SIDE, _PADDING, _FIRST_CHANNELS, _POOLED_SIDE = 28, 2, 6, 14
_PREDICT_IMAGES_CPU = 256
_PREDICT_IMAGES_GPU = 65_536
_relu_gradient = torch.ops.aten.threshold_backward

Columns = Callable[[Tensor, torch.dtype], Tensor]
Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def columns(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the normalised first-layer patches `[N, 36, 196 * B]` of stored images `x[N, B, 1, 28, 28]`."""
    lanes, batch = x.shape[:2]
    pixels = normalise(x.reshape(lanes, batch, _SIDE * _SIDE).transpose(1, 2).contiguous()).to(dtype)
    padded_side = _SIDE + 2 * _PADDING
    padded = pixels.new_zeros(lanes, 1, padded_side, padded_side, batch)
    inner = slice(_PADDING, _PADDING + _SIDE)
    padded[:, 0, inner, inner] = pixels.view(lanes, _SIDE, _SIDE, batch)
    return patches(padded)


def step(params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return losses `[N]` and gradients `[N, size]`: a pure function, without any wait for the device.

    Args:
        params: `[N, size]`.
        x: the images as `columns`, `[1, 36, 196 * B]` or `[N, 36, 196 * B]`.
        y: labels `[1, B]` or `[N, B]`.
    """
    from_pool, from_patches = pool_gradient, unpatch
    if torch.compiler.is_compiling():
        from_pool, from_patches = fusable.pool_gradient, fusable.unpatch
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = _layers(params)
    batch = y.shape[1]
    first = _convolve(w1, b1, x)
    x2 = patches(first.output.view(-1, _FIRST_CHANNELS, _POOLED_SIDE, _POOLED_SIDE, batch))
    v2 = spread(w2)
    second = pool(matmul(v2, x2), b2)
    a2 = second.output.view(len(params), -1, batch)
    h3 = _affine(w3, b3, a2).relu_()
    h4 = _affine(w4, b4, h3).relu_()
    loss, d5 = _cross_entropy(_affine(w5, b5, h4), y)
    d4 = _relu_gradient(matmul(w5.mT, d5), h4, 0)
    d3 = _relu_gradient(matmul(w4.mT, d4), h3, 0)
    dense = [matmul(d3, a2.mT), d3.sum(2), matmul(d4, h3.mT), d4.sum(2), matmul(d5, h4.mT), d5.sum(2)]
    d2, db2 = from_pool(matmul(w3.mT, d3).view_as(second.output), second)
    dw2 = gather(matmul(d2, x2.mT), w2.shape[2])
    da1 = from_patches(matmul(v2.mT, d2), _FIRST_CHANNELS, batch)
    d1, db1 = from_pool(da1.view_as(first.output), first)
    dw1 = gather(matmul(d1, x.mT), w1.shape[2])
    return loss, torch.cat([part.flatten(1) for part in (dw1, db1, dw2, db2, *dense)], 1)


def logits(params: Tensor, x: Tensor) -> Tensor:
    """Return the outputs `[N, 10, B]` for images `x`, as `columns`, `[1, 36, 196 * B]`."""
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = _layers(params)
    a1 = _convolve(w1, b1, x).output
    a2 = _convolve(w2, b2, patches(a1.view(len(params), _FIRST_CHANNELS, _POOLED_SIDE, _POOLED_SIDE, -1))).output
    h3 = _affine(w3, b3, a2.view(len(params), w3.shape[2], -1)).relu_()
    return _affine(w5, b5, _affine(w4, b4, h3).relu_())


class LenetStack:
    """N LeNets of `workloads.fashion_lenet`, in the parameter order of `parameters_to_vector`; see StackedModel.

    Args:
        dtype: of the parameters that `init` returns; the other methods follow the parameters that they are given.
        columns, step: replacements of the functions of these names in this module, such as compiled ones.
    """

    size = trainable = sum(_SIZES)
    stackable = True
    why_alone = ""

    def __init__(self, dtype: torch.dtype = torch.float32, *, columns: Columns = columns, step: Step = step) -> None:
        self.dtype = dtype
        self._columns, self._step = columns, step
        _keep_freed_memory()

    def init(self, seed: int) -> Tensor:
        """Return the parameters `[size]` of `lenet()` built under `seed`, on the CPU."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.utils.parameters_to_vector(lenet().parameters()).detach().to(self.dtype)

    @torch.no_grad()
    def loss_and_grad(self, params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses `[N]` and gradients `[N, size]` on `x[1 or N, B, 1, 28, 28]` and `y[1 or N, B]`."""
        if params.is_cuda:
            return self._step(params, self._columns(x, params.dtype), y)
        shared = self._columns(x, params.dtype) if len(x) == 1 else None
        results = [
            self._step(row, self._columns(x[n : n + 1], row.dtype) if shared is None else shared, labels.unsqueeze(0))
            for n, (row, labels) in enumerate(zip(params.split(1), y.expand(len(params), -1), strict=True))
        ]
        losses, gradients = zip(*results, strict=True)
        return torch.cat(losses), torch.cat(gradients)

    @torch.no_grad()
    def predict(self, params: Tensor, x: Tensor) -> Tensor:
        """Return the logits `[N, B, 10]` of images `x[1, B, 1, 28, 28]`, for any B."""
        groups = [params] if params.is_cuda else params.split(1)
        images = max(1, _PREDICT_IMAGES_GPU // len(params)) if params.is_cuda else _PREDICT_IMAGES_CPU
        parts = []
        for chunk in x.split(images, 1):
            patched = columns(chunk, params.dtype)
            parts.append(torch.cat([logits(group, patched) for group in groups]))
        return torch.cat(parts, 2).transpose(1, 2)


def _layers(params: Tensor) -> list[Tensor]:
    return [part.unflatten(1, shape) for part, shape in zip(params.split(_SIZES, 1), _SHAPES, strict=True)]


def _convolve(weights: Tensor, bias: Tensor, x: Tensor) -> Tape:
    return pool(matmul(spread(weights), x), bias)


def _affine(weights: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    return matmul(weights, x).add_(bias.unsqueeze(2))


def _cross_entropy(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean loss `[N]` of logits `[N, 10, B]` and its gradient with respect to them."""
    log_p = functional.log_softmax(outputs, 1)
    classes = torch.arange(outputs.shape[1], device=y.device).unsqueeze(1)
    onehot = (classes == y.unsqueeze(1)).to(log_p.dtype)
    chosen = log_p.gather(1, y.expand(len(outputs), -1).unsqueeze(1))
    return -chosen.mean((1, 2)), (log_p.exp() - onehot) / y.shape[1]


def _keep_freed_memory() -> None:
    """Let glibc reuse the step's buffers, which it would give back and fault in again on every step.

    glibc raises its thresholds for giving memory back to the size of the largest block it has seen freed, up to 32 MiB
    (mallopt(3), M_MMAP_THRESHOLD). Elsewhere this does nothing.
    """
    torch.empty((32 << 20) - (64 << 10), dtype=torch.uint8)
