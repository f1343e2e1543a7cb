"""What a trial leaves in the storage, and what is said of one that diverged or was lost."""

import math

import optuna
import pytest
import torch
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.storage import is_dead
from lrsearch.training.lane import Checkpoint, EpochMetrics
from lrsearch.trials.trial_log import TrialLog
from tests.search.run_helpers import finished, make_config, states
from tests.search.run_helpers import search_in_journal as search


def test_every_field_of_the_trial_record_is_stored(folder) -> None:
    """Parameters, value, reports, resolved schedule, curve, seeds, epochs, seconds, device, worker and stop reason."""
    study = search(make_config(search__pruner="none"), 6)
    for trial in finished(study):
        attributes = trial.user_attrs
        curve = attributes["curve"]
        parts = {"train_loss", "select_loss", "select_accuracy", "report_loss", "report_accuracy"}
        assert parts == set(curve)
        assert {2} == {len(values) for values in curve.values()}
        assert curve["select_accuracy"] == list(trial.intermediate_values.values())
        assert (curve["select_accuracy"][-1], [1, 2]) == (trial.value, list(trial.intermediate_values))
        assert (trial.params["family"], 20) == (attributes["schedule"]["family"], attributes["schedule"]["total_steps"])
        assert trial.params["base_lr"] == attributes["schedule"]["base_lr"]
        assert ("cpu", 2, "finished") == (attributes["device"], attributes["epochs"], attributes["stop_reason"])
        assert attributes["seconds"] > 0
        assert not is_dead(attributes["worker"])
        assert isinstance(attributes["init_seed"], int)
        assert attributes["init_seed"] != attributes["order_seed"]
    assert 1 == len({(t.user_attrs["init_seed"], t.user_attrs["order_seed"]) for t in finished(study)})
    stored = study.user_attrs
    assert "tests.workload_examples:tabular" == stored["study_file"]["workload"]
    assert {"data_fingerprint", "split_seed", "versions", "git_commit", "lanes", "space"} <= set(stored)
    assert 3 == stored["lanes"]


def test_a_metric_that_is_nan_counts_as_diverged_and_is_named(folder, caplog) -> None:
    """Every trial is complete with the worst value; a line names the metric, the epoch and the trial."""
    study = search(make_config(workload="tests.workload_examples:nan_metric"), 4)
    assert {"COMPLETE": 4} == states(study)
    assert {"diverged"} == {trial.user_attrs["stop_reason"] for trial in finished(study)}
    assert {0.0} == {trial.value for trial in finished(study)}
    named = [message for message in caplog.messages if "diverged" in message]
    assert 4 == len(named)
    assert named[0].startswith("trial 0, epoch 1: accuracy is NaN or infinite (validation score")


@pytest.fixture
def log() -> TrialLog:
    """Return the log of a trial that has begun."""
    experiment = WorkloadExperiment.prepare(make_config(), device="cpu")
    study = optuna.create_study(direction="maximize")
    return TrialLog.begin(experiment, study.ask(), Seeds(split=1, init=2, order=3, sampler=4))


def test_a_trial_that_another_process_took_is_noted_once(log, caplog) -> None:
    """A process continues with its other trials, and says in one line what it has lost."""
    study = log.trial.study
    study.tell(log.trial, state=TrialState.FAIL)
    for _ in range(2):
        log.write(log.trial.set_user_attr, "heartbeat", "now")
    assert log.lost
    assert ["trial 0 was taken by another process while this one was paused; going on without it"] == caplog.messages


def _epoch(number: int, score: float) -> EpochMetrics:
    return EpochMetrics(number, 1.0 / number, {"select": 2.0}, {"select": score})


def _state(epoch: int) -> Checkpoint:
    return Checkpoint(torch.zeros(2), (), epoch, (2.0,) * epoch)


def test_a_record_grows_by_the_epoch_and_ends_with_its_last_score(log) -> None:
    """The storage learns it all at the end."""
    for number, score in ((1, 0.5), (2, 0.25)):
        log.record(_epoch(number, score), 1.5)
    assert (2, 0.25, 3.0, (0.5, 0.25)) == (log.epochs, log.value, log.seconds, log.curve.select_accuracy)
    log.end("finished")
    (trial,) = log.trial.study.get_trials()
    assert (TrialState.COMPLETE, 0.25) == (trial.state, trial.value)
    assert {"train_loss": [1.0, 0.5], "select_loss": [2.0, 2.0], "select_accuracy": [0.5, 0.25]} == (
        trial.user_attrs["curve"]
    )
    with pytest.raises(UpdateFinishedTrialError):
        log.finish("finished")


def test_a_loss_that_is_not_finite_is_the_worst_value(log) -> None:
    """What diverged has the workload's worst score, for any measured one."""
    log.record(EpochMetrics(1, math.nan, {"select": 2.0}, {"select": 0.9}), 1.0)
    assert log.experiment.workload.worst_value == log.value


def test_a_trial_goes_on_with_the_epochs_that_it_has_had(log) -> None:
    """Curve, seconds and reports come back; a lane that is an epoch ahead of its record leaves no checkpoint."""
    log.record(_epoch(1, 0.5), 1.5)
    assert log.checkpoint(_state(2)) is None
    saved, curve = log.checkpoint(_state(1)) or pytest.fail("no checkpoint")
    assert 1.5 == saved.seconds
    study = log.trial.study
    again = TrialLog.begin(log.experiment, study.ask(), Seeds(split=1, init=2, order=3, sampler=4))
    again.resume(saved, curve)
    assert (1, 0.5, 1.5) == (again.epochs, again.value, again.seconds)
    stored = study.get_trials()[1]
    assert (1, {1: 0.5}) == (stored.user_attrs["resumed_after_epochs"], stored.intermediate_values)
