"""A training function carried out: in the run's own process or thread."""

from __future__ import annotations

import atexit
import gc
import logging
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import FrameType

from lrsearch.errors import InputError
from lrsearch.passwords import described
from lrsearch.runs.errors import Diverged, Pruned, Stopped
from lrsearch.runs.function import load_training
from lrsearch.runs.messages import Channel, Done, Failed, Message, Pipe, Refused, Warned, one_line
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSpec

_NOT_THE_USERS = ("site-packages", "lrsearch/runs", sysconfig.get_path("stdlib"))


def carry_out(
    spec: RunSpec,
    connection: Connection,
    prepare: Callable[[Run], object] = lambda _: None,
    make: Callable[[RunSpec, Channel], Run] = Run,
) -> None:
    """Train, and tell the search how it ended; what is raised is told, and ends here, but an exit code.

    Args:
        spec: the run.
        connection: to the search.
        prepare: called with the run before it begins.
        make: gives the run that the training function sees.

    Raises:
        SystemExit: where the function ended its process with a code other than 0, having written why.
    """
    run = make(spec, Pipe(connection))
    prepare(run)
    try:
        connection.send(_outcome(run, spec.training))
    except OSError:
        return  # the search is gone, and with it who would read it
    finally:
        connection.close()


def carry_out_alone(connection: Connection) -> None:
    """Carry out the run that is told through `connection`, in a process that has nothing else to do.

    Warnings go to the search. SIGTERM ends the run when its state is written next, or at once where it keeps none.
    """
    atexit.register(gc.freeze)  # see lrsearch.__main__.command
    atexit.register(gc.collect)  # before that: what a person's code has left open and unreachable is closed as ever
    spec = RunSpec.from_json(connection.recv())
    sys.path[:], sys.argv[:] = spec.path, [spec.training]  # a parser of its own sees no arguments
    logging.getLogger("lrsearch").addHandler(_Tell(Pipe(connection)))
    carry_out(spec, connection, _end_in_order)


class _Tell(logging.Handler):
    """Sends warnings to the search, which shows them."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.WARNING)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record's message."""
        self._channel.tell(Warned(record.getMessage()))


def _end_in_order(run: Run) -> None:
    def end(signum: int, _frame: FrameType | None) -> None:
        if not run.end_at_next_checkpoint():
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)

    signal.signal(signal.SIGTERM, end)


def _outcome(run: Run, training: str) -> Message:
    try:
        returned = load_training(training)(run)
    except (Pruned, Diverged) as ended:
        return run.ended(ended)
    except InputError as error:
        return Refused(f"{training}: {error}")
    except BaseException as error:  # a person's own code may raise anything
        if not isinstance(error, SystemExit) or not isinstance(error.code, int | None):
            return _failed(error)
        if error.code:
            raise
        returned = None  # a script that has come to its end
    try:
        return Done(run.finish(returned))
    except InputError as error:
        return Refused(f"{training}: {error}")


def _failed(error: BaseException) -> Failed:
    if isinstance(error, Stopped):
        return Failed("it was asked to end, and has written its state")
    return Failed(_described(error), "".join(traceback.format_exception(error)))


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    user_frames = [frame for frame in frames if not any(place in frame.filename for place in _NOT_THE_USERS)]
    place = (user_frames or frames)[-1]
    return f"{one_line(described(error))} ({place.filename.rpartition('/')[2]}, line {place.lineno})"
