"""A database that is away for a while, or a process that is: calls are tried again, and what was done is done once."""

import shutil
import sqlite3
import threading
import time

import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError, PendingRollbackError

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError, RunError, StorageLost
from lrsearch.metric import ACCURACY
from lrsearch.storage import StudyPart, create_study, open_storage
from lrsearch.storage import study as lrsearch_study
from lrsearch.storage.database import patience as lrsearch_patience
from lrsearch.storage.database.patience import patiently

CONFIG = StudyConfig(name="study")
GIVEN = {"metric": ACCURACY, "data_fingerprint": "abc", "attributes": {}}


def _failure(said: str) -> StorageInternalError:
    """Return what Optuna raises when SQLite says this."""
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = OperationalError("INSERT ...", {}, sqlite3.OperationalError(said))
    return error


class _Failing:
    """A call that fails some times before it answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.calls = list(failures), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def test_a_lock_is_waited_for(monkeypatch) -> None:
    """What passes by itself is tried again, with growing pauses."""
    pauses: list[float] = []
    monkeypatch.setattr(lrsearch_patience.time, "sleep", pauses.append)
    call = _Failing(*[_failure("database is locked")] * 10)
    assert ("done", 11) == (patiently(call), call.calls)
    assert sorted(pauses) == pauses
    assert (0.1, 10.0) == (pauses[0], pauses[-1])


def test_a_transaction_that_lost_its_connection_is_begun_anew(monkeypatch) -> None:
    """Optuna goes on in a session whose connection broke, and is told to roll back: that passes too."""
    monkeypatch.setattr(lrsearch_patience.time, "sleep", lambda _: None)
    lost = StorageInternalError("An exception is raised during the commit.")
    lost.__cause__ = PendingRollbackError("Can't reconnect until invalid transaction is rolled back.")
    assert "done" == patiently(_Failing(lost))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("database or disk is full", "free some space"),
        ("attempt to write a readonly database", "change the file's and its folder's mode"),
        ("database disk image is malformed", "lrsearch backup"),
    ],
)
def test_what_does_not_pass_is_raised_at_once_with_what_to_do(said, remedy) -> None:
    """One try, and one line that names the remedy."""
    call = _Failing(_failure(said))
    with pytest.raises(RunError, match=f"the storage failed: {said}: .*{remedy}"):
        patiently(call)
    assert 1 == call.calls


def test_patience_ends(monkeypatch) -> None:
    """A lock that is held for longer than ten minutes ends the run with a line that names it."""
    monkeypatch.setattr(lrsearch_patience, "_PATIENCE_SECONDS", 0.3)
    with pytest.raises(RunError, match="database is locked: another process has held the database"):
        patiently(_Failing(*[_failure("database is locked")] * 100))


def test_other_errors_are_left_alone() -> None:
    """A mistake in the program is neither tried again nor dressed up."""
    call = _Failing(KeyError("no such study"))
    with pytest.raises(KeyError):
        patiently(call)
    assert 1 == call.calls


def test_an_end_that_was_told_and_not_answered_is_told_once(folder, monkeypatch) -> None:
    """When the connection breaks after the commit, the second try finds the trial ended so, and is content."""
    study = optuna.create_study(storage=open_storage("sqlite:///a.db"))
    trial, other = study.ask(), study.ask()
    commit = RDBStorage.set_trial_state_values
    broken = []

    def breaks_after_the_commit(self, trial_id, state, values=None) -> bool:
        answer = commit(self, trial_id, state, values)
        if not broken:
            broken.append(trial_id)
            raise _failure("database is locked")
        return answer

    monkeypatch.setattr(RDBStorage, "set_trial_state_values", breaks_after_the_commit)
    study.tell(trial, 0.5)
    assert [trial._trial_id] == broken
    assert (TrialState.COMPLETE, 0.5) == (study.trials[0].state, study.trials[0].value)
    study._storage.set_trial_state_values(other._trial_id, TrialState.FAIL)
    with pytest.raises(UpdateFinishedTrialError):  # another process has ended it in another way
        study._storage.set_trial_state_values(other._trial_id, TrialState.COMPLETE, [0.5])


def test_a_study_that_another_machine_is_making_is_waited_for(folder) -> None:
    """A process that finds a study not filled yet opens it when it is."""
    url = "sqlite:///a.db"
    made = optuna.create_study(study_name="study", storage=open_storage(url), direction="maximize")

    def fill() -> None:
        time.sleep(0.3)
        made.set_user_attr("data_fingerprint", "abc")
        made.set_user_attr("study_file", CONFIG.model_dump(mode="json"))

    filling = threading.Thread(target=fill)
    filling.start()
    study = create_study(open_storage(url), "study", CONFIG, **GIVEN)
    filling.join()
    assert "versions" not in study.user_attrs  # it was filled by the other
    assert CONFIG == StudyPart.of(study).config


def test_a_study_that_a_killed_process_left_unfilled_is_filled(folder, monkeypatch) -> None:
    """It is no other study; but one with trials, or of another direction, is another study."""
    monkeypatch.setattr(lrsearch_study, "_FILLING_SECONDS", 0.1)
    storage = open_storage("sqlite:///a.db")
    for name, direction in (("study", "maximize"), ("other", "minimize"), ("plain", "maximize")):
        optuna.create_study(study_name=name, storage=storage, direction=direction)
    optuna.load_study(study_name="plain", storage=storage).ask()
    assert CONFIG == StudyPart.of(create_study(storage, "study", CONFIG, **GIVEN)).config
    for name in ("other", "plain"):
        with pytest.raises(InputError, match=f"'{name}' was not made by lrsearch"):
            create_study(storage, name, CONFIG, **GIVEN)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_database_that_is_deleted_or_replaced_is_an_error(folder, how: str) -> None:
    """SQLite would write on into a file that no process can open any more; every call says so."""
    storage = open_storage("sqlite:///a.db")
    study = create_study(storage, "study", CONFIG, **GIVEN)
    trial = study.ask()
    if how == "deleted":
        (folder / "a.db").unlink()
    else:
        shutil.copy("a.db", "b.db")
        (folder / "b.db").replace("a.db")
    for call in (
        storage.get_all_studies,
        study.ask,
        lambda: trial.set_user_attr("a", 1),
        lambda: study.tell(trial, 1.0),
    ):
        with pytest.raises(StorageLost, match="was deleted or replaced while it was in use"):
            call()
