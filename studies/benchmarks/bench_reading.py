"""Time and memory of `lrsearch studies` and `lrsearch trials` on a long study.

    python studies/benchmarks/bench_reading.py [--trials 20000] [--database long.db]

A study as a search leaves it (parameters, 30 reported scores, curves and the other attributes of every trial) is
written straight into the tables of an SQLite file, once; then each command runs in a process of its own. Printed are
its wall time, its processor time and its greatest resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, distribution_to_json

from lrsearch.config import StudyConfig
from lrsearch.metric import ACCURACY
from lrsearch.schedules import make_schedule
from lrsearch.storage import create_study, open_storage, study_id

EPOCHS = 30
COMMANDS = (
    ("studies",),
    ("trials",),
    ("trials", "--family", "cosine"),
    ("trials", "--all", "--format", "csv"),
)


def make_database(path: Path, trials: int) -> None:
    """Write a study of `trials` finished trials."""
    config = StudyConfig(name="long").changed({"search.families": ("constant", "cosine", "linear", "rex")})
    storage = open_storage(f"sqlite:///{path}")
    create_study(storage, "long", config, metric=ACCURACY, data_fingerprint="f", attributes={"lanes": 8})
    study, families = study_id(storage, "long"), config.search.families
    draw = random.Random(0)
    family = distribution_to_json(CategoricalDistribution(families))
    rate = distribution_to_json(FloatDistribution(0.01, 1.0, log=True))
    with storage.engine.begin() as connection:

        def insert(statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
            connection.connection.cursor().executemany(statement, list(rows))

        numbers, when = range(1, trials + 1), "2026-01-01 00:00:00"
        insert(
            "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            ((n, n - 1, study, "PRUNED" if n % 3 else "COMPLETE", when, when) for n in numbers),
        )
        insert(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            ((n, draw.random()) for n in numbers),
        )
        insert(
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)"
            " VALUES (?, ?, ?, 'FINITE')",
            ((n, step, draw.random()) for n in numbers for step in range(1, EPOCHS + 1)),
        )
        insert(
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
            (
                row
                for n in numbers
                for row in (
                    (n, "family", n % len(families), family),
                    *((n, name, draw.uniform(0.01, 1), rate) for name in ("base_lr", "final_lr", "weight_decay")),
                )
            ),
        )
        insert(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)",
            (
                (n, key, json.dumps(value))
                for n in numbers
                for key, value in attributes(draw, families[n % len(families)]).items()
            ),
        )


def attributes(draw: random.Random, family: str) -> dict[str, Any]:
    """Return what a search stores with a trial of 30 epochs."""
    curve = ("train_loss", "select_loss", "select_accuracy", "report_loss", "report_accuracy")
    return {
        "schedule": make_schedule(family, total_steps=390 * EPOCHS, base_lr=draw.uniform(0.01, 1)).params(),
        "curve": {name: [draw.random() for _ in range(EPOCHS)] for name in curve},
        "init_seed": draw.getrandbits(32),
        "order_seed": draw.getrandbits(32),
        "epochs": EPOCHS,
        "seconds": draw.uniform(10, 20),
        "device": "cpu: a processor with this number of cores",
        "worker": "host:1234:567890",
        "heartbeat": 1.0,
        "stop_reason": "finished",
    }


def measure(command: tuple[str, ...], database: Path) -> tuple[float, float, float]:
    """Run a command; return its wall seconds, its processor seconds and its greatest memory, MiB."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "lrsearch", *command, "--storage", f"sqlite:///{database}"], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"lrsearch {' '.join(command)} failed")
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Make the database if it is not there, run every command and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--database", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = given.database or Path(folder) / "long.db"
        if not database.exists():
            make_database(database, given.trials)
        print(f"{'command':<40}{'wall s':>8}{'cpu s':>8}{'MiB':>8}")
        for command in COMMANDS:
            wall, processor, memory = measure(command, database)
            print(f"{' '.join(command):<40}{wall:>8.2f}{processor:>8.2f}{memory:>8.0f}")


if __name__ == "__main__":
    main()
