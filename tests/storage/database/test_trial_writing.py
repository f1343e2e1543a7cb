"""What is written into the tables is what Optuna would have written, and all that comes together or none."""

import math

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import TrialState

from lrsearch.storage import open_storage, report, set_attributes
from lrsearch.storage.database import optuna_tables
from lrsearch.storage.database.trial_cache import cached

RATE = FloatDistribution(0.01, 1.0, log=True)


def _study(storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(study_name="a", storage=storage)


def _fill(storage: BaseStorage) -> None:
    """Write two trials with all that a search writes, some of it twice."""
    study = _study(storage)
    trials = [study.ask({"family": CategoricalDistribution(("a", "b")), "rate": RATE}) for _ in range(2)]
    for trial in trials:
        storage.set_trial_user_attr(trial._trial_id, "worker", "first")
        storage.set_trial_user_attr(trial._trial_id, "worker", {"name": "second", "list": [1, None, 2.5]})
        for step, value in enumerate((0.5, math.nan, math.inf, -math.inf, 1)):
            storage.set_trial_intermediate_value(trial._trial_id, step, value)
        storage.set_trial_intermediate_value(trial._trial_id, 0, 0.75)
    study.tell(trials[0], 1.0)


def _stored(file: str) -> list[str]:
    """Return the trials of a database as Optuna reads them, without times and drawn values."""
    storage = RDBStorage(f"sqlite:///{file}")
    trials = storage.get_all_trials(storage.get_all_studies()[0]._study_id)
    storage.engine.dispose()
    parts = ("number", "state", "values", "distributions", "user_attrs", "system_attrs", "intermediate_values")
    return [repr([getattr(trial, part) for part in parts]) for trial in trials]


def test_tables_are_those_that_optuna_leaves(folder) -> None:
    """Attributes and reports written over earlier ones; NaN and infinities; parameters, the second trial's too."""
    theirs = RDBStorage("sqlite:///theirs.db")
    _fill(theirs)
    theirs.engine.dispose()
    _fill(cached(open_storage("sqlite:///ours.db")))
    assert _stored("theirs.db") == _stored("ours.db")


@pytest.mark.parametrize("version", [optuna_tables.VERSION, "v9"])
def test_reports_and_attributes_come_together(folder, monkeypatch, version: str) -> None:
    """A step that was reported is left; where the tables are not known Optuna writes the same."""
    monkeypatch.setattr(optuna_tables, "VERSION", version)
    study = _study(cached(open_storage("sqlite:///a.db")))
    first, second = study.ask(), study.ask()
    set_attributes(first, {"worker": "w", "epochs": 3})
    report([(first, 1, 0.5), (second, 1, math.nan)])
    report([])
    assert [{1: 0.5}, {1: pytest.approx(math.nan, nan_ok=True)}] == [t.intermediate_values for t in study.trials]
    assert {"worker": "w", "epochs": 3} == study.trials[0].user_attrs
    if version != "v9":  # Optuna says so with a warning
        report([(first, 1, 0.9), (first, 2, 0.6)])
        assert {1: 0.5, 2: 0.6} == study.trials[0].intermediate_values


def test_a_finished_trial_is_refused_and_the_others_keep_nothing_of_it(folder) -> None:
    """Each kind of writing says so as Optuna does, and a trial that does not exist is told from it."""
    storage = open_storage("sqlite:///a.db")
    study = _study(cached(storage))
    ended, running = study.ask({"rate": RATE}), study.ask({"rate": RATE})
    study.tell(ended, state=TrialState.FAIL)
    writings = {
        "attributes": lambda number: storage.set_trial_user_attrs(number, {"worker": "w"}),
        "report": lambda number: storage.set_trial_intermediate_value(number, 1, 0.5),
        "reports": lambda number: storage.add_reports([(running._trial_id, 1, 0.5), (number, 1, 0.5)]),
        "parameter": lambda number: storage._set_trial_param(number, "b", 0.5, RATE, RATE),
    }
    for write in writings.values():
        with pytest.raises(UpdateFinishedTrialError, match="0 has already finished"):
            write(ended._trial_id)
        with pytest.raises(KeyError):
            write(99)
    with pytest.raises(TypeError):
        storage.set_trial_user_attrs(running._trial_id, {"worker": "w", "no JSON": object()})
    with pytest.raises(ValueError, match="distribution"):
        storage._set_trial_param(running._trial_id, "b", 0, CategoricalDistribution(("a",)), RATE)
    assert ({}, {}) == (study.trials[1].user_attrs, study.trials[1].intermediate_values)
