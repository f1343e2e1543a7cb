"""The process of one run: `main` with the arguments DESCRIPTOR PARENT; the run comes through the pipe."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from multiprocessing.connection import Connection

_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the one that started it is gone, also where nothing can be run any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        os._exit(1)


def main() -> None:
    """Carry out the run that is told through the pipe."""
    end_with_parent(int(sys.argv[2]))
    from lrsearch.runs.process.carrying_out import carry_out_alone  # what it imports takes a second

    carry_out_alone(Connection(int(sys.argv[1])))
