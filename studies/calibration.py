"""The whole pipeline calibrated where the truth is known: whole studies, what each promised, and what came true.

    python studies/calibration.py --rounds 50            # runs what is missing of it, then prints the table
    python studies/calibration.py --rounds 0             # prints the table of what there is

Every study searches, confirms and compares on a noisy quadratic, and is judged by exact scores: after one search by
those of the configurations that it confirmed, after replicated searches by the mean of what such searches find. A round
is 80 sound studies: in each of 20 cases three of one search and one of 12 replicated searches. In the first 25 rounds
three cases also have one study of each kind that is broken on purpose. A study of one search takes half a second of one
core, a replicated one two: 4,000 sound studies (50 rounds) are an hour on one idle core. A study is stored as it ends,
and is not run again; interrupt and go on as you like.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from calibration_table import summary, table
from whole_study import CASES, KINDS, whole_study

from lrsearch.trials.checkpoints import FOLDER_VARIABLE

Place = tuple[str, int, int]
"""A study: its kind, the place of its case in CASES, and its number among those of both."""

STUDIES_A_ROUND = {"one search": 3, "replicated searches": 1}
BROKEN_ROUNDS, BROKEN_CASES = 25, (0, 6, 13)
"""What is broken is run in few cases: the mean of what its searches find has to be known there as well."""
MOST_OF_A_KIND = 10_000


def places(rounds: int) -> Iterator[Place]:
    """Yield the studies of the first rounds, in the order in which they are run."""
    for number in range(rounds):
        for kind in KINDS:
            count = STUDIES_A_ROUND.get(kind, 1 if number < BROKEN_ROUNDS else 0)
            cases = range(len(CASES)) if kind in STUDIES_A_ROUND else BROKEN_CASES
            yield from ((kind, case, count * number + one) for one in range(count) for case in cases)


def run(place: Place) -> dict[str, Any]:
    """Run one study, on seeds that no other has."""
    kind, case, number = place
    seed = (list(KINDS).index(kind) * len(CASES) + case) * MOST_OF_A_KIND + number
    return {"kind": kind, "case": case, "number": number, **whole_study(KINDS[kind], CASES[case], seed)}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the studies that have ended; a line that was cut off as its process was killed is no study."""
    studies = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            studies.append(json.loads(line))
    return studies


def run_missing(path: Path, rounds: int, workers: int) -> None:
    """Run what is missing of the first rounds, and add each study to the file as it ends."""
    stored = {(study["kind"], study["case"], study["number"]) for study in read(path)}
    missing = (place for place in places(rounds) if place not in stored)
    beside = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="lrsearch-calibration-", dir=beside) as folder,
        path.open("a", encoding="utf-8") as file,
    ):
        os.environ |= {FOLDER_VARIABLE: folder, "OMP_NUM_THREADS": "1"}
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            while batch := list(islice(missing, 10 * workers)):
                for done in as_completed([pool.submit(run, place) for place in batch]):
                    file.write(json.dumps(done.result()) + "\n")
                    file.flush()


def main(argv: list[str] | None = None) -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="of 80 sound studies; 0 only prints")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes")
    parser.add_argument("--into", type=Path, default=Path("calibration.jsonl"), help="where studies are kept")
    parser.add_argument("--json", type=Path, help="write what the table says as JSON")
    asked = parser.parse_args(argv)
    if asked.rounds:
        run_missing(asked.into, asked.rounds, asked.workers)
    results = summary(read(asked.into))
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
