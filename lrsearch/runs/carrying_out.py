"""A training function carried out: in the run's own process or thread."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

from lrsearch.errors import InputError
from lrsearch.runs.errors import Diverged, Pruned
from lrsearch.runs.function import load_training
from lrsearch.runs.messages import Done, Failed, Message, Pipe, Refused
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSpec


def carry_out(spec: RunSpec, connection: Connection, prepare: Callable[[Run], object] = lambda _: None) -> None:
    """Train, and tell the search how it ended; whatever is raised is told, and ends here.

    Args:
        spec: the run.
        connection: to the search.
        prepare: called with the run before it begins.
    """
    run = Run(spec, Pipe(connection))
    prepare(run)
    message = _outcome(run, spec.training)
    try:
        connection.send(message)
    except OSError:
        return  # the search is gone, and with it who would read it
    finally:
        connection.close()


def _outcome(run: Run, training: str) -> Message:
    try:
        returned = load_training(training)(run)
    except (Pruned, Diverged) as ended:
        return run.ended(ended)
    except InputError as error:
        return Refused(f"{training}: {error}")
    except BaseException as error:  # a person's own code may raise anything, and a script ends itself
        return Failed(_described(error), traceback.format_exc())
    try:
        return Done(run.finish(returned))
    except InputError as error:
        return Refused(f"{training}: {error}")


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    user_frames = [
        frame for frame in frames if "site-packages" not in frame.filename and "lrsearch/runs" not in frame.filename
    ]
    place = (user_frames or frames)[-1]
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{said} ({place.filename.rpartition('/')[2]}, line {place.lineno})"
