"""A whole search: the same trials by plain Optuna, Ray Tune with ASHA, and lrsearch.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_search.py --seconds 600 --json search.json
    OMP_NUM_THREADS=1 python studies/benchmarks/bench_search.py --examples 6000 --rounds 1

First the time of a number of trials without pruning, then (with --seconds) the best accuracy that a search reaches
in a fixed wall time, each with the pruner that it comes with. Everybody trains LeNet on the same 10/12 of the examples
and evaluates it on the same 2/12 after every epoch, with schedules from the same space. The searches take turns; times
are medians, ratios say how many times as long the first search takes; on a machine that others use too, read those of
the processor time. lrsearch's time includes loading the data and starting its processes, the others' does not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import optuna
from machine import heading, machine, processor_seconds, write_json
from searches import SEARCHES, Outcome, Task, ray_tune
from work import DATASET, EXAMPLES, WORKLOAD

from lrsearch.config import StudyConfig
from lrsearch.training.device import usable_cores

_TIMES = ("seconds", "processor_seconds")
_COLUMNS = f"{'wall s':>9}{'ratio':>7}{'cpu s':>9}{'ratio':>7}{'epochs/s':>10}{'complete':>10}{'best':>8}"


def run_all(task: Task, rounds: int, only: list[str]) -> dict[str, list[Outcome]]:
    """Let the searches whose names hold one of `only` take turns; one that is not installed has no outcome."""
    searches = {name: search for name, search in SEARCHES.items() if any(part in name for part in only)}
    outcomes: dict[str, list[Outcome]] = {name: [] for name in searches}
    for turn in range(rounds):
        for name, search in searches.items():
            try:
                begun = processor_seconds()
                outcome = search(task)
                # Ray does not wait for its workers, so the times of those that have ended are unavailable.
                ended = None if search is ray_tune else processor_seconds()
                spent = None if begun is None or ended is None else ended - begun
                outcomes[name].append(replace(outcome, processor_seconds=spent))
            except ImportError as error:
                print(f"{name}: not installed ({error})", file=sys.stderr)
                continue
            print(f"round {turn + 1} of {rounds}, {name}: {outcomes[name][-1]}", file=sys.stderr)
    return outcomes


def rows(outcomes: dict[str, list[Outcome]]) -> list[dict[str, Any]]:
    """Return a row for each search: medians, and how many times as long the first takes."""
    reference = next(iter(outcomes.values()))
    first = _times(reference)
    made = []
    for name, turns in outcomes.items():
        row: dict[str, Any] = {"search": name, "turns": [asdict(turn) for turn in turns]}
        if turns:
            times = _times(turns)
            rates = [turn.epochs / turn.seconds for turn in turns]
            best = [turn.best for turn in turns if turn.best is not None]
            row |= times | {f"first_over_{part}": first[part] / times[part] for part in times}
            row |= {
                "trial_epochs_per_second": statistics.median(rates),
                "complete": statistics.median(turn.complete for turn in turns),
                "best_accuracy": statistics.median(best) if best else None,
            }
        made.append(row)
    return made


def _times(turns: list[Outcome]) -> dict[str, float]:
    """Return the medians of what was measured."""
    measured = {part: [value for turn in turns if (value := getattr(turn, part)) is not None] for part in _TIMES}
    return {part: statistics.median(values) for part, values in measured.items() if values}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run both parts and return what `--json` writes."""
    os.environ[DATASET], os.environ[EXAMPLES] = args.dataset, str(args.examples)
    config = StudyConfig.from_dict({"name": "benchmark", "workload": WORKLOAD}).changed(
        {"training.epochs": args.epochs, "training.batch_size": args.batch_size}
    )
    task = Task.prepare(config, jobs=args.jobs, trials=args.trials, seconds=None)
    result: dict[str, Any] = {
        "machine": machine("cpu"),
        "arguments": {name: value for name, value in vars(args).items() if name != "json"},
        "fitted_examples": len(task.data.fit),
        "finish": rows(run_all(task, args.rounds, args.only)),
    }
    write_json(args.json, result)
    if args.seconds:
        timed = Task.prepare(config, jobs=args.jobs, trials=None, seconds=args.seconds)
        result["fixed_time"] = rows(run_all(timed, args.rounds, args.only))
        write_json(args.json, result)
    return result


def table(result: dict[str, Any]) -> str:
    """Return the result as text."""
    given = result["arguments"]
    lines = [
        heading(result["machine"]),
        f"{result['fitted_examples']} examples fitted, {given['jobs']} trials at a time",
    ]
    titles = {
        "finish": f"{given['trials']} trials of {given['epochs']} epochs, nothing pruned",
        "fixed_time": f"{given['seconds']:g} seconds",
    }
    for part, title in titles.items():
        if part in result:
            lines.append(f"\n{title:36}{_COLUMNS}")
            lines += [_line(row) for row in result[part]]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    if "seconds" not in row:
        return f"{row['search']:36}  not installed"
    shown = [
        f"{_cell(row.get(name), form):>{width}}"
        for name, form, width in (
            ("seconds", ".1f", 9),
            ("first_over_seconds", ".2f", 7),
            ("processor_seconds", ".1f", 9),
            ("first_over_processor_seconds", ".2f", 7),
            ("trial_epochs_per_second", ".3f", 10),
            ("complete", ".0f", 10),
            ("best_accuracy", ".4f", 8),
        )
    ]
    return f"{row['search']:36}{''.join(shown)}"


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=5, help="of every trial")
    parser.add_argument("--seconds", type=float, default=0, help="wall time of the second part, which 0 leaves out")
    parser.add_argument("--dataset", default="fashion-mnist", help="or digits, which needs no download")
    parser.add_argument("--examples", type=int, default=60_000, help="training examples before the split")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3, help="turns that every search takes")
    parser.add_argument("--jobs", type=int, default=usable_cores(), help="trials at a time (lrsearch: processes)")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of the searches; all if none")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(table(measure(parser.parse_args(argv))))


if __name__ == "__main__":
    main()
