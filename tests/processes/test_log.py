"""The log on standard error: one line a record, in the command's own words, configured like any other log."""

import logging
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
