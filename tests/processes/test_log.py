"""The log on standard error: one line a record, in the command's own words, configured like any other log."""

import io
import logging
import os
import sys

import pytest

from lrsearch.processes.log import StandardError, log_level, log_to_standard_error

LOGGER = logging.getLogger("lrsearch")


@pytest.fixture(autouse=True)
def _restored():
    level, handlers = LOGGER.level, list(LOGGER.handlers)
    yield
    LOGGER.setLevel(level)
    LOGGER.handlers[:] = handlers


def test_information_is_printed_as_it_is_and_warnings_with_the_name(capsys) -> None:
    """Each record is one line without control characters, once however often the log was set up."""
    log_to_standard_error()
    log_to_standard_error()
    logging.getLogger("lrsearch.cli.console").info(" 44% · 4 of 10\x1b[31m")
    logging.getLogger("lrsearch.storage").warning("the storage\n  does not answer (%s)", "50 %")
    assert " 44% · 4 of 10?[31m\nlrsearch: the storage does not answer (50 %)\n" == capsys.readouterr().err


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


def test_a_terminal_breaks_lines_at_words_and_no_command(monkeypatch) -> None:
    """A command that is broken in two cannot be copied."""
    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((26, 40)))
    log_to_standard_error()
    LOGGER.info("8 seeds and differences above 1.3 points")
    LOGGER.info("Next: lrsearch export -o best.py")
    LOGGER.info("Next: lrsearch studies")
    assert terminal.getvalue().endswith("\r\x1b[2KNext: lrsearch studies\n")  # instead of a line of progress
    LOGGER.error("there is no study 'tab' in this storage")
    assert terminal.getvalue().replace("\r\x1b[2K", "").splitlines() == [
        "8 seeds and differences",
        "  above 1.3 points",
        "Next:",
        "  lrsearch export -o best.py",
        "Next: lrsearch studies",
        "lrsearch: there is no",
        "  study 'tab' in this",
        "  storage",
    ]


def test_a_level_decides_what_is_shown(capsys) -> None:
    """The level of the logger "lrsearch" is that of its processes too."""
    log_to_standard_error(logging.ERROR)
    assert logging.ERROR == log_level()
    logging.getLogger("lrsearch.trials").warning("unseen")
    assert "" == capsys.readouterr().err


@pytest.mark.parametrize("broken", [None, "closed"])
def test_a_record_that_cannot_be_written_is_dropped(monkeypatch, broken, tmp_path) -> None:
    """A closed standard error ends nothing."""
    stream = None if broken is None else (tmp_path / "log").open("w")
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    record = logging.LogRecord("lrsearch", logging.ERROR, "", 0, "lost", None, None)
    StandardError().handle(record)
