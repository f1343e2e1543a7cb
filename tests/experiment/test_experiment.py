"""An experiment: what its seeds, its space and its lanes are made of, and what does not fit together."""

import itertools
import math
from dataclasses import replace

import pytest

from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment, WorkloadPayload
from lrsearch.metric import ACCURACY, UNITS
from lrsearch.schedules import PerEpoch, Schedule
from tests.search.run_helpers import make_config

SEEDS = Seeds(split=1, init=2, order=3, sampler=4)


def _prepare(**changes) -> WorkloadExperiment:
    return WorkloadExperiment.prepare(make_config(**changes), device="cpu")


def test_seeds_are_a_function_of_study_kind_and_unit() -> None:
    """The same three give the same seeds, and no two units share any."""
    units = [Seeds.of(*unit) for unit in itertools.product((0, 1), ("search", "confirm", "A/A"), range(4))]
    assert Seeds.of(1, "confirm", 3) == Seeds.of(1, "confirm", 3)
    seeds = [seed for one in units for seed in (one.split, one.init, one.order, one.sampler)]
    assert len(units) * 4 == len(set(seeds))


def test_an_epoch_is_the_whole_batches_of_what_is_fitted() -> None:
    """Of 240 examples 200 are fitted, or all where nothing is held out; the study file's batch size goes before."""
    assert (200, 10) == (_prepare().examples_to_fit, _prepare().steps_per_epoch)
    whole = _prepare(data__train="all", training__batch_size=100)
    assert (240, 2, 100) == (whole.examples_to_fit, whole.steps_per_epoch, whole.workload.batch_size)
    with pytest.raises(InputError, match=r"batch_size must be at most the 200 training examples .* got 201"):
        _prepare(training__batch_size=201)


def test_what_makes_trials_comparable_is_named() -> None:
    """Direction, metric, batch size, steps and the model's parameters, as a study keeps them."""
    facts = _prepare().facts
    assert ("maximize", "accuracy", 20, 10) == tuple(
        facts[k] for k in ("direction", "metric", "batch_size", "steps_per_epoch")
    )
    assert facts["parameters"].startswith("4 tensors of 83 numbers")  # 6 x 8 + 8 + 8 x 3 + 3
    assert facts["parameters"] != _prepare(workload="tests.workload_examples:batch_norm").facts["parameters"]


def test_other_data_on_a_worker_is_refused() -> None:
    """A process whose own copy of the data differs from the one that began the run trains nothing."""
    config = make_config()
    with pytest.raises(InputError, match="has other data than the machine that began the run"):
        WorkloadPayload(config, "cpu", "0123456789abcdef", "plain").experiment()
    first = _prepare()
    for arrays in (None, first.dataset.arrays()):
        payload = WorkloadPayload(config, "cpu", first.data_fingerprint, "plain", arrays)
        assert first.data_fingerprint == payload.experiment().data_fingerprint


def test_a_schedule_by_the_epoch_has_epochs_for_steps() -> None:
    """`interval = "epoch"`; a family that steps by the epoch itself is refused."""
    params = {"family": "constant", "base_lr": 0.1, "warmup_steps": 0}
    by_step = _prepare().schedule(params)
    assert isinstance(by_step, Schedule)
    assert 20 == by_step.total_steps
    by_epoch = _prepare(training__interval="epoch").schedule(params)
    assert isinstance(by_epoch, PerEpoch)
    assert 2 == by_epoch.params()["total_steps"]
    with pytest.raises(InputError, match='interval = "epoch": reduce_on_plateau steps by the epoch itself'):
        _ = _prepare(training__interval="epoch", search__families=("cosine", "reduce_on_plateau")).space


def test_a_stored_space_goes_before_the_study_files() -> None:
    """A study continues in the ranges that it stores, though those of its file have changed since."""
    experiment = _prepare(ranges={"base_lr": {"low": 0.05, "high": 0.5}})
    stored = _prepare(ranges={"base_lr": {"low": 0.2, "high": 0.3}}).space
    continued = experiment.continuing(ACCURACY, stored.to_json())
    assert (0.2, 0.3) == (lambda d: (d.low, d.high))(continued.space.distributions("cosine")["base_lr"])
    assert (0.05, 0.5) == (lambda d: (d.low, d.high))(
        experiment.continuing(ACCURACY).space.distributions("cosine")["base_lr"]
    )


def test_a_stored_metric_goes_before_the_workloads() -> None:
    """A workload that says no unit goes on in the one in which its study has been read so far."""
    assert UNITS == _prepare(workload="tests.workload_examples:own_score").metric.unit
    assert ACCURACY == _prepare(workload="tests.workload_examples:own_score").continuing(ACCURACY).metric


def test_a_lane_takes_the_searched_settings_of_its_trial() -> None:
    """Momentum comes from the trial where it is searched, and from the study file where it is not."""
    schedule = _prepare().schedule({"family": "constant", "base_lr": 0.1, "warmup_steps": 0})
    fixed = _prepare(optimizer__momentum=0.9)
    assert 0.9 == fixed.lane(schedule, SEEDS).settings.momentum
    searched = replace(fixed, config=make_config(optimizer__momentum={"low": 0.1, "high": 0.8}))
    lane = searched.lane(schedule, SEEDS, {"momentum": 0.25})
    assert (0.25, 2, 3) == (lane.settings.momentum, lane.init_seed, lane.order_seed)
    assert searched.rule.uses_momentum
    assert not searched.rule.uses_decay


def test_a_fixed_schedule_that_does_not_fit_is_refused_before_anything_is_trained() -> None:
    """Not after the search, in the confirmation."""
    table = {"name": "mine", "rates": [0.1, 0.2, 0.3]}
    with pytest.raises(InputError, match=r"baseline 'mine': rates must be one for each of the \d+ steps of the run"):
        _prepare(baseline=[table])


@pytest.mark.parametrize(("name", "worst"), [("own_score", -10.0), ("no_worst_value", math.inf)])
def test_a_diverged_trial_has_the_worst_value_or_the_worst_infinity(name, worst) -> None:
    """Where nobody says what a model that has learned nothing scores, no number is as bad."""
    assert worst == _prepare(workload=f"tests.workload_examples:{name}").worst_value
