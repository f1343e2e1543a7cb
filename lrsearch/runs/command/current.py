"""current_run: the run that a script carries out, or one made from defaults where no search has begun it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.runs.command.files import VARIABLE, RunFiles
from lrsearch.runs.command.lines import Finished
from lrsearch.runs.errors import Diverged, Pruned, Stopped
from lrsearch.runs.messages import MOST_WAIT_SECONDS, Message, Refused, Report, Warned
from lrsearch.runs.ranks import ranks_in
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.schedules import Schedule, make_schedule

_LOOK_SECONDS = 0.002


@checked
def current_run(
    *,
    total_steps: int = 1000,
    reports: int = 10,
    epochs: int | None = None,
    schedule: Schedule | None = None,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Run:
    """Return the run that this script carries out, the same one at every call.

    lrsearch begins it as `[run] command` says, and all arguments are ignored then. Started by hand, the script gets a
    run made from them, whose reports are printed.

    Args:
        total_steps: the optimizer's updates.
        reports: equal parts of the run, after each of which the metric is reported.
        epochs: what `run.epochs` yields; `reports` of them if None.
        schedule: the rate of every update; a cosine from 0.001 to 0 if None.
        parameters: the values of what the study file's `[parameters]` search.
        seed: from which the seeds of the run are made.

    Raises:
        InputError: if the file of the run cannot be read or is of another version of lrsearch, or an argument is
            invalid.
    """
    if VARIABLE in os.environ:
        return _begun_run()
    for name, number in (("total_steps", total_steps), ("reports", reports), ("epochs", epochs)):
        if number is not None and number < 1:
            raise InputError(f"{name} must be at least 1, got {number}")
    if seed < 0:
        raise InputError(f"seed must be 0 or more, got {seed}")
    used = schedule or make_schedule("cosine", total_steps=total_steps, base_lr=1e-3)
    folder = tempfile.TemporaryDirectory(prefix="lrsearch-run-")
    atexit.register(folder.cleanup)
    return Run(
        RunSpec(
            training="by hand",
            schedule=used.params(),
            parameters=parameters or {},
            seeds=RunSeeds(seed, seed + 1, seed + 2),
            total_steps=used.total_steps,
            reports=reports,
            epochs=epochs or reports,
            folder=folder.name,
        ),
        _Printed(),
    )


@cache
def _begun_run() -> Run:
    files = RunFiles(Path(os.environ[VARIABLE]).parent)
    spec = files.read()
    ranks = ranks_in(files.ranks)
    run = Run(spec, FilesChannel(files), ranks)
    if multiprocessing.parent_process() is None:  # the script's own process, not one that loads its data
        _Ending(run, files, ranks.rank)
    return run


class _Printed:
    """The channel of a run that was started by hand."""

    def report(self, report: Report) -> bool:
        """Print the report, once for all ranks; nothing ends the run."""
        if os.environ.get("RANK", "0") != "0":
            return False
        more = "".join(f", {name} {value:g}" for name, value in report.more.items())
        print(f"step {report.step}: {report.score:g}{more}", flush=True)
        return False

    def tell(self, message: Message) -> None:
        """Print a warning."""
        if isinstance(message, Warned):
            print(message.text, file=sys.stderr)


class FilesChannel:
    """The channel of a script: reports are lines of one file, and the answer is another."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files

    def tell(self, message: Message) -> None:
        """Say something that needs no answer."""
        self._files.append(message)

    def report(self, report: Report) -> bool:
        """Report, and return whether the run is to end."""
        self._files.append(report)
        until = time.monotonic() + MOST_WAIT_SECONDS * report.waits
        while True:
            answer = self._files.read_answer()
            if answer is not None and answer.end:
                return True
            if (answer is not None and answer.step >= report.step) or time.monotonic() > until:
                return False
            time.sleep(_LOOK_SECONDS)


class _Ending:
    """Tells the search how the script ends, and lets SIGTERM end it in order."""

    def __init__(self, run: Run, files: RunFiles, rank: int) -> None:
        self._run, self._files, self._rank = run, files, rank
        self._raised = False
        self._before = sys.excepthook
        sys.excepthook = self._on_exception
        atexit.register(self._at_exit)
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGTERM, self._on_term)

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._raised = True
        if isinstance(error, Pruned | Stopped) or self._run.over:
            print(error, file=sys.stderr)
            return
        if isinstance(error, Diverged) and self._rank == 0:
            self._files.append(self._run.ended(error))
        if isinstance(error, InputError):
            self._files.append(Refused(str(error)))
        self._before(kind, error, trace)

    def _at_exit(self) -> None:
        if self._raised or self._run.over or self._rank > 0:
            return
        try:
            finished = Finished(note=self._run.finish(None))
        except InputError as error:
            finished = Finished(problem=str(error))
        self._files.append(finished)

    def _on_term(self, signum: int, _frame: FrameType | None) -> None:
        self._raised = True
        if not self._run.end_at_next_checkpoint():
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
