"""Plain or stacked: chosen once for a study, and kept whatever is faster later."""

from __future__ import annotations

import optuna
import pytest

from lrsearch.config import StudyConfig
from lrsearch.experiment import workload_experiment as module
from lrsearch.experiment.way import with_training_way
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.training.choice import Choice


@pytest.fixture
def tried(monkeypatch) -> list[int | None]:
    """Let side by side be faster from two lanes on; return the numbers of lanes that were timed."""
    lanes_timed: list[int | None] = []

    def choose_way(workload, data, rule, *, lanes):
        lanes_timed.append(lanes)
        return Choice("plain" if lanes == 1 else "stacked")

    monkeypatch.setattr(module, "choose_way", choose_way)
    return lanes_timed


def _experiment(workload: str = "tests.workload_examples:tabular") -> WorkloadExperiment:
    return WorkloadExperiment.prepare(StudyConfig.for_workload(workload), device="cpu")


def _store(storage: optuna.storages.InMemoryStorage, name: str) -> optuna.Study:
    study = optuna.create_study(study_name=name, storage=storage)
    study.set_user_attr("study_file", StudyConfig.for_workload("tests.workload_examples:tabular").model_dump())
    return study


def test_the_way_is_chosen_where_no_study_is_stored(tried) -> None:
    """By the number of lanes; the names of the kernels say which it is."""
    storage = optuna.storages.InMemoryStorage()
    ways = [with_training_way(_experiment(), storage, ["one", "two"], lanes) for lanes in (1, 4)]
    assert [("plain", "torch"), ("stacked", "torch, side by side")] == [(e.way, e.kernels) for e in ways]
    assert [1, 4] == tried


def test_a_stored_study_keeps_its_way(tried) -> None:
    """Nothing is timed; the first study that is stored decides."""
    storage = optuna.storages.InMemoryStorage()
    for name, way in (("two", "plain"), ("three", "stacked")):
        _store(storage, name).set_user_attr("training_way", way)
    assert "plain" == with_training_way(_experiment(), storage, ["one", "two", "three"], 4).way
    assert [] == tried


def test_a_study_of_an_earlier_version_trains_side_by_side_where_it_can(tried) -> None:
    """As it began, whatever is faster."""
    storage = optuna.storages.InMemoryStorage()
    _store(storage, "old")
    assert "stacked" == with_training_way(_experiment(), storage, ["old"], 1).way
    assert [None] == tried
