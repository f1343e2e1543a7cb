"""Errors of databases: what may pass by itself, and what a person can do about the others."""

import json
import sqlite3

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError, PendingRollbackError

from lrsearch.storage.database.problems import advice, database_error, explained, is_passing


class _Postgres(Exception):
    """An error as a server's driver raises it."""


def _error(cause: Exception, kind: type = OperationalError) -> StorageInternalError:
    """Return what Optuna raises around a driver's error."""
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = kind("INSERT ...", {}, cause)
    return error


class _Rpc(Exception):
    """What a gRPC call raises."""

    def __init__(self, name: str) -> None:
        self.name = name

    def code(self) -> "_Rpc":
        return self


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (_error(sqlite3.OperationalError("database is locked")), True),
        (_error(sqlite3.OperationalError("disk I/O error")), False),
        (_error(_Postgres("server closed the connection unexpectedly")), True),
        (_error(_Postgres('password authentication failed for user "me"')), False),
        (_error(_Postgres('database "none" does not exist')), False),
        (_error(_Postgres("duplicate key"), IntegrityError), False),
        (_Rpc("UNAVAILABLE"), True),
        (_Rpc("UNIMPLEMENTED"), False),
        (ConnectionRefusedError(), True),
        (PendingRollbackError("Can't reconnect until invalid transaction is rolled back."), True),
        (KeyError("no such study"), False),
    ],
    ids=lambda given: repr(given)[:40],
)
def test_what_may_pass_by_itself_is_told_from_what_will_not(error, passing) -> None:
    """Locks, restarts and lost connections pass; refusals, full disks and mistakes in the program do not."""
    assert passing == is_passing(error)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("database or disk is full", "free some space"),
        ("attempt to write a readonly database", "folder's mode"),
        ("permission denied for table studies", "GRANT SELECT"),
        ("cannot execute INSERT in a read-only transaction", "one that may write"),
        ("database disk image is malformed", "lrsearch backup"),
        ("file is not a database", "name a new one"),
        ("no such table: studies", "another program's database"),
        ('database "x" does not exist', "createdb"),
        ("sorry, too many clients already", "max_connections"),
    ],
)
def test_each_problem_has_its_remedy(said, remedy) -> None:
    """What the driver said comes first; the first of the remedies that fits is the one that is told."""
    told = advice(said)
    assert told.startswith(f"{said}: ")
    assert remedy in told
    assert told == explained(_error(_Postgres(said)))


def test_what_nobody_knows_a_remedy_for_is_left_as_it_is() -> None:
    """Nor is an error that no database raised."""
    assert "something new" == advice("something new")
    assert explained(_error(_Postgres("something new"))) is None
    assert explained(KeyError("no such study")) is None
    assert database_error(KeyError("no such study")) is None


def test_a_cell_that_cannot_be_read_is_a_damaged_file() -> None:
    """Optuna fails on what it holds, in one of a few ways."""
    broken = json.JSONDecodeError("Expecting value", "{bro", 0)
    for error in (broken, IndexError("tuple index out of range"), LookupError("'LOST' is not among the defined enum")):
        assert "a value in it cannot be read (" in str(explained(error))
