"""What a search will cost, said before it begins."""

import tomllib
from dataclasses import replace

import pytest

from lrsearch.config import StudyConfig
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.planning import cost as module
from lrsearch.planning.cost import search_cost
from lrsearch.planning.timing import Timing
from tests.confirmation_examples import config_of
from tests.runs.training_examples import STUDY as TOY

CPU = RunOptions(device="cpu")
UNPRUNED = {"families": ["constant", "cosine"], "trials": 6, "pruner": "none"}


@pytest.mark.parametrize(
    ("search", "left", "said"),
    [
        ({}, 6, "6 trials of 12 epochs: about 6 minutes on 2 processes at most, as pruned trials end early"),
        ({"search": UNPRUNED}, 2, "2 trials of 12 epochs: about 2 minutes on 2 processes"),
    ],
)
def test_the_time_of_what_is_left_is_told(monkeypatch, search, left, said) -> None:
    """Trials of 12 epochs of ten seconds each, on two processes."""
    monkeypatch.setattr(module, "time_trials", lambda *_given: Timing(10.0, 0.0, workers=2))
    assert said == search_cost(prepare_experiment(config_of(**search), CPU), CPU, left)


def test_runs_are_counted_and_what_is_elsewhere_or_fails_is_not_told(monkeypatch) -> None:
    """A run may take hours: it is not timed before; a scheduler's machines are others; the search tells of errors."""
    toy = prepare_experiment(StudyConfig.from_dict(tomllib.loads(TOY)))
    assert search_cost(toy, CPU, 4).startswith("4 runs of 4 reports: how long they take shows")
    tabular = prepare_experiment(config_of(), CPU)
    assert "" == search_cost(tabular, replace(CPU, backend="dask", scheduler="tcp://127.0.0.1:1"), 4)
    monkeypatch.setattr(module, "time_trials", lambda *_given: 1 / 0)
    assert "" == search_cost(tabular, CPU, 4)
