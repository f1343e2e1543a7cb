"""What a search finds with few trials a family: samplers on noisy quadratics whose answers are exact.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_sampler.py --cases untouched --seeds 5 --json sampler.json
    OMP_NUM_THREADS=1 python studies/benchmarks/bench_sampler.py --json sampler.json --print

Every search deals its trials over the 12 families that are functions of the step, in equal turns. What looked best in
a family is judged by its exact score: its regret is what it lacks to the family's optimum, in points (a tenth of a
decade of the expected loss). Families: the mean over families; worst: the family with the largest mean; best: the
configuration that looked best of all against the best optimum; tau: Kendall's, of the families' order. Means over
cases, with the standard error over seeds. The last column is the mean over families as a fraction of tpe10's
(a TPE for each family with 10 start-up trials).

A search is a cell of the JSON file; the file grows cell by cell, and a cell that is there is not run again. Without
flags that shrink it, 12 cases x 5 seeds x 2 noises x 2 lanes take about ten hours on one core.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from sampler_cases import CASES, CHOSEN_ON, UNTOUCHED, Case, curve, optima, space
from sampler_runs import PEERS, Problem, Setting, run

GROUPS = {"chosen": CHOSEN_ON, "untouched": UNTOUCHED, "all": CASES}
_REFERENCE = "tpe10"
_HEADER = f"{'sampler':<10}{'families':>15}{'worst':>14}{'best':>14}{'tau':>14}{'ms':>7}{'of tpe10':>10}"


def problem_of(case: Case) -> Problem:
    """Return a case as a problem over all families."""
    worst = float(case.score(np.zeros(1)))
    return Problem(space(), partial(curve, case), optima(case), worst)


class Cells:
    """The finished searches, in a JSON file with a line for each; None for a file keeps them in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        stored = json.loads(path.read_text()) if path is not None and path.exists() else {}
        self.facts: dict[str, Any] = stored.get("machine", machine("cpu"))
        self.rows: list[dict[str, Any]] = stored.get("cells", [])

    def has(self, key: dict[str, Any], budgets: tuple[int, ...]) -> bool:
        """Return whether there is a cell with this key that was judged at all of `budgets`."""
        same = (row for row in self.rows if all(row.get(name) == value for name, value in key.items()))
        return any(all(str(budget) in row["at"] for budget in budgets) for row in same)

    def add(self, key: dict[str, Any], at: dict[str, Any]) -> None:
        """Keep a cell, with what one of the same key held of other budgets, and write the file beside itself."""
        same = [row for row in self.rows if all(row.get(name) == value for name, value in key.items())]
        self.rows = [row for row in self.rows if row not in same]
        self.rows.append({**key, "at": {**(same[0]["at"] if same else {}), **at}})
        if self._path is not None:
            lines = ",\n".join(json.dumps(row) for row in self.rows)
            beside = self._path.with_name(self._path.name + ".new")
            beside.write_text(f'{{"machine": {json.dumps(self.facts)},\n"cells": [\n{lines}\n]}}\n')
            beside.replace(self._path)


def measure(cells: Cells, options: argparse.Namespace) -> None:
    """Run the searches that are missing; seeds come last, so that an interrupted run has all of the first."""
    budgets = tuple(options.budgets)
    wanted = itertools.product(range(options.seeds), options.noise, options.lanes, options.cases, options.samplers)
    for seed, noise, lanes, case, sampler in wanted:
        key = {"case": case.name, "sampler": sampler, "lanes": lanes, "noise": noise, "seed": seed}
        key["pruner"] = options.pruner
        if not cells.has(key, budgets):
            setting = Setting(budgets, lanes, noise, seed, options.pruner)
            cells.add(key, run(problem_of(case), PEERS[sampler], setting))
            print(f"{len(cells.rows)} cells: {key}", file=sys.stderr)


def tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table for every group of cases, noise, lanes and budget that has been measured."""
    for title, names in _titles().items():
        held: dict[tuple[str, float, int, int], dict[str, list[dict[str, Any]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for row in rows:
            for budget, at in row["at"].items() if row["case"] in names else ():
                held[row["pruner"], row["noise"], row["lanes"], int(budget)][row["sampler"]].append(
                    {"case": row["case"], **at}
                )
        for (pruner, noise, lanes, budget), by_sampler in sorted(held.items()):
            yield f"\n{title}; noise {noise:g}, lanes {lanes}, {budget} trials a family, pruner {pruner}"
            yield _HEADER
            reference = summary(by_sampler[_REFERENCE])["families"][0] if by_sampler.get(_REFERENCE) else np.nan
            for sampler in sorted(by_sampler, key=list(PEERS).index):
                regrets = summary(by_sampler[sampler])
                cells = "".join(f"{mean:8.2f} ±{error:4.2f}" for mean, error in regrets.values())
                ms = np.mean([at["ms"] for at in by_sampler[sampler]])
                yield f"{sampler:<10} {cells}{ms:7.1f}{regrets['families'][0] / reference:10.2f}"


def summary(cells: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return (mean over cases, its standard error over seeds) of each measure; nan for an error from one seed."""
    by_case = defaultdict(list)
    for at in cells:
        by_case[at["case"]].append([*at["regret"], np.mean(at["regret"]), at["best"], at["tau"]])
    means, errors, worst = [], [], []
    for values in by_case.values():
        table = np.array(values)
        error = table.std(axis=0, ddof=1) / np.sqrt(len(table)) if len(table) > 1 else np.full(table.shape[1], np.nan)
        family = int(np.argmax(table[:, :-3].mean(axis=0)))
        worst.append((table[:, family].mean(), error[family]))
        means.append(table[:, -3:].mean(axis=0))
        errors.append(error[-3:])
    columns = np.mean(means, axis=0), np.sqrt(np.sum(np.square(errors), axis=0)) / len(means)
    families, best, tau = zip(*columns, strict=True)
    of_worst = (float(np.mean([w for w, _ in worst])), float(np.sqrt(sum(e**2 for _, e in worst)) / len(worst)))
    return {"families": families, "worst": of_worst, "best": best, "tau": tau}


def _titles() -> dict[str, set[str]]:
    split = {}
    for group in ("chosen", "untouched"):
        for word, cliff in (("no rate diverges", False), ("near a cliff", True)):
            split[f"cases {group}, {word}"] = {case.name for case in GROUPS[group] if case.cliff == cliff}
    return split


def _case(text: str) -> tuple[Case, ...]:
    return GROUPS[text] if text in GROUPS else tuple(case for case in CASES if case.name == text)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="all", help='chosen, untouched, all, or one by name, such as "1, 8, 1"')
    parser.add_argument("--samplers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--budgets", nargs="+", type=int, default=[8, 20, 50], help="trials a family")
    parser.add_argument("--lanes", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--noise", nargs="+", type=float, default=[0.3, 1.0], help="SD of an observed score, points")
    parser.add_argument("--pruner", choices=["none", "rungs"], default="none")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="the file of cells")
    parser.add_argument("--print", action="store_true", help="run nothing, print what the file holds")
    options = parser.parse_args(arguments)
    options.cases = _case(options.cases)
    cells = Cells(options.json)
    if not options.print:
        measure(cells, options)
    print("\n".join(tables(cells.rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
