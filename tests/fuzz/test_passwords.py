"""The password of a storage's address is never printed, stored or handed on."""

from pathlib import Path

import pytest

from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.passwords import without_secrets
from lrsearch.storage import open_existing, open_storage, redacted
from tests.postgres_server import PASSWORD, binaries, postgres_server

SECRET = "s3cr3t-W0rd"
REFUSED = f"postgresql+psycopg://user:{SECRET}@127.0.0.1:1/db"
ADDRESSES = [
    REFUSED,
    f"postgresql://user:{SECRET}",
    f"postgresql://user:{SECRET}/db",
    f"postgresql://user:{SECRET}@127.0.0.1:port/db",
    f"postgresql://user:a@b:{SECRET}@127.0.0.1:port/db",
    f"postgresql://127.0.0.1:1/db?user=me&password={SECRET}&sslmode=none",
    f"mysql+nothing://user:{SECRET}@host/db",
    f"nonsense://user:{SECRET}@host",
    f"user:{SECRET}@host/db",
    f"sqlite://user:{SECRET}@host",
    f"grpc://user:{SECRET}@127.0.0.1:port",
    f"journal://user:{SECRET}@host",
    f"postgresql//user:{SECRET}@host/db",
    f"postgresql://user:new\nline-{SECRET}@127.0.0.1:1/db",
    f"host=127.0.0.1 port=1 user=me password={SECRET} dbname=x",
]
COMMANDS = [
    ("optimize", "tab.toml", "--workers", "1", "--device", "cpu"),
    ("confirm", "tab.toml", "--workers", "1", "--device", "cpu"),
    ("confirm", "--study-name", "tab"),
    ("compare",),
    ("report",),
    ("export",),
    ("trials",),
    ("studies",),
    ("dashboard", "--port", "0"),
    ("doctor", "--dataset", "digits"),
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("opened", [open_storage, open_existing])
def test_no_address_is_quoted_with_its_password(address: str, opened) -> None:
    """However badly an address is written, the error that refuses it and all its causes are without the password."""
    with pytest.raises(InputError) as caught:
        opened(address)
    assert SECRET not in str(caught.value)
    shown = caught.value.__cause__ or (None if caught.value.__suppress_context__ else caught.value.__context__)
    while shown is not None:
        assert SECRET not in str(shown)
        shown = shown.__cause__


def test_an_at_sign_in_a_password_is_told_how_to_be_written() -> None:
    """It ends the password for every driver, so the line that refuses the address says what to write instead."""
    with pytest.raises(InputError, match="%40"):
        open_storage(f"postgresql+psycopg://user:new@{SECRET}@127.0.0.1:port/db")
    with pytest.raises(InputError) as refused:
        open_storage(f"postgresql+psycopg://user:{SECRET}@127.0.0.1:port/db")
    assert "%40" not in str(refused.value)
    assert "port, after the last colon, must be a number" in str(refused.value)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("from_environment", [False, True], ids=["flag", "LRSEARCH_STORAGE"])
def test_no_command_prints_or_keeps_a_password(run, folder: Path, study_file, monkeypatch, command, from_environment):
    """Each command fails on a server that is not there, and neither its output nor a file that it left has the word."""
    monkeypatch.setenv("LRSEARCH_STORAGE", REFUSED if from_environment else "sqlite:///unused.db")
    outcome = run(*command, *(() if from_environment else ("--storage", REFUSED)))
    assert outcome.code in (1, 2)
    assert "127.0.0.1" in outcome.out + outcome.err
    assert SECRET not in outcome.out + outcome.err
    assert [] == [file.name for file in folder.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


@pytest.mark.parametrize("flags", [("--help",), ("trials", "--help"), ("optimize", "--help")])
def test_help_does_not_show_what_the_environment_holds(run, monkeypatch, flags):
    """A default that is taken from LRSEARCH_STORAGE is named by the variable alone."""
    monkeypatch.setenv("LRSEARCH_STORAGE", REFUSED)
    outcome = run(*flags)
    assert SECRET not in outcome.out + outcome.err


@pytest.mark.slow
@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)")
def test_no_table_of_a_database_holds_the_password_to_it(study_file, run) -> None:
    """After a search on a real server neither its tables nor any file that the command left holds the password."""
    psycopg = pytest.importorskip("psycopg", reason="needs lrsearch[postgres]")
    with postgres_server() as server:
        assert 0 == run("optimize", study_file, "--storage", server.url, "--workers", "1", "--device", "cpu").code
        assert 0 == run("export", "--storage", server.url, "-o", "best.yaml").code
        with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            rows = [str(connection.execute(f'SELECT * FROM "{name}"').fetchall()) for (name,) in tables]
    assert any("study_file" in text for text in rows)
    assert not any(PASSWORD in text for text in rows)
    left = [file for file in study_file.parent.parent.rglob("*") if file.is_file()]
    assert any("best.yaml" == file.name for file in left)
    assert not any(PASSWORD.encode() in file.read_bytes() for file in left)


def test_options_are_shown_without_their_storage() -> None:
    """A traceback or a notebook that shows the options of a run does not show the address."""
    assert SECRET not in repr(RunOptions(storage=REFUSED))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite:///lrsearch.db", "sqlite:///lrsearch.db"),
        ("sqlite:////data/a:b@c.db", "sqlite:////data/a:b@c.db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://user@host/db", "postgresql://user@host/db"),
        ("postgresql://user:p@ss:w/rd@host:1/db", "postgresql://user:***@host:1/db"),
        ("postgresql://host/db?sslpassword=x&a=b", "postgresql://host/db?sslpassword=***&a=b"),
    ],
)
def test_an_address_without_a_password_is_shown_as_it_is(address, shown):
    """Only passwords are hidden: users, hosts, ports, paths and other settings stay."""
    assert shown == redacted(address)


def test_a_password_is_hidden_as_a_driver_reads_it():
    """An escaped password is found in a message that quotes it unescaped."""
    assert "no role with ***" == without_secrets("no role with p@ss!", "postgresql://u:p%40ss%21@host/db")
