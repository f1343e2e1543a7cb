"""Disks that are full, files that may only be read, are damaged or another program's: one line that says what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lrsearch.storage import StoredStudy, open_existing, open_storage, shared_disk_warning
from lrsearch.storage.database import sqlite as lrsearch_sqlite
from tests.report.report_helpers import fill, small_config
from tests.search.run_helpers import make_config, search

ROOT = Path(__file__).parents[3]
AS_ROOT = os.getuid() == 0


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database that holds a search, in one whole file; copy it before you break it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        search(make_config(), 6, database="whole.db")
    with closing(sqlite3.connect(folder / "whole.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    return folder / "whole.db"


def _command(*arguments: str, folder: Path, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*before, sys.executable, "-m", "lrsearch", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def _as_anybody() -> tuple[str, ...]:
    """Return what a command begins with so that file modes hold for it, also where root runs the tests."""
    if not AS_ROOT:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("file modes do not hold for root, and there is no setpriv to give that up")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture
def read_only(folder, searched) -> Iterator[Path]:
    """Return a folder that may only be read, with a database that may only be read."""
    place = folder / "archive"
    place.mkdir()
    shutil.copy(searched, place / "s.db")
    (place / "s.db").chmod(0o444)
    place.chmod(0o555)
    yield place
    place.chmod(0o755)


@pytest.mark.integration
def test_what_may_only_be_read_is_read(folder, study_file, read_only) -> None:
    """Listing and exporting work where nothing may be written; searching on is refused with what to do."""
    storage = ("--storage", f"sqlite:///{read_only}/s.db")
    listed = _command("trials", *storage, "--format", "csv", folder=folder, before=_as_anybody())
    assert (0, 7, "") == (listed.returncode, len(listed.stdout.splitlines()), listed.stderr)
    refused = _command("optimize", str(study_file), *storage, folder=folder, before=_as_anybody())
    assert 2 == refused.returncode
    assert "readonly database: nothing may be written to it: change the file's and its folder's mode" in refused.stderr
    assert ["s.db"] == [path.name for path in read_only.iterdir()]


def test_a_verdict_that_cannot_be_noted_is_given_all_the_same(run, folder, monkeypatch) -> None:
    """A comparison on a database that may only be read prints its verdict and one line about the dashboard's note."""
    fill(open_storage("sqlite:///c.db"), small_config())
    prepare = lrsearch_sqlite._prepare

    def read_only(storage, pragmas, *, begin) -> None:
        prepare(storage, (*pragmas, "PRAGMA query_only=ON"), begin=begin)

    monkeypatch.setattr(lrsearch_sqlite, "_prepare", read_only)
    given = run("compare", "--storage", "sqlite:///c.db")
    assert 0 == given.code, given.err
    assert given.out
    assert "do not get this verdict: the storage failed: attempt to write a readonly database" in given.err


