"""A run that was started, as the search holds it: a process of its own, or a thread of this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, Protocol, TypeAlias

from lrsearch.runs.messages import Failed
from lrsearch.runs.process.carrying_out import carry_out
from lrsearch.runs.process.strays import FOLDER, end_strays
from lrsearch.runs.process.tail import Tail
from lrsearch.runs.spec import RunSpec

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Which libraries read how many threads they may use."""

_BEGIN = """\
import importlib, os, sys
sys.path[:] = sys.argv[4].split(os.pathsep)
importlib.import_module(sys.argv[3]).main()"""
"""What the process of a run does: it finds modules where this one does, and what it starts is told nothing of that."""


class Running(Protocol):
    """A run that was started."""

    connection: Connection
    """To the run; at its end it can be read, and reading raises EOFError."""

    @property
    def output(self) -> str:
        """The end of what it wrote, where that is kept."""
        ...

    @property
    def exit_code(self) -> int | None:
        """How it has ended, negative for a signal; None while it runs."""
        ...

    def expect_end(self) -> None:
        """Begin the grace in which it has to end, because it has been told to."""
        ...

    def ask_to_end(self) -> None:
        """Ask it by a signal to end, and begin the grace."""
        ...

    def kill_if_late(self) -> None:
        """Kill it where the grace is over."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


Starter: TypeAlias = Callable[[RunSpec], Running]

_EXIT_SECONDS = 5.0


def failure_of(running: Running) -> Failed:
    """Return how a run has failed that says nothing any more, with the last line that it wrote."""
    until = time.monotonic() + _EXIT_SECONDS
    while running.exit_code is None and time.monotonic() < until:
        time.sleep(0.01)
    running.kill()
    code = running.exit_code or 0
    how = f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
    last = running.output.strip().rpartition("\n")[2]
    return Failed(f"{how}: {last}" if last else how)


def environment_of(spec: RunSpec) -> dict[str, str]:
    """Return the environment of a run: this process's, with the run's folder, number of threads and devices."""
    changed = {FOLDER: spec.folder, **{name: str(spec.threads) for name in THREAD_VARIABLES}}
    if spec.devices is not None:
        changed["CUDA_VISIBLE_DEVICES"] = spec.devices
    return {**os.environ, **changed}


class RunningProcess:
    """A run in a process of its own, with its own session, which a terminal's Ctrl-C does not reach."""

    _module = "lrsearch.runs.process.child"

    def __init__(self, spec: RunSpec) -> None:
        end_strays(spec.folder)  # of an earlier attempt, where the process that had begun it was killed
        self._folder = spec.folder
        self.connection, theirs = Pipe()
        with theirs:
            told = (str(theirs.fileno()), str(os.getpid()), self._module, os.pathsep.join(spec.path))
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BEGIN, *told],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env=environment_of(spec),
                start_new_session=True,
            )
        assert self._process.stdout is not None
        self._written = Tail()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self._asked_at: float | None = None
        self._grace_seconds = spec.grace_seconds
        with suppress(OSError):  # it has ended already, which is seen at the next look
            self.connection.send(self._told(spec))

    @staticmethod
    def _told(spec: RunSpec) -> object:
        """Return what the process is sent at its beginning."""
        return spec.to_json()

    def _read(self, stream: IO[bytes]) -> None:
        for _ in self._written.read(stream):
            pass

    @property
    def output(self) -> str:
        """The end of its standard output and error."""
        if self.exit_code is not None:
            self._reader.join(1.0)
        return self._written.text

    @property
    def exit_code(self) -> int | None:
        """How it has ended, negative for a signal; None while it runs. What it had started ends with it."""
        if self._process.returncode is None and self._has_ended():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            end_strays(self._folder)
            self._process.wait()
        return self._process.returncode

    def _has_ended(self) -> bool:
        """Return whether the process has ended; its number stays its own until it is waited for."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def expect_end(self) -> None:
        """Begin the grace in which it has to end."""
        self._asked_at = self._asked_at or time.monotonic()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the run and what it has started, and begin the grace."""
        self.expect_end()
        self._signal(signal.SIGTERM)

    def kill_if_late(self) -> None:
        """Kill it where the grace is over."""
        if self._asked_at is not None and time.monotonic() - self._asked_at > self._grace_seconds:
            self.kill()

    def kill(self) -> None:
        """Kill the run and what it has started."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, signum: int) -> None:
        if self.exit_code is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signum)


class RunningThread:
    """A run in a thread of this process, for functions of milliseconds that have no global state."""

    output = ""

    def __init__(self, spec: RunSpec) -> None:
        self.connection, theirs = Pipe()
        self._code = 0
        self._thread = threading.Thread(target=self._begin, args=(spec, theirs), name="lrsearch-run", daemon=True)
        self._thread.start()

    def _begin(self, spec: RunSpec, connection: Connection) -> None:
        try:
            carry_out(spec, connection)
        except SystemExit as ended:
            self._code = int(ended.code or 0)

    @property
    def exit_code(self) -> int | None:
        """0 where it has ended, or what its function told sys.exit; None while it runs."""
        return None if self._thread.is_alive() else self._code

    def expect_end(self) -> None:
        """Do nothing: it cannot be killed."""

    def ask_to_end(self) -> None:
        """Close the pipe, so that the next report ends the run."""
        self.connection.close()

    def kill_if_late(self) -> None:
        """Do nothing: a thread cannot be killed."""

    def kill(self) -> None:
        """Do what can be done: its next report ends it."""
        self.ask_to_end()
