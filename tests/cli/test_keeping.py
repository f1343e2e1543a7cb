"""The command that keeps a storage; tests/storage/test_backup.py tries the copies themselves."""

from __future__ import annotations

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