@pytest.mark.parametrize("where", ["pages", "end"])
def test_a_damaged_database_is_one_line_and_left_as_it_is(run, folder, searched, where) -> None:
    """Overwritten or cut off: each command ends with one line that names the remedy, and the doctor with code 1."""
    damaged = bytearray(searched.read_bytes())
    if where == "pages":
        for page in range(8, len(damaged) // 4096):
            damaged[page * 4096 : page * 4096 + 512] = bytes(255 - (7 * i) % 256 for i in range(512))
    else:
        del damaged[len(damaged) // 2 :]
    (folder / "d.db").write_bytes(damaged)
    for arguments in (("trials",), ("studies",), ("export",), ("backup",)):
        ended = run(*arguments, "--storage", "sqlite:///d.db")
        assert ended.code in (1, 2), (arguments, ended)
        assert 1 == len(ended.err.splitlines()), ended.err
        assert "malformed" in ended.err
        assert ".recover" in ended.err
    told = run("doctor", "--storage", "sqlite:///d.db", "--workload", "tests.workload_examples:tabular")
    assert 1 == told.code
    assert "malformed" in told.out or "damaged" in told.out
    assert bytes(damaged) == (folder / "d.db").read_bytes()
    assert {"d.db"} == {path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm"))}


@pytest.mark.integration
def test_a_full_disk_ends_a_run_with_one_line(folder) -> None:
    """On a disk of two megabytes a search ends with code 1 and what to do; what was finished can be read."""
    disk = folder / "small"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if not AS_ROOT or subprocess.run(mounted, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can make a small disk")
    try:
        study = folder / "study.toml"
        study.write_text(
            'name = "tab"\nworkload = "tests.workload_examples:tabular"\n[training]\nepochs = 3\n'
            '[search]\nfamilies = ["constant", "cosine"]\nsampler = "random"\npruner = "none"\n'
        )
        storage = ("--storage", f"sqlite:///{disk}/s.db")
        flags = ("--trials", "2000", "--workers", "1", "--lanes", "2", "--device", "cpu")
        ended = _command("optimize", str(study), *storage, *flags, folder=folder)
        assert 1 == ended.returncode, ended.stderr
        assert "Traceback" not in ended.stderr
        assert "disk is full: free some space on that disk, then run the same command again" in ended.stderr
        finished = [r for r in StoredStudy.read(open_existing(storage[1])).trials if r.finished]
        assert finished
        copied = _command("backup", *storage, "-o", str(folder / "copy.db"), folder=folder)
        assert 0 == copied.returncode, copied.stderr
        kept = [r for r in StoredStudy.open(f"sqlite:///{folder}/copy.db").trials if r.finished]
        assert [r.value for r in finished] == [r.value for r in kept]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize(
    ("mount", "kind"),
    [
        ("server:/export {} nfs4 rw 0 0", "nfs4"),
        ("//server/share {} cifs rw 0 0", "cifs"),
        ("me@host: {} fuse.sshfs rw 0 0", "fuse.sshfs"),
        ("/dev/sda1 {} ext4 rw 0 0", None),
    ],
)
def test_a_network_file_system_is_told(folder, monkeypatch, mount, kind) -> None:
    """By the innermost mount over the file; blanks in its name are written in octal."""
    place = folder / "my share"
    place.mkdir()
    mounts = folder / "mounts"
    inner = mount.format(str(place).replace(" ", r"\040"))
    mounts.write_text(f"/dev/root / ext4 rw 0 0\nserver:/all {folder} nfs rw 0 0\n{inner}\n")
    monkeypatch.setattr(lrsearch_sqlite, "_MOUNTS", mounts)
    warning = shared_disk_warning(f"sqlite:///{place}/s.db")
    assert (kind is None) == (warning is None)
    assert kind is None or f"({kind}): SQLite's write-ahead log needs a local disk" in warning


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE trial_user_attributes SET value_json = '{bro' WHERE trial_id = 3 AND key = 'worker'",
        "UPDATE trial_params SET param_value = 99999 WHERE param_name = 'family' AND trial_id = 2",
        "UPDATE trials SET state = 'LOST' WHERE trial_id = 1",
    ],
)
def test_a_damaged_cell_is_one_line_and_the_doctor_names_the_study(run, folder, searched, damage: str) -> None:
    """What Optuna cannot read ends a command with one line; the doctor continues and says which study it is in."""
    shutil.copy(searched, folder / "c.db")
    with closing(sqlite3.connect("c.db")) as connection:
        assert 1 <= connection.execute(damage).rowcount
        connection.commit()
    for arguments in (("trials",), ("studies",), ("export",), ("report",)):
        ended = run(*arguments, "--storage", "sqlite:///c.db")
        assert 1 == ended.code, (arguments, ended)
        assert 1 == len(ended.err.splitlines()), ended.err
        assert "a value in it cannot be read" in ended.err
    told = run("doctor", "--storage", "sqlite:///c.db", "--workload", "tests.workload_examples:tabular")
    assert 1 == told.code
    assert "ok  database" in told.out
    assert "BAD study tab: the storage failed: a value in it cannot be read" in told.out


def test_the_doctor_shows_no_control_characters_of_names(run, folder, searched) -> None:
    """A study's name cannot forge a line of the doctor's, nor colour the terminal."""
    shutil.copy(searched, folder / "c.db")
    with closing(sqlite3.connect("c.db")) as connection:
        connection.execute("UPDATE studies SET study_name = 'x' || char(27) || '[31m' || char(10) || 'ok  all: well'")
        connection.commit()
    told = run("doctor", "--storage", "sqlite:///c.db", "--workload", "tests.workload_examples:tabular")
    assert "\x1b" not in told.out
    assert not any(line.startswith("ok  all") for line in told.out.splitlines())
