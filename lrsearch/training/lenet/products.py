"""Matrix products of many lanes, by whichever library multiplies fastest."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

_HAS_ONEDNN = (
    torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)
_LONG_SUM = 1024


def _is_intel() -> bool:
    """Return whether this is known to be a processor of Intel's; Linux alone says so."""
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


_IS_INTEL = _is_intel()


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the products `[N, m, n]` of `a[N, m, k]` and `b[N, k, n]`, or `b[1, k, n]` for all lanes."""
    lanes = len(a)
    if lanes == 1 and _onednn_is_faster(a, b):
        # Inductor takes oneDNN's operation for constant weights only; it leaves one that it does not know alone.
        product = _opaque_product if torch.compiler.is_compiling() else _product
        return product(a[0], b[0]).unsqueeze(0)
    if len(b) < lanes:
        return a.flatten(0, 1).mm(b[0]).view(lanes, -1, b.shape[2])
    return a.bmm(b)


def _onednn_is_faster(a: Tensor, b: Tensor) -> bool:
    """Return whether oneDNN multiplies faster than MKL, which PyTorch takes for float32 on a processor.

    MKL keeps to AVX2 on processors that are not Intel's; on Intel's it is slow only where few rows and columns meet in
    a long sum, as in the gradients of the kernels.
    """
    if not _HAS_ONEDNN or a.dtype != torch.float32 or a.is_cuda:
        return False
    return not _IS_INTEL or b.shape[1] >= _LONG_SUM


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return the float32 product `[m, n]` of `a[m, k]` and `b[k, n]`, which may be transposed views, by oneDNN."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.T, None, "none", [], "")
    return product


_opaque_product = torch.library.custom_op("lrsearch::product", _product, mutates_args=())
_opaque_product.register_fake(lambda a, b: a.new_empty(a.shape[0], b.shape[1]))
