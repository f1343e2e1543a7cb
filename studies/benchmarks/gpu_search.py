"""`lrsearch optimize --trials 100` at 30 epochs from the shell on a GPU, and where its time goes from start to exit.

    python studies/benchmarks/gpu_search.py --json gpu-search.json

`in_parts` says how it is run. The command runs in a process of its own, with Triton's cache empty or filled:

    python       until the first line of the command runs
    imports      lrsearch with Optuna and PyTorch
    data         the workload and its data loaded and tried out
    study        the database made or opened, the study in it
    estimate     the steps from which the command says what it will cost
    stack        the data on the device, the first step with its kernels
    sampler      asks, as the search counts them
    storage      what it waits for the database
    training     steps, without the evaluation
    evaluation   of all lanes after every epoch, the device waited for on both sides
    pruner, rest (of the search)
    exit         of the process

`unattributed` is what none of them explains, reading and printing the results included; `search` is the sum from
`sampler` to `rest`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from in_parts import Rows, run_script

_SMALL = {"dataset": "digits", "trials": 4, "epochs": 2, "repeats": 1}
_CHILD = Path(__file__).with_name("timed_search.py")
_SEARCH = ("sampler", "storage", "training", "evaluation", "pruner", "rest")


def whole(args: argparse.Namespace, *, cache: str, precision: str) -> Rows:
    """Time the command from outside, and its parts from inside."""
    with tempfile.TemporaryDirectory() as folder:
        filled = {} if cache == "filled" else {"TRITON_CACHE_DIR": folder, "TORCHINDUCTOR_CACHE_DIR": folder}
        return [_timed({**filled, "LRSEARCH_GPU_PRECISION": precision}, cache, args) for _ in range(args.repeats)]


def _timed(environment: dict[str, str], cache: str, args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        sizes = ["--dataset", args.dataset, "--trials", args.trials, "--epochs", args.epochs, "--pruner", args.pruner]
        where = ["--storage", f"sqlite:///{folder}/search.db", "--device", args.device, "--workers", 1]
        command = ["optimize", *sizes, *where, "--format", "json"]
        begun = time.time()
        program = [sys.executable, str(_CHILD), str(begun), str(times), args.device, *map(str, command)]
        done = subprocess.run(program, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        ended = time.time()
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        inside = json.loads(times.read_text(encoding="utf-8"))
    wall = ended - begun
    inside["exit"] = ended - inside.pop("until")
    return {
        "cache": cache,
        "precision": environment["LRSEARCH_GPU_PRECISION"],
        "trials": args.trials,
        "wall": wall,
        "search": sum(inside[name] for name in _SEARCH),
        **inside,
        "unattributed": wall - sum(inside.values()),
    }


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes."""
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--pruner", default="none")
    parser.add_argument("--repeats", type=int, default=3, help="of each part")


PARTS = {
    "first": partial(whole, cache="empty", precision="fp32"),
    "warm": partial(whole, cache="filled", precision="fp32"),
    "warm tf32x3": partial(whole, cache="filled", precision="tf32x3"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 1 if one failed."""
    return run_script(__file__, PARTS, argv, flags=flags, small=_SMALL)


if __name__ == "__main__":
    sys.exit(main())
