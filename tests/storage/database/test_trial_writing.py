"""What is written into the tables is what Optuna would have written, and all that comes together or none."""

import math
from datetime import datetime

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import TrialState, create_trial

from lrsearch.storage import ask_marked, end_trial, open_storage, report, set_attributes, written_at_once
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
    marked = create_trial(state=TrialState.RUNNING, user_attrs={"worker": "w"})
    pruned = optuna.trial.Trial(study, storage.create_new_trial(study._study_id, marked))
    pruned.report(0.25, 1)
    study.tell(pruned, state=TrialState.PRUNED)


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


@pytest.mark.parametrize("version", [optuna_tables.VERSION, "v9"])
def test_a_trial_begins_and_ends_at_once(folder, monkeypatch, version: str) -> None:
    """Parameters with attributes, and the end with its own; where the tables are not known Optuna writes the same."""
    monkeypatch.setattr(optuna_tables, "VERSION", version)
    study = _study(cached(open_storage("sqlite:///a.db")))
    for state, value in ((TrialState.COMPLETE, 0.5), (TrialState.PRUNED, 0.25), (TrialState.COMPLETE, 0.75)):
        trial = ask_marked(study, {"worker": "w"})
        with written_at_once(trial) as attributes:
            trial.suggest_float("rate", 0.01, 1.0, log=True)
            trial.suggest_int(f"steps_{state.name}", 0, 3)
            attributes["epochs"] = 3
        report([(trial, 1, value)])
        end_trial(trial, state, value, {"stop_reason": state.name})
        (stored,) = study.get_trials()[trial.number :]
        assert (state, value, repr(trial.params)) == (stored.state, stored.value, repr(stored.params))  # in their order
        assert {"worker": "w", "epochs": 3, "stop_reason": state.name} == stored.user_attrs
        assert stored.datetime_start <= stored.datetime_complete
        assert abs((datetime.now() - stored.datetime_start).total_seconds()) < 60  # in this machine's time
        with pytest.raises(UpdateFinishedTrialError), written_at_once(trial) as attributes:
            attributes["epochs"] = 4
        if version != "v9":  # Optuna tells nothing twice where it is asked to skip that
            with pytest.raises(UpdateFinishedTrialError):
                end_trial(trial, state, 0.1, {"stop_reason": "again"})
        assert state.name == study.trials[-1].user_attrs["stop_reason"]


def test_a_value_that_is_not_finite_fails_the_trial_as_optuna_says(folder) -> None:
    """NaN is no value of a complete trial."""
    study = _study(cached(open_storage("sqlite:///a.db")))
    with pytest.raises(UpdateFinishedTrialError), pytest.warns(UserWarning, match="nan is not acceptable"):
        end_trial(study.ask(), TrialState.COMPLETE, math.nan, {})
    assert TrialState.FAIL == study.trials[0].state


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
        "end": lambda number: storage.end_trial(number, TrialState.COMPLETE, 0.5, {"stop_reason": "finished"}),
        "beginning": lambda number: storage.begin_trial(number, [], {"epochs": 3}),
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
