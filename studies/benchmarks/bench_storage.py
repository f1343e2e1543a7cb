"""Many processes on one storage, with the dashboard open on it: errors, lost reports, and reports a second.

Run it as `python studies/benchmarks/bench_storage.py`; exit code 1 if a report is lost or anything fails.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import optuna

from lrsearch.report.dashboard import make_dashboard
from lrsearch.storage import open_existing, open_storage


def report_much(address: str, process: int, trials: int, reports: int, errors: multiprocessing.Queue[str]) -> None:
    """Do in one process what a search does to its storage: ask, report, write attributes, tell."""
    try:
        study = optuna.load_study(study_name="load", storage=open_storage(address))
        for _ in range(trials):
            trial = study.ask()
            trial.set_user_attr("worker", process)
            trial.suggest_float("x", 0, 1)
            for step in range(1, reports + 1):
                trial.report(process + step / reports, step)
            study.tell(trial, float(process))
    except Exception as error:  # every error counts
        errors.put(f"process {process}: {type(error).__name__}: {error}")


@contextmanager
def read_all_the_time(address: str, counts: dict[str, int], failures: list[str]) -> Iterator[None]:
    """Serve the dashboard on the storage, and ask it for the whole study twice a second, as two open pages do."""
    done = threading.Event()
    with make_dashboard(open_existing(address), host="127.0.0.1", port=0, allow_edit=False) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()

        def read() -> None:
            while not done.wait(0.5):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/api/studies/1") as answer:
                        counts["read"] = len(json.loads(answer.read())["trials"])
                        counts["answers"] = counts.get("answers", 0) + 1
                except OSError as error:
                    failures.append(f"dashboard: {error}")

        reading = threading.Thread(target=read)
        reading.start()
        yield
        done.set()
        reading.join()
        server.shutdown()


def main() -> int:
    """Run the load, count, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", help="an address; a new SQLite file in a temporary folder if none")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--trials", type=int, default=20, help="of each process")
    parser.add_argument("--reports", type=int, default=50, help="of each trial")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = _load(asked.storage or f"sqlite:///{Path(folder) / 'load.db'}", asked)
    print(json.dumps(result, indent=2))
    return 1 if result["errors"] or result["lost_reports"] else 0


def _load(address: str, asked: argparse.Namespace) -> dict[str, object]:
    storage = open_storage(address)
    with suppress(KeyError):
        optuna.delete_study(study_name="load", storage=storage)
    study = optuna.create_study(study_name="load", storage=storage)
    spawn = multiprocessing.get_context("spawn")
    errors: multiprocessing.Queue[str] = spawn.Queue()
    counts: dict[str, int] = {}
    failures: list[str] = []
    crowd = [
        spawn.Process(target=report_much, args=(address, process, asked.trials, asked.reports, errors))
        for process in range(asked.processes)
    ]
    with read_all_the_time(address, counts, failures):
        begun = time.perf_counter()
        for process in crowd:
            process.start()
        for process in crowd:
            process.join()
        seconds = time.perf_counter() - begun
    failures += [errors.get() for _ in range(errors.qsize())]
    failures += [f"a process ended with {process.exitcode}" for process in crowd if process.exitcode]
    trials = study.get_trials(deepcopy=False)
    wanted = asked.processes * asked.trials * asked.reports
    kept = sum(
        value == trial.user_attrs["worker"] + step / asked.reports
        for trial in trials
        for step, value in trial.intermediate_values.items()
    )
    return {
        "processes": asked.processes,
        "trials": len(trials),
        "reports": wanted,
        "lost_reports": wanted - kept,
        "errors": failures,
        "dashboard_answers": counts.get("answers", 0),
        "seconds": round(seconds, 1),
        "reports_per_second": round(kept / seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
