"""`python -m lrsearch` and the console script: run a command, turn what went wrong into one line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from lrsearch.errors import InputError, RunError
from lrsearch.text import plain

_MOST_CHARACTERS = 2000
_STORED = "; everything finished so far is stored"
_THAT_STORE = ("optimize", "confirm")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    _hear_sigterm()
    try:
        return _run(arguments)
    except KeyboardInterrupt:  # while the libraries are imported, which takes a second
        return _fail("interrupted", 130)


def _run(arguments: list[str] | None) -> int:
    import typer

    from lrsearch.cli import app
    from lrsearch.processes.interruption import Interrupted

    # The class of all usage errors of the library under Typer, which Typer does not export under a name.
    usage_error: type[Exception] = typer.BadParameter.__bases__[0]
    _find_modules_here()
    command = (sys.argv[1:] if arguments is None else arguments)[:1]
    stored = _STORED if command and command[0] in _THAT_STORE else ""
    try:
        code = app(arguments, standalone_mode=False, prog_name="lrsearch")
    except InputError as error:
        return _fail(str(error), 2)
    except RunError as error:
        return _fail(f"{error}{stored}", 1)
    except usage_error as error:
        return _fail(getattr(error, "format_message", error.__str__)(), 2)
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        return _fail(f"interrupted{stored}", 130)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader of our output has gone, as `head` does
        return 0
    except Exception:
        traceback.print_exc()
        return _fail(f"failed, as shown above{stored}", 1)
    if code == 130:  # Typer's own answer to Ctrl-C while nothing of ours listened
        return _fail(f"interrupted{stored}", 130)
    return code if isinstance(code, int) else 0


def _hear_sigterm() -> None:
    """Treat SIGTERM as Ctrl-C from the first moment on; training has handlers of its own."""
    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _find_modules_here() -> None:
    """Let `--workload mine:function` find mine.py in the working directory, which a console script does not search."""
    here = str(Path.cwd())
    if not {"", here} & set(sys.path):
        sys.path.append(here)


def _fail(message: str, code: int) -> int:
    if not message:
        return code
    line = plain(" ".join(message.split()))
    shown = line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]} ..."
    print(f"lrsearch: {shown}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
