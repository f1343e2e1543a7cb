"""What a training function costs more than the same script without lrsearch: a report, and 2,000 steps.

    OMP_NUM_THREADS=1 PYTHONPATH=. python studies/benchmarks/bench_runs.py --json runs.json

The script is studies/examples/char_gpt/plain.py, and the function its twin beside it. In every round the script runs in
a process of its own, then the search trains one more trial, with SQLite, as ever; both time their own loop, after the
imports. Reports, with the wait for the search's answer, and checkpoints are within it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import heading, machine, write_json

import lrsearch
from lrsearch import Run

TIMES = "BENCH_RUNS_TIMES"
_STATEMENT = "import sys, bench_runs; bench_runs.time_plain(*map(int, sys.argv[1:]))"


def _time(train: Callable[[], object], **more: object) -> None:
    """Time a loop, and append the seconds to the file of times."""
    wall, processor = time.perf_counter(), time.process_time()
    train()
    times = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor, **more}
    with Path(os.environ[TIMES]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(times) + "\n")


def time_plain(steps: int, reports: int) -> None:
    """Time the script that knows nothing of lrsearch."""
    from studies.examples.char_gpt import plain

    plain.STEPS, plain.EVERY = steps, steps // reports
    _time(plain.train)


def time_run(run: Run) -> None:
    """Time the training function, and each of its reports."""
    from studies.examples.char_gpt import function

    function.EVERY = run.total_steps // run.reports
    report, seconds = run.report, []

    def timed_report(score: float, **more: Any) -> None:
        begun = time.perf_counter()
        report(score, **more)
        seconds.append(time.perf_counter() - begun)

    run.report = timed_report  # type: ignore[method-assign]
    _time(lambda: function.train(run), reports=seconds)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Let the script and the search take turns, and return what `--json` writes."""
    study = {
        "name": "overhead",
        "run": {
            "training": "bench_runs:time_run",
            "metric": "loss",
            "direction": "minimize",
            "total_steps": args.steps,
            "reports": args.reports,
        },
        "search": {"families": ["cosine"], "trials": 1, "pruner": "none"},
        "ranges": {"base_lr": {"low": 1e-3, "high": 3e-3}},
        "parameters": {"weight_decay": {"low": 0.01, "high": 0.1}},
    }
    config = lrsearch.StudyConfig.from_dict(study)
    here = Path(__file__).parent
    sys.path[:0] = [str(here), str(here.parents[1])]
    with tempfile.TemporaryDirectory() as folder:
        os.environ[TIMES] = str(Path(folder) / "times.jsonl")
        for trials in range(1, args.rounds + 1):
            path = os.pathsep.join(filter(None, sys.path))
            counts = [str(args.steps), str(args.reports)]
            subprocess.run(
                [sys.executable, "-c", _STATEMENT, *counts], check=True, env={**os.environ, "PYTHONPATH": path}
            )
            lrsearch.optimize(config, storage=f"sqlite:///{folder}/search.db", trials=trials, workers=1)
        times = [json.loads(line) for line in Path(os.environ[TIMES]).read_text().splitlines()]
    plain, runs = times[::2], times[1::2]
    reports = [1e3 * seconds for one in runs for seconds in one["reports"]]
    return {
        "machine": machine("cpu"),
        "arguments": {name: value for name, value in vars(args).items() if name != "json"},
        "seconds": {
            kind: {"plain": [one[kind] for one in plain], "run": [one[kind] for one in runs]}
            for kind in ("wall", "processor")
        },
        "ratio": {
            kind: statistics.median(run[kind] / one[kind] for run, one in zip(runs, plain, strict=True))
            for kind in ("wall", "processor")
        },
        "report_ms": {"median": statistics.median(reports), "most": max(reports)},
    }


def table(result: dict[str, Any]) -> str:
    """Return the result as text."""
    steps, rounds = result["arguments"]["steps"], result["arguments"]["rounds"]
    lines = [heading(result["machine"]), f"{steps} steps, {rounds} rounds"]
    for kind, ratio in result["ratio"].items():
        plain, run = (statistics.median(result["seconds"][kind][name]) for name in ("plain", "run"))
        lines.append(
            f"{kind:>10}: {plain:8.2f} s alone, {run:8.2f} s as a run; median of the rounds' ratios {ratio:.3f}"
        )
    ms = result["report_ms"]
    lines.append(f"{'a report':>10}: {ms['median']:8.1f} ms, at most {ms['most']:.1f} ms (limit 20 ms)")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7, help="turns that both take")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args(argv)
    result = measure(args)
    print(table(result))
    write_json(args.json, result)


if __name__ == "__main__":
    main()
