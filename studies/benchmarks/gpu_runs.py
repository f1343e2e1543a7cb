"""Training functions on a GPU with `--runs-per-gpu 2`: two runs on one device, each its own process; one killed.

    python studies/benchmarks/gpu_runs.py --json gpu-runs.json

`in_parts` says how it is run. The function below trains a small convolutional network on pictures that it makes:

    shared     a search with one run on the device at a time, and with two: seconds, processes, the device of each, how
               many of them overlapped another
    run        a run is killed by SIGKILL after a checkpoint; it goes on, and every trial ends as in the search before
    search     the command itself is killed, with its runs, and given again

`--device cpu` pretends a device: the runs get its number as they would, and train on the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch
from in_parts import Rows, run_script
from torch import Tensor, nn
from torch.nn import functional

from lrsearch import Run
from lrsearch.storage import StoredStudy

_SMALL = {"trials": 2, "steps": 40, "examples": 64}
_LOG, _EXAMPLES, _DEVICE = "GPU_RUNS_LOG", "GPU_RUNS_EXAMPLES", "GPU_RUNS_DEVICE"
_NAME, _REPORTS, _CLASSES, _BATCH, _SIDE = "gpu-runs", 10, 10, 32, 16
_STUDY = """
name = "{name}"
[run]
training = "gpu_runs:train"
metric = "accuracy"
direction = "maximize"
total_steps = {steps}
reports = {reports}
gpus = 1
[search]
families = ["constant", "cosine"]
trials = {trials}
sampler = "random"
pruner = "none"
[ranges]
base_lr = {{ low = 0.01, high = 0.1 }}
"""


def train(run: Run) -> float:
    """Train a small network, and write down this process, its device and its time."""
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    device, begun = os.environ[_DEVICE], time.time()
    torch.manual_seed(run.seeds.init)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(_CLASSES)
    )
    x, y = _pictures(int(os.environ[_EXAMPLES]))
    model(x[:1])
    model, x, y = model.to(device), x.to(device), y.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler, generator = run.scheduler(optimizer), torch.Generator().manual_seed(run.seeds.order)
    for step in run.steps(model=model, optimizer=optimizer, scheduler=scheduler, generator=generator):
        index = torch.randint(len(x), (_BATCH,), generator=generator).to(device)
        optimizer.zero_grad()
        functional.cross_entropy(model(x[index]), y[index]).backward()
        optimizer.step()
        scheduler.step()
        if run.report_due(step):
            run.report(float((model(x).argmax(1) == y).float().mean()))
    told = {"pid": os.getpid(), "devices": os.environ.get("CUDA_VISIBLE_DEVICES"), "begun": begun, "ended": time.time()}
    with Path(os.environ[_LOG]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")
    return run.last_score


def _pictures(examples: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(_CLASSES, (examples,), generator=generator)
    means = torch.randn(_CLASSES, 1, _SIDE, _SIDE, generator=generator)
    return means[y] + torch.randn(examples, 1, _SIDE, _SIDE, generator=generator), y


def _begun(args: argparse.Namespace, folder: Path, database: str, per_gpu: int) -> subprocess.Popen[bytes]:
    """Begin the search in a process of its own."""
    study = folder / "study.toml"
    study.write_text(_STUDY.format(name=_NAME, steps=args.steps, reports=_REPORTS, trials=args.trials))
    pretended = {"CUDA_VISIBLE_DEVICES": "0"} if args.device == "cpu" else {}
    environment = {
        **os.environ,
        **pretended,
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path)),
        "LRSEARCH_CHECKPOINT_SECONDS": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        _LOG: str(folder / f"{database}.runs.json"),
        _EXAMPLES: str(args.examples),
        _DEVICE: args.device,
    }
    where = ["--storage", f"sqlite:///{folder / database}", "--runs-per-gpu", str(per_gpu)]
    command = [sys.executable, "-m", "lrsearch", "optimize", str(study), *where]
    with (folder / f"{database}.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)


def _ended(process: subprocess.Popen[bytes], folder: Path, database: str) -> None:
    if process.wait():
        raise RuntimeError((folder / f"{database}.log").read_text(errors="replace")[-3000:])


def _trials(folder: Path, database: str) -> dict[str, tuple[Any, ...]]:
    """Return what each finished trial's parameters have led to."""
    study = StoredStudy.open(f"sqlite:///{folder / database}", _NAME)
    return {str(trial.params): (trial.value, trial.reported) for trial in study.trials if trial.finished}


def _told(folder: Path, database: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{database}.runs.json").read_text().splitlines()]


def _overlapping(told: Sequence[dict[str, Any]]) -> int:
    """Return how many runs trained while another one did on the same device."""
    return sum(
        any(
            run is not other
            and run["devices"] == other["devices"]
            and max(run["begun"], other["begun"]) < min(run["ended"], other["ended"])
            for other in told
        )
        for run in told
    )


def shared(args: argparse.Namespace) -> Rows:
    """Search with one run at a time and with two, to the same results."""
    rows, results = [], []
    with tempfile.TemporaryDirectory() as name:
        for per_gpu in (1, 2):
            folder, database, begun = Path(name), f"{per_gpu}.db", time.perf_counter()
            _ended(_begun(args, folder, database, per_gpu), folder, database)
            told = _told(folder, database)
            results.append(_trials(folder, database))
            row = {"runs_per_gpu": per_gpu, "seconds": time.perf_counter() - begun, "trials": len(results[-1])}
            row |= {"processes": len({run["pid"] for run in told}), "devices": sorted({run["devices"] for run in told})}
            row |= {"overlapping": _overlapping(told), "equal": results[-1] == results[0]}
            rows.append(row | {"ok": row["equal"] and row["processes"] == args.trials})
    return rows


def killed(args: argparse.Namespace, *, victim: Callable[[psutil.Process], psutil.Process]) -> Rows:
    """Kill a process of a search after its first checkpoint, and hold what is left against an undisturbed search."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _ended(_begun(args, folder, "undisturbed.db", 2), folder, "undisturbed.db")
        search = _begun(args, folder, "killed.db", 2)
        while not any(folder.glob("killed.db.runs/*/*/checkpoint.pt")):
            if search.poll() is not None:
                raise RuntimeError("no run had written a checkpoint before the search was over")
            time.sleep(0.002)
        process = victim(psutil.Process(search.pid))
        process.kill()
        if process.pid == search.pid:
            search.wait()
            search = _begun(args, folder, "killed.db", 2)
        _ended(search, folder, "killed.db")
        expected, left = _trials(folder, "undisturbed.db"), _trials(folder, "killed.db")
        again = "tried once more" in (folder / "killed.db.log").read_text(errors="replace")
        row = {"trials": len(left), "of": len(expected), "tried_again": again, "equal": left == expected}
        return [row | {"ok": row["equal"] and len(left) == args.trials}]


def _of_a_run(search: psutil.Process) -> psutil.Process:
    return next(child for child in search.children() if "lrsearch.runs.process.child" in child.cmdline())


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes."""
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--examples", type=int, default=4096)


PARTS = {
    "shared": shared,
    "run": partial(killed, victim=_of_a_run),
    "search": partial(killed, victim=lambda search: search),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 1 if one failed."""
    return run_script(__file__, PARTS, argv, flags=flags, small=_SMALL)


if __name__ == "__main__":
    sys.exit(main())
