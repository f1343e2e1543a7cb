"""A command's process and all that it starts, wherever they go: into other sessions, or away from a dead parent."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

import psutil

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_PORTS = ("PET_MASTER_PORT", "MASTER_PORT")
"""The rendezvous of distributed training; torchrun reads the first one before its own default."""


class ProcessTree:
    """A command that runs, with everything it has started.

    On Linux this process becomes the one to which a run's processes fall when their own parent ends, so that none is
    lost; elsewhere those are.

    Args:
        command: the program and its arguments.
        environment: of the command; each run gets a rendezvous port of its own in it.
        output: where it writes standard output and error; to this process's own if None.

    Raises:
        OSError: if the program is not there, or cannot be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], output: int | None = None) -> None:
        if sys.platform == "linux":
            _prctl(_SET_CHILD_SUBREAPER, 1)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env={**environment, **dict.fromkeys(_PORTS, str(_free_port()))},
            start_new_session=True,
            preexec_fn=_end_with_parent,  # this process has one thread then
        )
        self.exit_code: int | None = None

    @property
    def output(self) -> IO[bytes] | None:
        """What the command writes, where it is to be read here."""
        return self._process.stdout

    def reap(self) -> None:
        """Take in which processes have ended."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._process.pid:
                    self.exit_code = os.waitstatus_to_exitcode(status)

    def members(self) -> list[psutil.Process]:
        """Return the processes that run."""
        running: list[psutil.Process] = psutil.Process().children(recursive=True)
        return running

    def signal(self, signum: int) -> None:
        """Send a signal to all of them."""
        for process in self.members():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signum)


def _end_with_parent() -> None:
    """Let the kernel kill the command where this process is killed, and so cannot."""
    if sys.platform == "linux":
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
