"""Several processes on one machine, through joblib: start, watch, stop and restart them."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from lrsearch.errors import RunError
from lrsearch.processes.interruption import STOP_SIGNALS, Interrupted, Interruption
from lrsearch.processes.log import log_level, log_to_standard_error
from lrsearch.training.device import usable_cores, use_one_thread

logger = logging.getLogger(__name__)

T = TypeVar("T")
POLL_SECONDS = 1.0
MOST_RESTARTS = 20
_OF_A_TERMINAL = {signum for signum in STOP_SIGNALS if signum != signal.SIGTERM}


def auto_workers(device: str) -> int:
    """Return how many processes to start: one on a GPU, else one for every core that may be used."""
    return 1 if device == "cuda" else usable_cores()


def run_workers(
    task: Callable[..., T], arguments: list[tuple[Any, ...]], *, poll: Callable[[], None], restart: Callable[[], None]
) -> list[T]:
    """Run `task(*arguments[k])` in one process each, with one thread each, and return what they return.

    Large NumPy arrays in the arguments are in memory once, mapped by every process.

    Args:
        task: importable, like everything in its arguments; it must leave its state in the storage, because where one
            process is killed all are started again.
        arguments: one tuple a process.
        poll: called about once a second in this process.
        restart: called before the processes are started again.

    Raises:
        Interrupted: by a signal, after the processes have put their work in order.
    """
    for attempt in range(MOST_RESTARTS + 1):
        with tempfile.TemporaryDirectory(prefix="lrsearch-") as folder, ThreadPoolExecutor(1) as pool:
            try:
                stop = _SigtermTo(Path(folder))
                return watch(pool.submit(_run, task, arguments, folder), poll, stop)
            except TerminatedWorkerError as error:
                if attempt == MOST_RESTARTS:
                    raise RunError(
                        f"worker processes were killed {attempt + 1} times (out of memory?): use fewer --workers or "
                        "--lanes"
                    ) from error
                logger.warning("a worker process was killed (out of memory?): new ones resume its work")
                restart()
    raise AssertionError("unreachable")


def _run(task: Callable[..., T], arguments: list[tuple[Any, ...]], folder: str) -> list[T]:
    if hasattr(signal, "pthread_sigmask"):
        # A terminal signals every process; those that this thread starts, joblib's own too, block that from the start.
        signal.pthread_sigmask(signal.SIG_BLOCK, _OF_A_TERMINAL)
    # Copy-on-write, because torch warns of memory that it could not write to.
    with joblib.parallel_config("loky", n_jobs=len(arguments), inner_max_num_threads=1, mmap_mode="c"):
        common = (task, folder, os.getpid(), log_level())
        results = joblib.Parallel()(joblib.delayed(_in_worker)(*common, given) for given in arguments)
        return [result for result in results if result is not None]


def _in_worker(task: Callable[..., T], folder: str, parent: int, log_from: int, arguments: tuple[Any, ...]) -> T | None:
    """Run the task; None if it was interrupted, because joblib kills the other processes where one raises an error."""
    atexit.register(gc.freeze)  # see lrsearch.__main__.command
    use_one_thread()
    log_to_standard_error(log_from)
    # A terminal signals every process, but only the first one decides; and SIGTERM must not kill a process before or
    # after its task, which would end the others in the middle of theirs.
    for signum in _OF_A_TERMINAL:
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    (Path(folder) / str(os.getpid())).touch()
    done = threading.Event()
    threading.Thread(target=_stop_with_parent, args=(parent, done), daemon=True).start()
    try:
        return task(*arguments)
    except Interrupted:
        return None
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        done.set()


def _stop_with_parent(parent: int, done: threading.Event) -> None:
    """Stop this process in order when the one that started it is gone, as after SIGKILL."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    done.wait()
    os._exit(1)  # no process is left that could give this one another task


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise Interrupted


class _SigtermTo:
    """Sends SIGTERM once to every process whose file is in a folder; called again, to those that have started since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signalled: set[str] = set()

    def __call__(self) -> None:
        for process in {file.name for file in self._folder.iterdir()} - self._signalled:
            self._signalled.add(process)
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGTERM)


def watch(future: Future[T], poll: Callable[[], None], stop: Callable[[], None]) -> T:
    """Return the result of `future`; call `poll` about once a second until a signal comes, and `stop` from then on.

    Raises:
        Interrupted: by a signal, after the future is done.
    """
    with Interruption.handled() as interruption:
        while not future.done():
            with suppress(KeyboardInterrupt):  # a second Ctrl-C: the processes have to be stopped all the same
                if wait([future], timeout=POLL_SECONDS).done:
                    break
                if interruption.requested:
                    stop()
                else:
                    poll()
        if interruption.requested:
            # A process that was still starting may have been ended by the terminal's Ctrl-C; it had no work yet.
            with suppress(BrokenExecutor, KeyboardInterrupt):
                future.result()
            raise Interrupted
        return future.result()
