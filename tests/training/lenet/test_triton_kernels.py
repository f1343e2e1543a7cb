"""What the interpreter lets pass, a GPU's compiler may refuse."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

triton = pytest.importorskip("triton", reason="Triton comes with PyTorch for CUDA only")


LAYER = {"CHANNELS": 6, "OUTPUTS": 16, "SIDE": 14, "WINDOWS": 5, "BATCH": 128}
DOT = {**LAYER, "ROWS": 16, "BLOCK": 64, "PRECISION": "tf32x3"}
STRIDES = ("images_stride", "weights_stride", "bias_stride", "lanes", "a_lane", "b_lane")
DENSE = {"A_ROW": 400, "A_COLUMN": 1, "B_ROW": 128, "B_COLUMN": 1, "M": 120, "N": 128, "K": 400}
KERNELS = {
    "triton_kernels.padded": {"SIDE": 28, "PADDING": 2, "BATCH": 128, "COLUMNS": 32, "BLOCK": 128, "STORED": True},
    "triton_kernels.forward": {**LAYER, "GROUP": 4, "BLOCK": 128},
    "triton_kernels.weights_gradient": {**LAYER, "GROUP": 4, "BLOCK": 32},
    "triton_kernels.images_gradient": {**LAYER, "BLOCK": 128},
    "triton_dot_kernels.forward": {**DOT, "TAPS": 32},
    "triton_dot_kernels.weights_gradient": {**DOT, "TAPS": 32},
    "triton_dot_kernels.images_gradient": {**DOT, "PIXELS": 32},
    "triton_dot_kernels.product": {**DENSE, "ROWS": 32, "COLUMNS": 64, "DEPTH": 32, "PRECISION": "tf32x3"},
}


@pytest.mark.integration
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernels_compile_for_a_gpu(kernel: str) -> None:
    """What the interpreter lets pass, Triton's compiler may not know; it needs no GPU."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    module, _, name = kernel.partition(".")
    function: Any = getattr(import_module(f"lrsearch.training.lenet.{module}"), name)
    constant = KERNELS[kernel]
    signature = {
        name: "constexpr" if name in constant else "i32" if name in STRIDES else "*fp32" for name in function.arg_names
    }
    signature |= {name: "*u8" for name in ("x_ptr", "place_ptr") if name in signature}
    source = ASTSource(fn=function, signature=signature, constexprs=constant)
    compiled = triton.compile(
        source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 4 if "PRECISION" in constant else 1}
    )
    assert "cubin" in compiled.asm
    assert ("tf32" in compiled.asm["ptx"]) == ("PRECISION" in constant)
