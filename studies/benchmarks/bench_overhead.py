"""What the search itself costs per trial, and how that grows with the number of trials in one study.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_overhead.py --json overhead.json
    OMP_NUM_THREADS=1 python studies/benchmarks/bench_overhead.py --trials 80 --warmup 40 --stored 1000 20000

The search runs as ever, over all thirteen families, on SQLite, with lanes refilled and pruned, but nothing is trained:
a trial's curve is made up from its peak rate. Studies of different lengths take turns. What counts is the ratio of the
longest to the one before, by the wall time of the search's parts and by the processor time of the whole.

`--digits` takes the study `quick` as it is: four families, six short epochs. `model` is the processor time in which the
sampler chooses parameters; `per_epoch_cpu` is that of all else, in milliseconds per trial-epoch.

`--stored N` puts N finished trials into the study's tables first, and then searches `--trials` more: what a trial costs
in a long study, without the hours that it would take to make one. The first `--warmup` of these, in which the study is
read and the sampler of each family takes in its trials, are not counted; `start` is how many seconds they took.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from machine import heading, machine, write_json
from optuna.distributions import distribution_to_json
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.config import StudyConfig, built_in_study
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions, lanes_of
from lrsearch.experiment.space import FAMILY
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.names import PrunerKind, SamplerKind
from lrsearch.schedules import FAMILIES
from lrsearch.search.loop import SearchLoop
from lrsearch.search.optimize import open_searches, prepare_studies
from lrsearch.search.progress import SearchState, SearchTimes
from lrsearch.storage import open_storage
from lrsearch.training.lane import EpochMetrics, Lane
from lrsearch.training.stack import Stack

_GOOD_RATE = 0.2
_PARTS = ("sampler", "storage", "pruner")
_COSTS = (*_PARTS, "per_epoch", "wall", "processor", "model", "per_epoch_cpu")


class MadeUpStack(Stack):
    """Lanes whose accuracy rises to a height that the peak rate decides, with some noise, at no cost."""

    def __init__(self) -> None:
        self._lanes: dict[int, tuple[float, int]] = {}
        self._rng = np.random.default_rng(0)

    def admit(self, key: int, lane: Lane, checkpoint: object = None, *, folder: object = None) -> None:  # noqa: ARG002
        """Begin a curve."""
        base_lr = float(lane.schedule.params()["base_lr"])  # type: ignore[attr-defined]  # every searched schedule's
        self._lanes[key] = (0.9 - 0.05 * abs(np.log10(base_lr / _GOOD_RATE)), 0)

    def release(self, key: int) -> None:
        """Forget a curve."""
        del self._lanes[key]

    def go_on(self) -> None:
        """Do nothing."""

    def run_epoch(self, parts: Sequence[str] = ("select", "report")) -> dict[int, EpochMetrics]:
        """Return the next point of every curve."""
        metrics = {}
        for key, (height, epoch) in self._lanes.items():
            accuracy = float(height - 0.2 * np.exp(-epoch / 5) + self._rng.normal(0, 0.002))
            scores, losses = dict.fromkeys(parts, accuracy), dict.fromkeys(parts, 1 - accuracy)
            metrics[key] = EpochMetrics(epoch + 1, 1 - accuracy, losses, scores)
            self._lanes[key] = (height, epoch + 1)
        return metrics


class Untrained(WorkloadExperiment):
    """An experiment that trains nothing."""

    def stack(self, seeds: Seeds, **more: object) -> Stack:  # noqa: ARG002  (Experiment's interface)
        """Return made-up lanes."""
        return MadeUpStack()


def store_trials(path: Path, study: Study, experiment: WorkloadExperiment, count: int) -> None:
    """Write finished trials with random parameters straight into the tables of an SQLite database."""
    space, rng, sampler = experiment.space, np.random.default_rng(1), RandomSampler(seed=1)
    when = "2026-01-01 00:00:00.000000"
    ids = range(1, count + 1)
    families = [space.families[number % len(space.families)] for number in range(count)]
    blank = study.ask({})
    study.tell(blank, state=TrialState.FAIL)
    frozen = study.get_trials(deepcopy=False)[0]
    params, curves = [], []
    for trial_id, family in zip(ids, families, strict=True):
        named = {FAMILY: space.family_distribution, **space.distributions(family)}
        for name, one in named.items():
            value = family if name == FAMILY else sampler.sample_independent(study, frozen, name, one)
            params.append((trial_id + 1, name, one.to_internal_repr(value), distribution_to_json(one)))
        last = experiment.epochs if rng.random() < 0.6 else experiment.epochs // 2
        curve = 0.9 - 0.2 * np.exp(-np.arange(last) / 5) - 0.1 * rng.random() + rng.normal(0, 0.002, last)
        curves.append([float(value) for value in curve])
    states = ["COMPLETE" if len(curve) == experiment.epochs else "PRUNED" for curve in curves]
    with closing(sqlite3.connect(path)) as database, database:
        (study_id,) = database.execute("SELECT study_id FROM studies").fetchone()
        database.executemany(
            "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(i + 1, i, study_id, state, when, when) for i, state in zip(ids, states, strict=True)],
        )
        database.executemany(
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
            params,
        )
        database.executemany(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            [(i + 1, curve[-1]) for i, curve in zip(ids, curves, strict=True)],
        )
        database.executemany(
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)"
            " VALUES (?, ?, ?, 'FINITE')",
            [(i + 1, step, v) for i, curve in zip(ids, curves, strict=True) for step, v in enumerate(curve, start=1)],
        )
        record = {"worker": "elsewhere:1:1", "init_seed": 1, "order_seed": 2, "stop_reason": "finished"}
        database.executemany(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)",
            [(i + 1, key, json.dumps(value)) for i in ids for key, value in record.items()],
        )


class ModelTime:
    """The processor time in which a study's sampler chooses parameters."""

    def __init__(self, study: Study) -> None:
        self.seconds, self._draw = 0.0, study.sampler._draw  # type: ignore[attr-defined]  # a FamilySampler
        study.sampler._draw = self._timed  # type: ignore[attr-defined]

    def _timed(self, *arguments: Any) -> Any:
        begun = time.thread_time()
        drawn = self._draw(*arguments)
        self.seconds += time.thread_time() - begun
        return drawn


