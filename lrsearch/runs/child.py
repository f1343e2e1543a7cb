"""The process of one run: `python -m lrsearch.runs.child DESCRIPTOR PARENT`; the run comes through the pipe."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from multiprocessing.connection import Connection
from types import FrameType

from lrsearch.runs.carrying_out import carry_out
from lrsearch.runs.messages import Channel, Pipe, Warned
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSpec

_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the one that started it is gone, also where nothing can be run any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        os._exit(1)


class _Tell(logging.Handler):
    """Sends warnings to the search, which shows them."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.WARNING)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record's message."""
        self._channel.tell(Warned(record.getMessage()))


def _end_in_order(run: Run) -> None:
    """Let SIGTERM end the run when its state is written next; at once where it keeps none."""

    def end(signum: int, _frame: FrameType | None) -> None:
        if not run.end_at_next_checkpoint():
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)

    signal.signal(signal.SIGTERM, end)


def main() -> None:
    """Carry out the run that is told through the pipe."""
    end_with_parent(int(sys.argv[2]))
    connection = Connection(int(sys.argv[1]))
    spec = RunSpec.from_json(connection.recv())
    sys.path[:] = spec.path
    logging.getLogger("lrsearch").addHandler(_Tell(Pipe(connection)))
    carry_out(spec, connection, _end_in_order)


if __name__ == "__main__":
    main()
