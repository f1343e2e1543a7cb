"""A replicate: how far it goes, and the seeds that it shares with no other."""

from dataclasses import astuple, replace

import optuna
from optuna.distributions import CategoricalDistribution

from lrsearch.experiment.space import Space
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.search.pruning import make_rule
from lrsearch.search.replicate import Replicate
from tests.search.run_helpers import make_config


def test_a_search_ends_where_its_space_does() -> None:
    """Of ten trials three are run where there are three configurations; else as many as were asked for."""
    experiment = WorkloadExperiment.prepare(make_config(search__trials=10), device="cpu")
    study = optuna.create_study()
    assert 10 == Replicate(experiment, study, 0).total
    small = Space(20, 10, {"constant": {"base_lr": CategoricalDistribution((0.1, 0.2, 0.3))}})
    assert 3 == Replicate(replace(experiment, stored_space=small), study, 0).total


def test_replicates_share_no_seeds_and_the_rule_is_the_study_files() -> None:
    """The history is read once made, not made anew at every look."""
    experiment = WorkloadExperiment.prepare(make_config(training__epochs=8, search__pruner="median"), device="cpu")
    study = optuna.create_study()
    first, second = Replicate(experiment, study, 0), Replicate(experiment, study, 1)
    assert not {*astuple(first.seeds)} & {*astuple(second.seeds)}
    assert type(make_rule("median", 8)) is type(first.rule)
    assert first.history is first.history
    assert study is first.history.study
