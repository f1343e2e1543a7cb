"""Trials read from the tables are those that Optuna reads, whichever of them are asked for."""

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from lrsearch.storage import open_storage
from lrsearch.storage.database import optuna_tables, trial_reading
from tests.storage.odd_studies import fill


@pytest.mark.parametrize("at_once", [4, 500])
def test_trials_are_those_that_optuna_reads(folder, monkeypatch, at_once: int) -> None:
    """All of a study, some of it by their ids, and the newest; NaN, infinities, times and distributions included."""
    monkeypatch.setattr(trial_reading, "_AT_ONCE", at_once)
    ours = open_storage("sqlite:///a.db")
    fill(ours, seed=3)
    theirs = RDBStorage("sqlite:///a.db")
    for study in theirs.get_all_studies():
        number = study._study_id
        every = theirs.get_all_trials(number)
        assert repr(every) == repr(ours.get_all_trials(number))
        ids = [trial._trial_id for trial in every]
        for included, after in [(set(), -1), (set(ids[:3]), 0), (set(ids[1:9]), max(ids[-2:-1], default=0))]:
            expected = theirs._get_trials(number, None, included, after)
            assert repr(expected) == repr(ours._get_trials(number, None, included, after))
        for states in [(TrialState.WAITING,), (TrialState.RUNNING, TrialState.PRUNED)]:
            assert repr(theirs.get_all_trials(number, states=states)) == repr(
                ours.get_all_trials(number, states=states)
            )
    theirs.engine.dispose()


def test_a_study_that_is_gone_is_said_so(folder) -> None:
    """As with Optuna, there is no list of its trials, not even an empty one."""
    with pytest.raises(KeyError, match="no study number 7"):
        open_storage("sqlite:///a.db").get_all_trials(7)


def test_tables_of_another_version_are_left_to_optuna(folder, monkeypatch) -> None:
    """A later Optuna may have changed them."""
    monkeypatch.setattr(optuna_tables, "VERSION", "v9")
    monkeypatch.setattr("lrsearch.storage.database.quick.read_trials", None)
    storage = open_storage("sqlite:///a.db")
    study = optuna.create_study(storage=storage)
    study.ask()
    assert [trial.state for trial in storage.get_all_trials(study._study_id)] == [TrialState.RUNNING]
