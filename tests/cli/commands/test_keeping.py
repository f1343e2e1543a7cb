"""The commands that list and keep a storage; tests/storage/test_backup.py tries the copies themselves."""

from __future__ import annotations

import json

import pytest

from lrsearch.storage import open_existing, open_storage


@pytest.fixture
def database(folder):
    """Return the default database, with one empty study."""
    storage = open_storage("sqlite:///lrsearch.db")
    storage.create_new_study([], "kept")
    return storage


def test_backup_writes_the_copy_that_is_named(database, run) -> None:
    """Nothing on standard output, the file's name on standard error, and the studies in the copy."""
    done = run("backup", "-o", "copy.db")
    assert (0, "") == (done.code, done.out)
    assert "copy.db is written" in done.err
    assert ["kept"] == [study.study_name for study in open_existing("sqlite:///copy.db").get_all_studies()]


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
