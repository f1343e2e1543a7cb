"""SQLite's files: how an address names one, and what of it can be read where nothing can be written."""

import os
import subprocess
import sys

import pytest

from lrsearch.errors import InputError
from lrsearch.storage.database.sqlite import require_no_log
from tests.search.run_helpers import make_config, search


def test_a_database_whose_newest_trials_cannot_be_read_is_refused(folder) -> None:
    """A write-ahead log that SQLite cannot read, because nothing may be written beside it, is not passed over."""
    search(make_config(), 3, database="a.db")
    require_no_log(folder / "a.db")
    (folder / "a.db-wal").write_bytes(b"log")
    with pytest.raises(InputError, match=r"'.*a\.db' cannot be read whole: its newest trials are in a\.db-wal"):
        require_no_log(folder / "a.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="a read-only disk takes root")
@pytest.mark.parametrize("command", ["trials", "studies", "backup"])
def test_a_command_on_a_read_only_disk_does_not_pass_over_the_log(folder, run, command: str) -> None:
    """Exit code 2 and one line, where three of eleven trials were listed before."""
    disk = folder / "disk"
    disk.mkdir()
    search(make_config(), 3, database="a.db")
    assert 0 == run("backup", "--storage", "sqlite:///a.db", "-o", "disk/a.db").code
    subprocess.run([sys.executable, "-c", _CUT_OFF], check=True)  # leaves a log, as a killed process does
    (disk / "a.db-shm").unlink(missing_ok=True)
    if subprocess.run(["mount", "--bind", "-o", "ro", disk, disk], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    subprocess.run(["mount", "-o", "remount,bind,ro", disk], capture_output=True, check=False)
    assert (disk / "a.db-wal").stat().st_size > 0
    with pytest.raises(OSError, match="Read-only"):
        (disk / "x").touch()
    try:
        flags = ("-o", "copy.db") if command == "backup" else ()
        refused = run(command, "--storage", f"sqlite:///{disk}/a.db", *flags)
        assert "cannot be read whole: its newest trials are in a.db-wal" in refused.complaint
        assert [] == list(folder.glob("copy.db*"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


_CUT_OFF = """
import os, sqlite3
connection = sqlite3.connect("disk/a.db")
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("UPDATE trials SET number = number + 1")
connection.commit()
os._exit(0)
"""
