"""The commands that read what is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def _optimize(run, study_file, *flags):
    return run("optimize", study_file, "--workers", "1", "--device", "cpu", *flags)


def test_trials_and_studies_are_listed_in_every_form(run, study_file) -> None:
    """Table, JSON and CSV hold the same trials; flags choose among them, and a wrong one is refused."""
    _optimize(run, study_file, "--study-name", "one")
    rows = json.loads(run("trials", "--format", "json").out)
    assert list(range(6)) == [row["trial"] if "trial" in row else row["number"] for row in rows]
    assert 1 + len(rows) == len(run("trials", "--format", "csv").out.splitlines())
    assert 1 + len(rows) == len(run("trials").out.splitlines())
    assert 2 == len(json.loads(run("trials", "--family", "cosine", "--format", "json").out))
    assert "--state" in run("trials", "--state", "done").complaint
    (study,) = json.loads(run("studies", "--format", "json").out)
    assert ("one", "search", 6) == (study["study"], study["kind"], study["complete"] + study["pruned"])
    assert "there is no study 'two' in this storage; there are: one" in run("trials", "--study-name", "two").complaint


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
