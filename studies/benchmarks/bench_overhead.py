"""What the search itself costs per trial, and how that grows with the number of trials in one study.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_overhead.py --json overhead.json

The search runs as ever, over all thirteen families, on SQLite, with lanes refilled and pruned, but nothing is trained:
a trial's curve is made up from its peak rate. Studies of different lengths take turns. What counts is the ratio of the
longest to the one before, by the wall time of the search's parts and by the processor time of the whole.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import heading, machine, write_json

from lrsearch.config import StudyConfig, shipped_study
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.experiment.options import RunOptions, lanes_of
from lrsearch.search.loop import SearchLoop, SearchState
from lrsearch.search.optimize import prepare_studies
from lrsearch.search.pruning import make_rule
from lrsearch.storage import open_storage
from lrsearch.training.lane import EpochMetrics, Lane
from lrsearch.training.stack import Stack

_GOOD_RATE = 0.2
_PARTS = ("sampler", "storage", "pruner")


class MadeUpStack(Stack):
    """Lanes whose accuracy rises to a height that the peak rate decides, with some noise, at no cost."""

    def __init__(self) -> None:
        self._lanes: dict[int, tuple[float, int]] = {}
        self._rng = np.random.default_rng(0)

    def admit(self, key: int, lane: Lane, checkpoint: object = None) -> None:  # noqa: ARG002  (Stack's interface)
        """Begin a curve."""
        base_lr = float(lane.schedule.params()["base_lr"])  # type: ignore[attr-defined]  # every searched schedule's
        self._lanes[key] = (0.9 - 0.05 * abs(np.log10(base_lr / _GOOD_RATE)), 0)

    def release(self, key: int) -> None:
        """Forget a curve."""
        del self._lanes[key]

    def run_epoch(self, parts: Sequence[str] = ("select", "report")) -> dict[int, EpochMetrics]:
        """Return the next point of every curve."""
        metrics = {}
        for key, (height, epoch) in self._lanes.items():
            accuracy = float(height - 0.2 * np.exp(-epoch / 5) + self._rng.normal(0, 0.002))
            scores, losses = dict.fromkeys(parts, accuracy), dict.fromkeys(parts, 1 - accuracy)
            metrics[key] = EpochMetrics(epoch + 1, 1 - accuracy, losses, scores, diverged=False)
            self._lanes[key] = (height, epoch + 1)
        return metrics


class Untrained(Experiment):
    """An experiment that trains nothing."""

    def stack(self, seeds: Seeds, *, compile_step: bool = False) -> Stack:  # noqa: ARG002  (Experiment's interface)
        """Return made-up lanes."""
        return MadeUpStack()


def search(config: StudyConfig, lanes: int | None) -> dict[str, float]:
    """Run one search and return its costs in milliseconds per trial, and the trial-epochs it reported."""
    experiment = Untrained.prepare(config, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(storage=f"sqlite:///{Path(folder) / 'search.db'}", device="cpu", lanes=lanes, workers=1)
        (study,) = prepare_studies(experiment, options, open_storage(options.storage))
        loop = SearchLoop(
            experiment=experiment,
            study=study,
            seeds=Seeds.of(config.seed, "search", 0),
            total=config.search.trials,
            lanes=lanes_of(options, config.search.trials, "cpu"),
            rule=make_rule(config.search.pruner, experiment.epochs),
            state=SearchState(config.search.trials),
        )
        begun, begun_cpu = time.perf_counter(), time.process_time()
        loop.run()
        each = 1e3 / config.search.trials
        costs = {part: getattr(loop.state.times, part) * each for part in _PARTS}
        costs["wall"] = (time.perf_counter() - begun) * each
        costs["processor"] = (time.process_time() - begun_cpu) * each
        return costs | {"epochs_per_trial": loop.state.times.trial_epochs / config.search.trials}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Let the lengths take turns and return what `--json` writes."""
    base = StudyConfig.load(shipped_study("quick")).changed(
        {"training.epochs": args.epochs, "search.sampler": args.sampler, "search.pruner": args.pruner}
    )
    samples: dict[int, list[dict[str, float]]] = {trials: [] for trials in args.trials}
    for _ in range(args.rounds):
        for trials, made in samples.items():
            made.append(search(base.changed({"search.trials": trials}), args.lanes))
    rows = [
        {"trials": trials} | {name: statistics.median(cost[name] for cost in made) for name in made[0]}
        for trials, made in samples.items()
    ]
    result: dict[str, Any] = {
        "machine": machine("cpu"),
        "arguments": {name: value for name, value in vars(args).items() if name != "json"},
        "rows": rows,
    }
    if len(rows) > 1:
        names = ("sampler", "storage", "pruner", "wall", "processor")
        result["longest_over_the_one_before"] = {name: rows[-1][name] / rows[-2][name] for name in names}
    return result


def table(result: dict[str, Any]) -> str:
    """Return the result as text; milliseconds per trial."""
    names = ("sampler", "storage", "pruner", "wall", "processor", "epochs_per_trial")
    lines = [heading(result["machine"]), f"{'ms per trial':>13}" + "".join(f"{name:>18}" for name in names)]
    lines += [f"{row['trials']:13}" + "".join(f"{row[name]:18.1f}" for name in names) for row in result["rows"]]
    if "longest_over_the_one_before" in result:
        ratios = result["longest_over_the_one_before"]
        lines.append(f"{'ratio':>13}" + "".join(f"{ratios[name]:18.2f}" for name in names[:-1]))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 100, 1000], help="lengths of the studies")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lanes", type=int, help="trials side by side (default: as the search chooses)")
    parser.add_argument("--sampler", choices=("tpe", "random", "qmc"), default="tpe")
    parser.add_argument("--pruner", choices=("rungs", "median", "none"), default="rungs")
    parser.add_argument("--rounds", type=int, default=1, help="turns that every length takes")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args(argv)
    result = measure(args)
    print(table(result))
    write_json(args.json, result)


if __name__ == "__main__":
    main()
