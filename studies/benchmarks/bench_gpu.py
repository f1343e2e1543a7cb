"""Everything to be known about lrsearch's LeNet on a GPU.

    python studies/benchmarks/bench_gpu.py --json gpu.json

`in_parts` says how it is run. Parts:

    limit        fp32 and TF32 matrix products, in TFLOP/s
    step         one step of LenetStack against nn.Sequential in float64 on the CPU
    epochs       whole epochs of a Stack: shared and own batches, momentum, refill, checkpoint
    eager        an ordinary eager loop on tensors on the device
    first_step   a process's first step and evaluation, before and after Triton has compiled its kernels
    throughput   trial-epochs per second and peak memory by number of lanes, evaluation included
    search       `optimize` with and without pruning: wall time, and the shares of sampler, storage, pruner, evaluation
    kernels      where the device's time goes in a step
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from gpu_parts import PARTS, Setting
from in_parts import Rows, run_script

_SMALL = {
    "dataset": "digits",
    "lanes": [1, 2],
    "trials": 4,
    "epochs": 2,
    "families": ["constant", "cosine"],
    "check_batch_size": 10,
    "check_steps_per_epoch": 5,
}


def _run(args: argparse.Namespace, *, name: str) -> Rows:
    return PARTS[name](Setting(**{field: getattr(args, field) for field in Setting.__dataclass_fields__}))


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes."""
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--families", nargs="+", help="of the search (default: all)")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--check-batch-size", type=int, default=64, help="of the comparisons with the CPU")
    parser.add_argument("--check-steps-per-epoch", type=int, default=20)
    parser.add_argument("--search-seconds", type=float, default=100, help="after which each search is stopped")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 1 if one of them failed."""
    parts = {name: partial(_run, name=name) for name in PARTS}
    return run_script(__file__, parts, argv, flags=flags, small=_SMALL)


if __name__ == "__main__":
    sys.exit(main())
