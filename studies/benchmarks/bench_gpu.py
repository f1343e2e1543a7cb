"""Everything to be known about lrsearch on a GPU, in one run of eight minutes at most (`--seconds`).

    python studies/benchmarks/bench_gpu.py --json gpu.json
    python studies/benchmarks/bench_gpu.py --device cpu --small

Parts, each in a process of its own on a GPU, so that a crash, a hang or a broken CUDA context costs that part alone:

    limit        fp32 and TF32 matrix products, in TFLOP/s
    step         one step of LenetStack against nn.Sequential in float64 on the CPU
    epochs       whole epochs of a Stack: shared and own batches, momentum, refill, checkpoint
    eager        an ordinary eager loop on tensors on the device
    first_step   a process's first step and evaluation, before and after Triton has compiled its kernels
    throughput   trial-epochs per second and peak memory by number of lanes, evaluation included
    search       `optimize` with and without pruning: wall time, and the shares of sampler, storage, pruner, evaluation
    kernels      where the device's time goes in a step

A part that fails is reported with its traceback, and one for which no time is left is named; the exit code is 1 then.
`--json` is written after every part.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import torch
from gpu_parts import PARTS, Setting
from in_parts import broken, table
from machine import heading, machine, write_json

from lrsearch.training.device import choose_device

_LEAST_SECONDS = 10.0
"""With less time left no part is begun."""

_SMALL = {
    "dataset": "digits",
    "lanes": [1, 2],
    "trials": 4,
    "epochs": 2,
    "families": ["constant", "cosine"],
    "check_batch_size": 10,
    "check_steps_per_epoch": 5,
}


def run_here(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Run one part in this process and return what it found, or the traceback of what stopped it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    if args.device == "cpu":
        torch.set_num_threads(1)
    try:
        return {"rows": PARTS[name](_setting(args))}
    except Exception:
        return {"failed": traceback.format_exc()}


def run_apart(name: str, argv: list[str], most_seconds: float) -> dict[str, Any]:
    """Run one part in a process of its own, for so long at most."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.json"
        command = [sys.executable, __file__, *argv, "--in-process", "--parts", name, "--json", str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=most_seconds, check=False)
        except subprocess.TimeoutExpired:
            return {"failed": f"no end after {most_seconds:.0f} seconds (--part-seconds, --seconds)"}
        if not path.exists():
            return {"failed": f"exit code {done.returncode}\n{done.stderr[-4000:]}"}
        part: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["parts"].get(name)
        return part or {"failed": f"exit code {done.returncode}\n{done.stderr[-4000:]}"}


def _setting(args: argparse.Namespace) -> Setting:
    return Setting(**{name: getattr(args, name) for name in Setting.__dataclass_fields__})


def measure(args: argparse.Namespace, argv: list[str]) -> dict[str, Any]:
    """Run the parts and return what `--json` writes."""
    begun = time.monotonic()
    choose_device(args.device)  # says so at once where there is no GPU
    result: dict[str, Any] = {
        "machine": machine(args.device),
        "arguments": {name: value for name, value in vars(args).items() if name != "json"},
        "parts": {},
    }
    print(heading(result["machine"]))
    apart = (args.device == "cuda" or args.apart) and not args.in_process
    for name in args.parts:
        left = begun + args.seconds - time.monotonic()
        if left < _LEAST_SECONDS:
            part = {"failed": f"not begun: the {args.seconds:g} seconds were over (--seconds)"}
        else:
            part = run_apart(name, argv, min(args.part_seconds, left)) if apart else run_here(name, args)
        result["parts"][name] = part
        print(f"\n{name}\n{table(part)}", flush=True)
        write_json(args.json, result)
    return result


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line; `--small` changes the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="a minute's work on digits, to try the script out")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--families", nargs="+", help="of the search (default: all)")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--check-batch-size", type=int, default=64, help="of the comparisons with the CPU")
    parser.add_argument("--check-steps-per-epoch", type=int, default=20)
    parser.add_argument("--search-seconds", type=float, default=100, help="after which each search is stopped")
    parser.add_argument("--part-seconds", type=float, default=240, help="after which a part is stopped")
    parser.add_argument("--seconds", type=float, default=480, help="after which everything is, if parts run apart")
    parser.add_argument("--apart", action="store_true", help="a process for every part on the CPU too")
    parser.add_argument("--in-process", action="store_true", help="all parts in this process on a GPU too")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    if parser.parse_known_args(argv)[0].small:
        parser.set_defaults(**_SMALL)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the parts; return 1 if one of them failed."""
    given = sys.argv[1:] if argv is None else argv
    result = measure(parse(given), given)
    if failed := broken(result):
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
