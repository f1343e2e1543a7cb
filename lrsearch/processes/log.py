"""The log on standard error: a line for each record, in the command and in the processes that it starts.

Every module logs to `logging.getLogger(__name__)`, all below the logger "lrsearch". The command line shows them by one
handler; Python users configure that logger like any other.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from textwrap import fill

from lrsearch.text import plain

_LOGGER = logging.getLogger("lrsearch")
_ERASE = "\r\x1b[2K"
"""Takes away the line of progress, which another process may have drawn on the terminal."""
_COMMAND = re.compile(r"\blrsearch [a-z]")


class StandardError(logging.Handler):
    """Writes records to what `sys.stderr` is at that moment: information as it is, warnings as "lrsearch: ...".

    On a terminal they are wrapped at words; a command in them stays whole, so that it can be copied.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line; what cannot be written is dropped, because it must not end a search."""
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            message = f"lrsearch: {' '.join(message.split())}"
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                shown = plain(message)
                if sys.stderr.isatty():
                    shown = _ERASE + _wrapped(shown, os.get_terminal_size(sys.stderr.fileno()).columns)
                print(shown, file=sys.stderr, flush=True)


def _wrapped(line: str, columns: int) -> str:
    """Return a line in pieces that fit, from the command that it quotes on as the last one, however long."""
    if len(line) <= columns:
        return line
    width, quoted = max(columns - 2, 20), _COMMAND.search(line)
    prose, command = (line, "") if quoted is None else (line[: quoted.start()], f"\n  {line[quoted.start() :]}")
    return fill(prose, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) + command


def log_to_standard_error(level: int = logging.INFO) -> None:
    """Show records of this level and above on standard error; called again it changes the level alone."""
    _LOGGER.setLevel(level)
    if not any(isinstance(handler, StandardError) for handler in _LOGGER.handlers):
        _LOGGER.addHandler(StandardError())


def log_level() -> int:
    """Return the level from which records are shown, for processes to be started with the same."""
    return _LOGGER.getEffectiveLevel()