@dataclass
class Meter:
    """Where a search stands: its times so far, what it has finished, and the clocks."""

    times: SearchTimes
    finished: int
    wall: float
    processor: float
    model: float

    @classmethod
    def read(cls, state: SearchState, model: ModelTime) -> Meter:
        """Return the reading of this moment."""
        finished = state.complete + state.pruned
        return cls(replace(state.times), finished, time.perf_counter(), time.process_time(), model.seconds)

    def since(self, before: Meter) -> dict[str, float]:
        """Return what a trial has cost since another reading, in milliseconds, and the trial-epochs it had."""
        each = 1e3 / (self.finished - before.finished)
        epochs = self.times.trial_epochs - before.times.trial_epochs
        parts = {part: getattr(self.times, part) - getattr(before.times, part) for part in _PARTS}
        return {
            **{part: seconds * each for part, seconds in parts.items()},
            "per_epoch": 1e3 * sum(parts.values()) / epochs,
            "wall": (self.wall - before.wall) * each,
            "processor": (self.processor - before.processor) * each,
            "model": (self.model - before.model) * each,
            "per_epoch_cpu": 1e3 * (self.processor - before.processor - self.model + before.model) / epochs,
            "epochs_per_trial": epochs * each / 1e3,
        }


def search(config: StudyConfig, lanes: int | None, stored: int = 0, warmup: int = 0) -> dict[str, float]:
    """Run one search and return what a trial costs.

    Args:
        config: the study; its trials are those that are stored and those that are searched here.
        lanes: trials side by side, or None for what the search chooses.
        stored: finished trials that the study holds beforehand.
        warmup: trials that are searched before those that count.
    """
    experiment = Untrained.prepare(config, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(storage=f"sqlite:///{Path(folder) / 'search.db'}", device="cpu", lanes=lanes, workers=1)
        (replicate,) = prepare_studies(experiment, options, open_storage(options.storage))
        if stored:
            store_trials(Path(folder) / "search.db", replicate.study, experiment, stored)
            (replicate,) = open_searches(experiment, options, open_storage(options.storage))
        lanes = lanes_of(options, config.search.trials - stored, "cpu")
        readings: list[Meter] = []
        model = ModelTime(replicate.study)

        def on_epoch(state: SearchState) -> None:
            if len(readings) == 1 and state.complete + state.pruned >= warmup:
                readings.append(Meter.read(state, model))

        _ = experiment.kernels  # as a search does before it begins
        state = SearchState(config.search.trials)
        loop = SearchLoop([replicate], state, lanes=lanes, on_epoch=on_epoch)
        readings.append(Meter.read(state, model))
        loop.run()
        start = readings[-1] if warmup else readings[0]
        return Meter.read(state, model).since(start) | {"start": start.wall - readings[0].wall}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Let the lengths take turns and return what `--json` writes."""
    base = StudyConfig.load(built_in_study("quick")).changed(
        {"search.sampler": args.sampler, "search.pruner": args.pruner}
        | (
            {}
            if args.digits
            else {"search.families": tuple(FAMILIES), "training.batch_size": 32, "training.epochs": args.epochs}
        )
    )
    lengths = [(stored, trials) for stored in args.stored for trials in args.trials]
    samples: dict[tuple[int, int], list[dict[str, float]]] = {length: [] for length in lengths}
    for _ in range(args.rounds):
        for (stored, trials), made in samples.items():
            made.append(search(base.changed({"search.trials": stored + trials}), args.lanes, stored, args.warmup))
    rows = [
        {"stored": stored, "trials": trials}
        | {name: statistics.median(cost[name] for cost in made) for name in made[0]}
        for (stored, trials), made in samples.items()
    ]
    result: dict[str, Any] = {
        "machine": machine("cpu"),
        "arguments": {name: value for name, value in vars(args).items() if name != "json"},
        "rows": rows,
    }
    if len(rows) > 1:
        result["longest_over_the_one_before"] = {name: rows[-1][name] / rows[-2][name] for name in _COSTS}
    return result


def table(result: dict[str, Any]) -> str:
    """Return the result as text; `per_epoch` is what the search's parts cost per trial-epoch."""
    names = (*_COSTS, "epochs_per_trial", "start")
    head = f"{'stored':>8}{'trials':>8}{''.join(f'{name:>18}' for name in names)}"
    lines = [heading(result["machine"]), "milliseconds per trial", head]
    lines += [
        f"{row['stored']:8}{row['trials']:8}" + "".join(f"{row[name]:18.1f}" for name in names)
        for row in result["rows"]
    ]
    if "longest_over_the_one_before" in result:
        ratios = result["longest_over_the_one_before"]
        lines.append(f"{'ratio':>16}" + "".join(f"{ratios[name]:18.2f}" for name in _COSTS))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 100, 1000], help="lengths of the studies")
    parser.add_argument("--stored", type=int, nargs="+", default=[0], help="trials that are there beforehand")
    parser.add_argument("--warmup", type=int, default=0, help="of the trials, the first that do not count")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--digits", action="store_true", help="the families and epochs of the study quick")
    parser.add_argument("--lanes", type=int, help="trials side by side (default: as the search chooses)")
    parser.add_argument("--sampler", choices=get_args(SamplerKind), default="tpe")
    parser.add_argument("--pruner", choices=get_args(PrunerKind), default="rungs")
    parser.add_argument("--rounds", type=int, default=1, help="turns that every length takes")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args(argv)
    result = measure(args)
    print(table(result))
    write_json(args.json, result)


if __name__ == "__main__":
    main()
