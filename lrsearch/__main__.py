"""`python -m lrsearch` and the console script: run a command, turn an error into one line and an exit code."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shlex
import signal
import sys
import threading
import traceback
from pathlib import Path

from lrsearch.errors import AllDiverged, InputError, RunError, RunsCrashed, StorageLost
from lrsearch.processes.interruption import STOP_SIGNALS, Interrupted
from lrsearch.processes.log import log_to_standard_error
from lrsearch.processes.streams import output_problem, patient_streams

logger = logging.getLogger("lrsearch")

_MOST_CHARACTERS = 2000
_COMMANDS_THAT_STORE = ("run", "optimize", "confirm")


def command() -> int:
    """Run the command line as a process of its own, which ends without a last search of the libraries for garbage.

    That search takes long once torch is imported, and nothing that is left is in use.
    """
    atexit.register(gc.freeze)  # registered first, it comes after everything else that is done at the end
    return main()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    _heed_signals()
    log_to_standard_error()
    with patient_streams():
        try:
            code = _run(arguments)
        except KeyboardInterrupt:  # while the libraries are imported, which takes a second
            code = _fail("interrupted", 130)
        if lost := output_problem():
            code = _fail(f"standard output cannot be written: {lost}", code or 1)
        return code


def _run(arguments: list[str] | None) -> int:
    import typer

    from lrsearch.cli import app

    # The class of all usage errors of the library under Typer, which Typer does not export under a name.
    usage_error: type[Exception] = typer.BadParameter.__bases__[0]
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _find_modules_here()
        code = app(arguments, standalone_mode=False, prog_name="lrsearch")
    except InputError as error:
        return _fail(str(error), 2)
    except (RunsCrashed, AllDiverged, StorageLost) as error:
        return _fail(str(error), 1)
    except RunError as error:
        return _fail(f"{error}{_stored(given)}", 1)
    except usage_error as error:
        return _fail(_usage(error), 2)
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        return _fail(f"interrupted{_stored(given)}", 130)
    except Exception:
        print(_without_passwords(traceback.format_exc()), end="", file=sys.stderr)
        return _fail(f"failed, as shown above{_stored(given)}", 1)
    if code == 130:  # Typer's own answer to Ctrl-C outside a search
        return _fail(f"interrupted{_stored(given)}", 130)
    return code if isinstance(code, int) else 0


def _heed_signals() -> None:
    """Treat SIGTERM and SIGHUP as Ctrl-C from the first moment on; training has handlers of its own."""
    if threading.current_thread() is threading.main_thread():
        for signum in STOP_SIGNALS:
            if signal.getsignal(signum) == signal.SIG_DFL:
                signal.signal(signum, signal.default_int_handler)


def _find_modules_here() -> None:
    """Let `--workload mine:function` find mine.py in the working directory, which a console script does not search."""
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        raise InputError("the working directory has been deleted: change to another one") from None
    if not {"", here} & set(sys.path):
        sys.path.append(here)


def _stored(arguments: list[str]) -> str:
    """Return what is said where a command ends early that stores what it does: how it is typed again, no password."""
    from lrsearch.passwords import redacted

    if not arguments or arguments[0] not in _COMMANDS_THAT_STORE:
        return ""
    again = shlex.join(["lrsearch", *(redacted(word) if "://" in word else word for word in arguments)])
    return f"; everything finished so far is stored, and the same command goes on: {again}"


def _usage(error: Exception) -> str:
    """Return what is wrong with the arguments; a value of the wrong type in the words of study files."""
    from pydantic import ValidationError

    from lrsearch.config.messages import requirement, shortened

    message = str(getattr(error, "format_message", error.__str__)())
    if isinstance(error.__cause__, ValidationError):
        problems = error.__cause__.errors()
        if problems[0]["type"] != "value_error":
            message = f"{message.partition(': ')[0]}: {requirement(problems)}, got {shortened(problems[0]['input'])}"
    return message.replace("Value error, ", "")


def _without_passwords(text: str) -> str:
    """Return text, some of it other people's, without the passwords of the addresses in it and of the storage."""
    from lrsearch.passwords import without_passwords, without_secrets

    return without_passwords(without_secrets(text, os.environ.get("LRSEARCH_STORAGE", "")))


def _fail(message: str, code: int) -> int:
    if message:
        shown = message if len(message) <= _MOST_CHARACTERS else f"{message[:_MOST_CHARACTERS]} ..."
        logger.error(shown)
    return code


if __name__ == "__main__":
    sys.exit(command())
