"""Copies of a database while others write, and what the doctor says of one."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import optuna

from lrsearch.storage import back_up, load_study, open_existing, open_storage, records
from tests.search.run_helpers import make_config, search


def test_a_copy_is_one_moment_of_a_database_that_others_write(folder) -> None:
    """While trials are written without a pause, each copy is intact and holds a beginning of what is there at last."""
    url = "sqlite:///live.db"
    study = optuna.create_study(study_name="live", storage=open_storage(url))
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            trial = study.ask()
            trial.report(1.0, 1)
            study.tell(trial, float(trial.number))

    writing = threading.Thread(target=write)
    writing.start()
    copies = [back_up(url, Path(f"copy-{number}.db")) for number in range(3)]
    done.set()
    writing.join()
    whole = [trial.value for trial in study.get_trials()]
    for copy in copies:
        finished = [r for r in records(load_study(open_existing(f"sqlite:///{copy}"), "live")) if r.finished]
        assert whole[: len(finished)] == [record.value for record in finished]
        assert all({1: 1.0} == record.reported for record in finished)
    assert {"live.db", *map(str, copies)} == {path.name for path in folder.glob("*.db")}


def test_a_backup_writes_over_nothing(run, folder) -> None:
    """A file that is there stays; without -o the copy has the database's name and the time; no database, no copy."""
    search(make_config(), 3)
    Path("taken.db").write_text("mine")
    assert "exists: name another file with -o" in run("backup", "-o", "taken.db").complaint
    assert "mine" == Path("taken.db").read_text()
    assert "exists" in run("backup", "-o", "/").complaint
    assert "File name too long" in run("backup", "-o", "x" * 300).err
    assert 0 == run("backup").code
    assert 1 == len(list(folder.glob("lrsearch-????????-??????.db")))
    assert "nothing to back up" in run("backup", "--storage", "sqlite:///none.db").complaint
    assert "cp makes a consistent copy" in run("backup", "--storage", "journal:///a.log").complaint


def test_what_is_no_storage_is_not_backed_up(run, folder) -> None:
    """An empty file or another program's database is refused, and no copy is left."""
    (folder / "empty.db").touch()
    with closing(sqlite3.connect("songs.db")) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    for name in ("empty.db", "songs.db"):
        ended = run("backup", "--storage", f"sqlite:///{name}", "-o", "copy.db")
        assert 1 == ended.code, ended
        assert "it is empty or another program's database" in ended.err
    assert ["empty.db", "songs.db"] == sorted(path.name for path in folder.iterdir())
    assert "there is no folder 'nowhere'" in run("backup", "--storage", "sqlite:///songs.db", "-o", "nowhere/c.db").err
