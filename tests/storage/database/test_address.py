"""Addresses: what opens, what says why not, and whose databases are left alone."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY
from lrsearch.storage import (
    StoredStudy,
    absolute_address,
    create_study,
    open_existing,
    open_storage,
    redacted,
    stored_names,
)
from lrsearch.storage.database.address import NothingStored, missing_file
from tests.search.run_helpers import make_config, search

CONFIG = StudyConfig(name="study")


def _create(storage, name="study", config=CONFIG, fingerprint="abc", **attributes):
    return create_study(storage, name, config, metric=ACCURACY, data_fingerprint=fingerprint, attributes=attributes)


def test_an_address_that_cannot_be_opened_says_why(folder) -> None:
    """No folder, a folder, another kind of file, no dialect, no address at all: each has its reason."""
    notes = "these are my notes,\nand no database\n"
    (folder / "notes.txt").write_text(notes)
    said = {
        "sqlite:///none/study.db": "there is no folder 'none'",
        f"sqlite:///{folder}": "is a folder",
        "sqlite:///notes.txt": "is not a",
        "sqlite://": "name a file",
        "sqlite:///:memory:": "name a file",
        "sqlite:x.db": "name a file",
        f"sqlite:///{'x' * 300}.db": "File name too long",
        f"journal:///{'x' * 300}.log": "File name too long",
        "sqlite:///x.db?timeout=x": "as in ?timeout=60",
        "sqlite:///x.db?timeout=6&timeout=7": "as in ?timeout=60",
        "sqlite:///x.db?bogus=1": "as in ?timeout=60",
        "bogus://host/db": "bogus",
        "study.db": "Could not parse",
        "": "Could not parse",
        "journal:///none/study.log": "No such file or directory",
        "journal:///notes.txt": "Expecting value",
    }
    for url, reason in said.items():
        with pytest.raises(InputError):
            open_existing(url)
        with pytest.raises(InputError) as caught:
            open_storage(url)
        assert reason in str(caught.value)
        assert f"storage {url!r} cannot be opened: " in str(caught.value)
        assert "\n" not in str(caught.value)
    assert notes == (folder / "notes.txt").read_text()


def test_a_database_of_somebody_elses_is_refused(folder) -> None:
    """A database with a table of our name but not of our form."""
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE studies (title TEXT)")
    connection.close()
    with pytest.raises(InputError, match=r"other\.db' cannot be opened: .*study_id"):
        open_storage("sqlite:///other.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:tops3cret@127.0.0.1:1/db",
        "postgresql://me:tops3cret@x@127.0.0.1:1/db",
        "postgresql://me:a/tops3cret@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=me&password=tops3cret",
        "mysql://me:tops3cret@host:badport/db",
        "bogus://me:tops3cret@host/db",
    ],
)
def test_a_password_is_never_shown(url) -> None:
    """Not in the redacted address, and not in the error of an address that cannot be opened."""
    assert "tops3cret" not in redacted(url)
    with pytest.raises(InputError) as caught:
        open_storage(url)
    assert "tops3cret" not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_storage_in_memory_is_found_again_by_its_name() -> None:
    """Within this process; another name is another storage."""
    _create(open_storage("memory://one"), left=[1, 2])
    assert "study" == StoredStudy.read(open_existing("memory://one")).name
    assert [] == stored_names(open_storage("memory://two"))


def test_a_journal_holds_studies_too(folder) -> None:
    """`journal:///` addresses open, and a second process sees what the first has written."""
    _create(open_storage("journal:///study.log"))
    assert "study" == StoredStudy.read(open_storage("journal:///study.log")).name


@pytest.mark.parametrize(("url", "name"), [("sqlite:///x.db?timeout=60", "x.db"), ("sqlite:///a%20b.db", "a b.db")])
def test_an_address_names_the_same_file_for_those_who_write_and_read(folder, run, url: str, name: str) -> None:
    """Options and %20, as SQLAlchemy reads them: by every command, and by the guard of foreign databases."""
    assert name == missing_file(url)
    search(make_config(), 3, database="plain.db")
    shutil.copy("plain.db", name)
    assert ["tab"] == stored_names(open_existing(url)) == stored_names(open_storage(url))
    assert 0 == run("trials", "--storage", url).code
    assert 0 == run("backup", "--storage", url, "-o", "copy.db").code
    (folder / name).unlink()
    with closing(sqlite3.connect(name)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
        connection.commit()
    with pytest.raises(InputError, match="another program's database"):
        open_storage(url)


def test_a_driver_in_the_address_changes_nothing(folder) -> None:
    """`sqlite+pysqlite:` is `sqlite:`; a file that is only to be read is not made."""
    url = "sqlite+pysqlite:///x.db"
    with pytest.raises(NothingStored, match=r"there is no file 'x\.db'"):
        open_existing(url)
    assert [] == list(folder.iterdir())
    _create(open_storage(url))
    assert ["study"] == stored_names(open_existing("sqlite:///x.db"))
    assert f"sqlite+pysqlite:///{folder}/x.db" == absolute_address(url)


def test_a_file_given_as_an_address_is_told_how_it_is_written(folder, run) -> None:
    """The message holds the address that was meant."""
    assert "a file is written as sqlite:///x.db" in run("studies", "--storage", "x.db").complaint


def test_somebody_elses_database_is_not_written_by_a_reader(run, folder) -> None:
    """A reading command makes no tables in another program's database."""
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
        connection.commit()
    before = (folder / "other.db").read_bytes()
    assert "it is empty or another program's database" in run("trials", "--storage", "sqlite:///other.db").complaint
    assert before == (folder / "other.db").read_bytes()


def test_a_search_leaves_another_programs_database_alone(run, folder, study_file) -> None:
    """Optimize makes no tables beside those of another program, not even where one is called as Optuna's are."""
    for name, table in (("songs.db", "songs"), ("other.db", "studies")):
        with closing(sqlite3.connect(name)) as connection:
            connection.execute(f"CREATE TABLE {table} (title TEXT)")
            connection.execute("CREATE TABLE others (title TEXT)")
            connection.commit()
        before = (folder / name).read_bytes()
        refused = run("optimize", study_file, "--storage", f"sqlite:///{name}", "--device", "cpu")
        assert "another program's database" in refused.complaint
        assert before == (folder / name).read_bytes()
