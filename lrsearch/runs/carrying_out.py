"""A training function carried out: in the run's own process or thread."""

from __future__ import annotations

import traceback
from multiprocessing.connection import Connection

from lrsearch.errors import InputError
from lrsearch.runs.errors import Diverged, Pruned
from lrsearch.runs.function import load_training
from lrsearch.runs.messages import Done, Failed, Message, Pipe, Refused
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSpec


def carry_out(spec: RunSpec, connection: Connection) -> None:
    """Train, and tell the search how it ended; whatever is raised is told, and ends here."""
    message = _outcome(spec, connection)
    try:
        connection.send(message)
    except OSError:
        return  # the search is gone, and with it who would read it
    finally:
        connection.close()


def _outcome(spec: RunSpec, connection: Connection) -> Message:
    run = Run(spec, Pipe(connection))
    try:
        returned = load_training(spec.training)(run)
    except (Pruned, Diverged) as ended:
        return run.ended(ended)
    except InputError as error:
        return Refused(f"{spec.training}: {error}")
    except BaseException as error:  # a person's own code may raise anything, and a script ends itself
        return Failed(_described(error), traceback.format_exc())
    try:
        return Done(run.finish(returned))
    except InputError as error:
        return Refused(f"{spec.training}: {error}")


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and "lrsearch/runs" not in frame.filename]
    place = (own or frames)[-1]
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{said} ({place.filename.rpartition('/')[2]}, line {place.lineno})"
