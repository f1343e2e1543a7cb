"""Copies of a database while others write, and what the doctor says of one."""

import sqlite3
import threading
import warnings
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.storages import get_storage, run_grpc_proxy_server

from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.search.optimize import run_search
from lrsearch.storage import back_up, examine_storage, load_study, open_existing, open_storage, records
from lrsearch.storage.database import proxy as lrsearch_proxy
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
    assert "is there already: name another file with -o" in run("backup", "-o", "taken.db").complaint
    assert "mine" == Path("taken.db").read_text()
    assert 0 == run("backup").code
    assert 1 == len(list(folder.glob("lrsearch-????????-??????.db")))
    assert "nothing to back up" in run("backup", "--storage", "sqlite:///none.db").complaint
    assert "cp makes a consistent copy" in run("backup", "--storage", "journal:///a.log").complaint


def test_the_doctor_tells_what_is_left_open(folder) -> None:
    """Integrity, room, and for each study its trials: those of dead processes and those that wait are named."""
    url = "sqlite:///lrsearch.db"
    study = search(make_config(), 3)
    study.ask().set_user_attr("worker", f"{records(study)[0].worker.split(':')[0]}:999999999:1")
    study.ask().set_user_attr("worker", "another-machine:1:1")
    study.enqueue_trial({"family": "cosine"})
    optuna.create_study(study_name="plain", storage=open_storage(url))
    found = {finding.name: finding for finding in examine_storage(url)}
    assert all(finding.ok for finding in found.values()), found
    assert "intact, Optuna's schema v" in found["database"].detail
    said = found["study tab"].detail
    assert "3 complete, 2 running, 1 waiting" in said
    assert "1 of those running belong to dead processes: the next optimize resumes them" in said
    assert "some run on another-machine" in said
    assert "1 wait for the next optimize" in said
    assert "no trials; not made by lrsearch" == found["study plain"].detail
    assert ["storage"] == [finding.name for finding in examine_storage("sqlite:///none.db")]


def test_a_search_runs_through_the_proxy(folder) -> None:
    """A grpc:// address takes a search; where nobody listens, or the address is none, one line says so."""
    database = open_storage("sqlite:///behind.db")

    def serve() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_grpc_proxy_server(get_storage(database), host="127.0.0.1", port=13078)

    pytest.importorskip("grpc", reason="needs lrsearch[grpc]")
    threading.Thread(target=serve, daemon=True).start()
    url = "grpc://127.0.0.1:13078"
    _, state = run_search(make_config(search__trials=6), RunOptions(storage=url, workers=1, device="cpu"))
    assert 6 == state.complete + state.pruned
    assert 6 == sum(record.finished for record in records(load_study(open_existing("sqlite:///behind.db"), "tab")))
    with pytest.raises(InputError, match=r"as in grpc://127\.0\.0\.1:13000"):
        open_storage("grpc://127.0.0.1")


def test_a_proxy_that_is_not_there_is_one_line(monkeypatch) -> None:
    """Nobody listens: one line that names the address."""
    pytest.importorskip("grpc", reason="needs lrsearch[grpc]")
    monkeypatch.setattr(lrsearch_proxy, "_CONNECT_SECONDS", 0.3)
    with pytest.raises(InputError, match=r"storage 'grpc://127\.0\.0\.1:1' cannot be opened: no proxy answers there"):
        open_storage("grpc://127.0.0.1:1")


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
