"""What the interpreter lets pass, a GPU's compiler may refuse."""

from __future__ import annotations

from typing import Any

import pytest

triton = pytest.importorskip("triton", reason="Triton comes with PyTorch for CUDA only")


LAYER = {"CHANNELS": 6, "OUTPUTS": 16, "SIDE": 14, "WINDOWS": 5, "BATCH": 128}
STRIDES = {"images_stride": "i32", "weights_stride": "i32", "bias_stride": "i32", "lanes": "i32"}
KERNELS = {
    "padded": {"SIDE": 28, "PADDING": 2, "BATCH": 128, "COLUMNS": 32, "BLOCK": 128, "STORED": True},
    "forward": {**LAYER, "GROUP": 4, "BLOCK": 128},
    "weights_gradient": {**LAYER, "GROUP": 4, "BLOCK": 32},
    "images_gradient": {**LAYER, "BLOCK": 128},
}


@pytest.mark.integration
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernels_compile_for_a_gpu(kernel: str) -> None:
    """What the interpreter lets pass, Triton's compiler may not know; it needs no GPU."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from lrsearch.training.lenet import triton_kernels

    function: Any = getattr(triton_kernels, kernel)
    signature = {
        name: "constexpr" if name in KERNELS[kernel] else STRIDES.get(name, "*fp32") for name in function.arg_names
    }
    signature |= {name: "*u8" for name in ("x_ptr", "place_ptr") if name in signature}
    source = ASTSource(fn=function, signature=signature, constexprs=KERNELS[kernel])
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 1})
    assert "cubin" in compiled.asm
