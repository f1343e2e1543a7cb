"""The verdict on families in full, `studies/verdict_full.toml`, on a GPU: searches, confirmation, report.

    python studies/benchmarks/gpu_verdict.py --json gpu-verdict.json --folder gpu-verdict

`in_parts` says how it is run. FOLDER holds the database, the verdict and the report:

    together   trial-epochs per second with the replicates one after the other and in one stack, by number of processes
    search     the twenty searches; one that is not done within its seconds goes on in the next call of the part
    confirm    the winners on fresh seeds, with both controls; likewise
    report     verdict.json and report.html
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from in_parts import Rows, Unfinished, run_script

from lrsearch.__main__ import main as lrsearch
from lrsearch.config import StudyConfig, built_in_study
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.search.optimize import run_search
from lrsearch.search.progress import SearchState

_SMALL = {"tiny": True, "rate_seconds": 0.5, "folder": Path("gpu-verdict-small"), "workers": 1, "processes": [1]}
_TINY: dict[str, Any] = {
    "data.dataset": "digits",
    "training.epochs": 1,
    "search.families": ("constant", "cosine"),
    "search.trials": 2,
    "search.replicates": 6,
    "plan.blocks": 6,
    "plan.tuning_efforts": (),
}
_ENDING_SECONDS = 60.0
"""Of a part's seconds, for what comes after the last epoch and for a block that was begun."""


def _config(args: argparse.Namespace) -> StudyConfig:
    return StudyConfig.load(built_in_study("verdict_full")).changed(_TINY if args.tiny else {})


def _options(args: argparse.Namespace, **changes: Any) -> RunOptions:
    args.folder.mkdir(parents=True, exist_ok=True)
    given = {"storage": f"sqlite:///{args.folder.absolute()}/verdict.db", "device": args.device}
    return RunOptions(**{**given, "timeout_seconds": max(1.0, args.seconds - _ENDING_SECONDS), **changes})


def together(args: argparse.Namespace) -> Rows:
    """Search a while from the beginning, in a database that is thrown away, in each way."""
    ways = [(1, 1), *((workers, None) for workers in args.processes)]
    return [_rate(args, workers, at_once) for workers, at_once in ways]


def _rate(args: argparse.Namespace, workers: int, at_once: int | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = _options(
            args,
            storage=f"sqlite:///{folder}/rate.db",
            workers=workers,
            replicates_at_once=at_once,
            timeout_seconds=args.rate_seconds,
        )
        begun = time.perf_counter()
        _, state = run_search(_config(args), options)
        wall = time.perf_counter() - begun
    chosen = "one after the other" if at_once == 1 else "in one stack, where that is faster"
    return {"replicates": chosen, "workers": workers, **_times(state), "wall": wall}


def _times(state: SearchState) -> dict[str, Any]:
    times = state.times
    rate = times.trial_epochs / times.wall if times.wall else 0.0
    shares = {name: getattr(times, name) for name in ("training", "sampler", "storage", "pruner", "preparation")}
    return {"trial_epochs": times.trial_epochs, "trial_epochs_per_second": rate, **shares}


def search(args: argparse.Namespace) -> Rows:
    """Go on with the searches for the seconds of a part."""
    begun = time.perf_counter()
    _, state = run_search(_config(args), _options(args, workers=args.workers))
    done = state.complete + state.pruned
    row = {"finished": done, "of": state.total, **_times(state), "wall": time.perf_counter() - begun}
    return _so_far(args, row, ended=done >= state.total)


def confirm(args: argparse.Namespace) -> Rows:
    """Go on with the confirmation for the seconds of a part."""
    begun = time.perf_counter()
    done = run_confirm(_config(args), _options(args, workers=1), controls=("aa", "positive"))
    row = {"runs": len(done.study.trials), "left_out": list(done.left_out), "wall": time.perf_counter() - begun}
    return _so_far(args, row, ended=done.finished)


def _so_far(args: argparse.Namespace, row: dict[str, Any], *, ended: bool) -> Rows:
    rows = [*args.earlier, {"call": len(args.earlier) + 1, **row}]
    if not ended:
        raise Unfinished(rows)
    return rows


def report(args: argparse.Namespace) -> Rows:
    """Write the verdict and the report."""
    where = ["--study-name", _config(args).name, "--storage", _options(args).storage]
    verdict, page = args.folder / "verdict.json", args.folder / "report.html"
    printed = io.StringIO()
    with redirect_stdout(printed):
        codes = [lrsearch(["compare", *where, "--format", "json"])]
    verdict.write_text(printed.getvalue(), encoding="utf-8")
    with redirect_stdout(io.StringIO()):
        codes.append(lrsearch(["report", *where, "-o", str(page)]))
    json.loads(verdict.read_text(encoding="utf-8"))
    return [
        {"file": str(path), "bytes": path.stat().st_size, "ok": code == 0}
        for path, code in zip((verdict, page), codes, strict=True)
    ]


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes."""
    parser.add_argument("--folder", type=Path, default=Path("gpu-verdict"), help="of the database and the report")
    parser.add_argument("--rate-seconds", type=float, default=60.0, help="of each way in the part together")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="in the part together")
    parser.add_argument("--workers", type=int, default=1, help="processes of the search")
    parser.set_defaults(tiny=False)


PARTS = {part.__name__: part for part in (together, search, confirm, report)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 1 if one failed."""
    return run_script(__file__, PARTS, argv, flags=flags, small=_SMALL)


if __name__ == "__main__":
    sys.exit(main())
