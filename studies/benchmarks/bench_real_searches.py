"""Real searches with few trials a family: a TPE for each family, and the model that all share.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_real_searches.py --sets digits --folder searches

Each search deals 104 trials over the 13 families: by `tpe` with 10 start-up trials and by `gp`, from the same seeds.
The winner of every family is trained again on 6 fresh seeds, and its mean test score counts. Printed are the mean over
families, the worst family and the best, in points, for each sampler, and their differences, paired by search.

Every search is a study in a database of the folder: run again, the script resumes where it stopped; `--print` trains
nothing. All of it (5 searches each way) is at most 5,500 trial-epochs of Fashion-MNIST (3 epochs), about 3 hours on two
cores or a minute on a large GPU, and 11,000 of digits (6 epochs), about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from machine import machine, write_json
from numpy.typing import NDArray

from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.search import optimize
from lrsearch.storage import records

SETS = {"digits": (6, 32), "fashion-mnist": (3, 128)}
"""Epochs and batch size."""

SAMPLERS = ("tpe", "gp")
_BLOCKS = 6
_MEASURES = ("mean over families", "worst family", "best family")


def config_of(data: str, sampler: str, seed: int, trials: int) -> StudyConfig:
    """Return the study of one search; both samplers have the same seeds."""
    epochs, batch_size = SETS[data]
    return StudyConfig.from_dict(
        {
            "name": f"{data}-{sampler}-{seed}",
            "seed": seed,
            "data": {"dataset": data},
            "training": {"epochs": epochs, "batch_size": batch_size},
            "search": {"sampler": sampler, "trials": trials},
        }
    )


def search(config: StudyConfig, folder: Path) -> dict[str, list[float]]:
    """Search and confirm, or go on with it; return the test scores `[blocks]` of each family's winner, in points."""
    options = RunOptions(storage=f"sqlite:///{folder / config.name}.db", workers=1)
    with mock.patch.object(optimize, "STARTUP_TRIALS", 10):  # of a new study's TPE
        optimize.run_search(config, options)
    confirmed = run_confirm(config, options, blocks=_BLOCKS).study
    scores = defaultdict(list)
    for record in records(confirmed):
        if record.test_accuracy is not None:
            scores[record.family].append(100 * record.test_accuracy)
    return dict(scores)


def measures(scores: dict[str, list[float]]) -> NDArray[np.float64]:
    """Return the mean over families, the worst and the best family `[3]`."""
    means = [float(np.mean(values)) for values in scores.values()]
    return np.array([np.mean(means), min(means), max(means)])


def table(searches: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each data set and measure."""
    yield f"{'':<36}{'searches':>9}{'tpe':>9}{'gp':>9}{'gp - tpe':>16}"
    for data in SETS:
        by_seed: dict[int, dict[str, NDArray[np.float64]]] = defaultdict(dict)
        for row in searches:
            if row["set"] == data:
                by_seed[row["seed"]][row["sampler"]] = measures(row["scores"])
        pairs = [pair for pair in by_seed.values() if len(pair) == len(SAMPLERS)]
        for number, measure in enumerate(_MEASURES if pairs else ()):
            tpe, gp = (np.array([pair[sampler][number] for pair in pairs]) for sampler in SAMPLERS)
            error = np.std(gp - tpe, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else np.nan
            yield (
                f"{data:<15}{measure:<21}{len(pairs):>9}{tpe.mean():9.2f}{gp.mean():9.2f}"
                f"{(gp - tpe).mean():9.2f} ±{error:5.2f}"
            )


def main(arguments: list[str] | None = None) -> int:
    """Run the searches that are missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--searches", type=int, default=5, help="each way")
    parser.add_argument("--trials", type=int, default=104, help="of a search, over 13 families")
    parser.add_argument("--folder", type=Path, default=Path("real-searches"), help="where the databases are kept")
    parser.add_argument("--json", type=Path, help="where the scores are written")
    parser.add_argument("--print", action="store_true", help="run nothing, print what --json holds")
    options = parser.parse_args(arguments)
    searches: list[dict[str, Any]] = []
    if options.print:
        searches = json.loads(options.json.read_text())["searches"]
    else:
        options.folder.mkdir(parents=True, exist_ok=True)
        for seed in range(options.searches):
            for data in options.sets:
                for sampler in SAMPLERS:
                    config = config_of(data, sampler, seed, options.trials)
                    scores = search(config, options.folder)
                    searches.append({"set": data, "sampler": sampler, "seed": seed, "scores": scores})
                    print(f"{config.name}: {measures(scores).round(2).tolist()}", file=sys.stderr)
                    write_json(options.json, {"machine": machine("cpu"), "searches": searches})
    print("\n".join(table(searches)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
