"""The commands that read what is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", ["trials", "studies", "compare", "report", "export", "dashboard"])
def test_reading_a_storage_that_is_not_there_makes_none(folder, run, command) -> None:
    """A mistyped address is one line that names the file, and leaves no database behind."""
    assert "there is no file 'typo.db'" in run(command, "--storage", "sqlite:///typo.db").complaint
    assert not Path("typo.db").exists()


def test_a_working_directory_that_was_deleted_is_one_line(run) -> None:
    """The command says what to do, with exit code 2."""
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    assert "the working directory has been deleted: change to another one" == run("studies").complaint


def test_an_empty_host_is_refused(run) -> None:
    """It would open the dashboard to all machines."""
    assert "--host must name an address" in run("dashboard", "--host", "").complaint
