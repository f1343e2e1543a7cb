"""What a training function costs more than the same script without lrsearch: a report, and 2,000 steps.

    PYTHONPATH=. python studies/benchmarks/bench_runs.py --json runs.json

The script is studies/examples/char_gpt/plain.py, and the function its twin beside it. In every round the script runs in
a process of its own, then the search trains one more trial, with SQLite, as ever; both have one thread, and time their
own loop, after the imports, with reports and checkpoints within it. On a machine that does other things as well, the
processor's time counts. Two processes that do the same differ by some percent, so what lrsearch itself takes of the
loop is timed from within too. Then runs that train nothing report, once without waiting, as between the rungs of the
pruner, and once where the search decides after every report.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from machine import heading, machine, write_json

import lrsearch
from lrsearch import Run
from lrsearch.runs.process.running import THREAD_VARIABLES

TIMES = "BENCH_RUNS_TIMES"
_PAUSE_SECONDS = 0.05
_STATEMENT = "import sys, bench_runs; bench_runs.time_plain(*map(int, sys.argv[1:]))"


def _time(train: Callable[[], object], inside: Callable[[], float] = lambda: 0.0) -> None:
    """Time a loop, and append the seconds to the file of times, with those that it spent inside lrsearch."""
    wall, processor = time.perf_counter(), time.process_time()
    train()
    times = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor, "inside": inside()}
    with Path(os.environ[TIMES]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(times) + "\n")


def time_plain(steps: int, reports: int) -> None:
    """Time the script that knows nothing of lrsearch."""
    from studies.examples.char_gpt import plain

    plain.STEPS, plain.EVERY = steps, steps // reports
    _time(plain.train)


class TimedRun:
    """A run that notes the wall seconds inside lrsearch: between steps, in checkpoints and reports."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.inside = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def _timed(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return call(*given, **named)
        finally:
            self.inside += time.perf_counter() - begun

    def steps(self, **stateful: Any) -> Iterator[int]:
        """Yield the run's steps, timed between them."""
        steps = iter(self._run.steps(**stateful))
        while (step := self._timed(next, steps, None)) is not None:
            yield step

    def report(self, score: float, **more: float) -> None:
        """Report, timed."""
        self._timed(self._run.report, score, **more)


def time_run(run: Run) -> None:
    """Time the training function."""
    from studies.examples.char_gpt import function

    function.EVERY = run.total_steps // run.reports
    timed = TimedRun(run)
    _time(lambda: function.train(cast("Run", timed)), lambda: timed.inside)


def time_reports(run: Run) -> None:
    """Train nothing, and time each report."""
    seconds = list[float]()
    for epoch in run.epochs():
        time.sleep(_PAUSE_SECONDS)
        score = run.lr(run.total_steps - 1) + epoch
        begun = time.perf_counter()
        run.report(score)
        seconds.append(time.perf_counter() - begun)
    with Path(os.environ[TIMES]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(seconds) + "\n")


def _study(function: str, steps: int, reports: int, pruner: str) -> lrsearch.StudyConfig:
    return lrsearch.StudyConfig.from_dict(
        {
            "name": f"{function}-{pruner}",
            "run": {
                "training": f"bench_runs:{function}",
                "metric": "loss",
                "direction": "minimize",
                "total_steps": steps,
                "reports": reports,
                "test": False,
            },
            "search": {"families": ["cosine"], "trials": 1, "pruner": pruner},
            "ranges": {"base_lr": {"low": 1e-3, "high": 3e-3}},
            "parameters": {"weight_decay": {"low": 0.01, "high": 0.1}},
        }
    )


def _written(times: Path) -> list[Any]:
    """Return what runs have written, and forget it."""
    lines = [json.loads(line) for line in times.read_text().splitlines()]
    times.unlink()
    return lines


def _report_times(storage: str, times: Path, reports: int, pruner: str) -> dict[str, float]:
    """Return the milliseconds of reports: the median, the 99th percentile and the longest."""
    lrsearch.optimize(_study("time_reports", reports, reports, pruner), storage=storage, workers=1)
    ms = sorted(1e3 * seconds for one in _written(times) for seconds in one)
    return {"median": statistics.median(ms), "p99": ms[int(0.99 * len(ms))], "most": ms[-1]}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Let the script and the search take turns, and return what `--json` writes."""
    config = _study("time_run", args.steps, args.reports, "none")
    here = Path(__file__).parent
    sys.path[:0] = [str(here), str(here.parents[1])]
    path = os.pathsep.join(filter(None, sys.path))
    alone = {**os.environ, "PYTHONPATH": path, **dict.fromkeys(THREAD_VARIABLES, "1")}  # as a run has
    with tempfile.TemporaryDirectory() as folder:
        storage, written = f"sqlite:///{folder}/search.db", Path(folder) / "times.jsonl"
        alone[TIMES] = os.environ[TIMES] = str(written)
        for trials in range(1, args.rounds + 1):
            counts = [str(args.steps), str(args.reports)]
            subprocess.run([sys.executable, "-c", _STATEMENT, *counts], check=True, env=alone)
            lrsearch.optimize(config, storage=storage, trials=trials, workers=1)
        times = _written(written)
        reports = {
            name: _report_times(storage, written, args.timed_reports, pruner)
            for name, pruner in (("told", "none"), ("answered", "median"))
        }
    plain, runs = times[::2], times[1::2]
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
        "inside_share": statistics.median(run["inside"] / run["wall"] for run in runs),
        "report_ms": reports,
    }


def _scatter(seconds: dict[str, list[float]]) -> float:
    """Return the standard deviation of the rounds' ratios; NaN of one round."""
    ratios = [run / plain for plain, run in zip(seconds["plain"], seconds["run"], strict=True)]
    return statistics.stdev(ratios) if len(ratios) > 1 else float("nan")


def table(result: dict[str, Any]) -> str:
    """Return the result as text."""
    steps, rounds = result["arguments"]["steps"], result["arguments"]["rounds"]
    lines = [heading(result["machine"]), f"{steps} steps, {rounds} rounds"]
    for kind, ratio in result["ratio"].items():
        plain, run = (statistics.median(result["seconds"][kind][name]) for name in ("plain", "run"))
        lines.append(
            f"{kind:>10}: {plain:8.2f} s alone, {run:8.2f} s as a run; median of the rounds' ratios {ratio:.3f}"
            f" (they scatter by {_scatter(result['seconds'][kind]):.3f})"
        )
    lines.append(
        f"    inside: {100 * result['inside_share']:8.2f} % of a run is between steps, in checkpoints and reports"
    )
    for name, ms in result["report_ms"].items():
        said = f"{ms['median']:8.2f} ms in the middle, {ms['p99']:.1f} ms at the 99th percentile"
        lines.append(f"{name:>10}: {said}, at most {ms['most']:.1f} ms a report (limit 20 ms)")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7, help="turns that both take")
    parser.add_argument("--timed-reports", type=int, default=200, help="of the runs that train nothing")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args(argv)
    result = measure(args)
    print(table(result))
    write_json(args.json, result)


if __name__ == "__main__":
    main()
