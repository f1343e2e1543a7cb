"""The kernels of a GPU, as far as they can be known without one; `studies/benchmarks/bench_gpu.py` does the rest."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="Triton comes with PyTorch for CUDA only")


@pytest.mark.integration
@pytest.mark.parametrize(
    "checks",
    [
        ("own", "stored", "nan"),
        ("shared", "several blocks"),
        ("dot", "dot of several blocks", "dot products"),
        pytest.param(("dot step",), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_the_kernels_compute_what_autograd_does(checks: tuple[str, ...]) -> None:
    """Outputs and all gradients are equal, ties and what is not a number included."""
    command = [sys.executable, "-m", "tests.training.lenet.triton_interpreted", *checks]
    done = subprocess.run(
        command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
