"""The search in one process: what a trial leaves, divergence, pruning, and the ways to train."""

import json
import math
import sqlite3

import numpy as np
import pytest
import torch
from optuna.trial import TrialState

from lrsearch.schedules import default_families, schedule_from_params
from lrsearch.storage import to_record
from lrsearch.training.data import epoch_order
from tests.search.run_helpers import JOURNAL, families, finished, make_config, search_and_state, states
from tests.search.run_helpers import search as search_in_sqlite
from tests.search.run_helpers import search_in_journal as search
from tests.workload_examples import BATCH, STEPS_PER_EPOCH, mlp, tabular_data


def _one_family(**changes):
    return make_config(search__families=("constant",), **changes)


def test_a_trial_is_what_a_plain_loop_makes_of_its_record(folder) -> None:
    """Module, seeds, split and schedule of a stored trial give its curve again, in the loop that everybody writes."""
    study = search(make_config(search__pruner="none"), 3)
    data = tabular_data()
    split = data.split(study.user_attrs["split_seed"])
    for trial in finished(study):
        record = to_record(trial)
        torch.manual_seed(record.init_seed)
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        rates = schedule_from_params(record.schedule).lr(np.arange(2 * STEPS_PER_EPOCH))
        for epoch in range(2):
            losses = []
            for batch, index in enumerate(epoch_order(record.order_seed, epoch, len(split.fit), BATCH)):
                optimizer.param_groups[0]["lr"] = float(rates[epoch * STEPS_PER_EPOCH + batch])
                x, y = data.train_x[split.fit[index]], data.train_y[split.fit[index]]
                loss = torch.nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            right = (model(data.train_x[split.select]).argmax(1) == data.train_y[split.select]).float().mean()
            assert float(np.mean(losses)) == pytest.approx(record.curve.train_loss[epoch], rel=1e-4)
            assert float(right) == pytest.approx(trial.intermediate_values[epoch + 1], abs=1e-6)


def test_divergence_is_a_complete_trial_of_the_worst_value(folder) -> None:
    """A rate of 1e30 ends a trial in its first epoch: complete, chance accuracy, `diverged`; no NaN is stored."""
    study = search_in_sqlite(make_config(ranges={"base_lr": {"low": 1e30, "high": 1e31, "log": True}}), 6)
    assert {"COMPLETE": 6} == states(study)
    for trial in finished(study):
        assert "diverged" == trial.user_attrs["stop_reason"]
        assert trial.value == pytest.approx(1 / 3)
        assert {1: trial.value} == trial.intermediate_values
        assert [None] == trial.user_attrs["curve"]["train_loss"]
    with sqlite3.connect("lrsearch.db") as connection:
        stored = [row[0] for row in connection.execute("SELECT value_json FROM trial_user_attributes")]
    assert not [text for text in stored if "NaN" in text or "Infinity" in text]
    for text in stored:
        json.loads(text, parse_constant=pytest.fail)


def test_pruned_trials_keep_their_curve_and_their_reason(folder) -> None:
    """Some trials are pruned at a rung, with the epochs they had; the others are trained to the end."""
    study, state = search_and_state(_one_family(training__epochs=5), 15, database=JOURNAL)
    counted = states(study)
    assert counted["PRUNED"] >= 2
    assert (15, state.complete, state.pruned) == (counted.total(), counted["COMPLETE"], counted["PRUNED"])
    for trial in finished(study):
        epochs = len(trial.intermediate_values)
        pruned = trial.state == TrialState.PRUNED
        assert ("pruned" if pruned else "finished") == trial.user_attrs["stop_reason"]
        assert epochs in ({2, 3, 4} if pruned else {5})  # ceil of a quarter, a half, three quarters of 5
        assert epochs == len(trial.user_attrs["curve"]["train_loss"])
    best = max(trial.intermediate_values[5] for trial in finished(study) if trial.state == TrialState.COMPLETE)
    assert (best, "constant") == (state.best, state.best_family)


def test_without_a_pruner_every_trial_is_trained_to_the_end(folder) -> None:
    """`pruner = "none"`."""
    assert {"COMPLETE": 12} == states(search(_one_family(search__pruner="none"), 12))


def test_every_family_has_its_turn_equally_often(folder) -> None:
    """Thirteen families, 26 trials: two each, reduce_on_plateau among them."""
    study = search(make_config(search__families=default_families(), training__epochs=3, search__sampler="random"), 26)
    assert dict.fromkeys(default_families(), 2) == families(study)
    plateau = [t for t in finished(study) if t.params["family"] == "reduce_on_plateau"]
    assert all({"factor", "patience"} <= set(trial.params) for trial in plateau)


def test_the_same_seed_gives_the_same_search_and_another_seed_another(folder) -> None:
    """Parameters and values in their order are a function of the study's seed, with one worker."""

    def left(database, **changes):
        study = search(make_config(**changes), 9, database=database)
        return [(trial.params, trial.values, trial.intermediate_values) for trial in study.get_trials()]

    first = left("one.db")
    assert first == left("two.db")
    assert first != left("three.db", seed=1)


def test_by_the_epoch_rates_change_at_epoch_boundaries_alone(folder) -> None:
    """`interval = "epoch"`: the steps of a schedule are epochs, and within an epoch its rate is constant."""
    study = search(make_config(training__interval="epoch", training__epochs=4, search__families=("linear",)), 2)
    for trial in finished(study):
        assert 4 == trial.user_attrs["schedule"]["total_steps"]
        made = schedule_from_params(trial.user_attrs["schedule"])
        rates = np.stack([made.epoch_lr(epoch, STEPS_PER_EPOCH, []) for epoch in range(4)])
        assert (rates == rates[:, :1]).all()
        assert 4 == len(set(rates[:, 0]))


def test_optimizer_settings_are_searched_where_the_study_says_so(folder) -> None:
    """Momentum and weight decay are parameters within their ranges, and not of the schedule."""
    config = make_config(
        optimizer__momentum={"low": 0.5, "high": 0.95},
        optimizer__weight_decay={"low": 1e-5, "high": 1e-2, "log": True},
    )
    trials = finished(search(config, 6))
    assert all(0.5 <= trial.params["momentum"] <= 0.95 for trial in trials)
    assert all(1e-5 <= trial.params["weight_decay"] <= 1e-2 for trial in trials)
    assert 6 == len({trial.params["momentum"] for trial in trials})
    assert not any({"momentum", "weight_decay"} & set(trial.user_attrs["schedule"]) for trial in trials)


def test_a_module_with_buffers_is_searched_too(folder) -> None:
    """Batch normalisation cannot be stacked: its trials train one at a time, in the same search."""
    study = search(make_config(workload="tests.workload_examples:batch_norm"), 6)
    assert {"constant": 2, "cosine": 2, "one_cycle": 2} == families(study)
    assert all(math.isfinite(trial.value) for trial in finished(study))


def test_a_metric_is_minimised_where_the_workload_says_so(folder) -> None:
    """The best is the least value, pruning keeps the least, and a trial that diverges has the workload's worst."""
    config = _one_family(
        workload="tests.workload_examples:regression",
        training__epochs=4,
        ranges={"base_lr": {"low": 1e-4, "high": 0.1, "log": True}},
    )
    study, state = search_and_state(config, 15, database=JOURNAL)
    complete = [trial for trial in finished(study) if trial.state == TrialState.COMPLETE]
    pruned = [trial for trial in finished(study) if trial.state == TrialState.PRUNED]
    assert "MINIMIZE" == study.direction.name
    assert min(trial.value for trial in complete) == state.best
    first = {trial.number: trial.intermediate_values[1] for trial in finished(study)}
    assert np.mean([first[trial.number] for trial in pruned]) > np.mean([first[trial.number] for trial in complete])
    config = config.changed({"ranges": {"base_lr": {"low": 1e30, "high": 1e31}}})
    assert [100.0] * 3 == [trial.value for trial in finished(search(config, 3, database="diverged.log"))]


def test_the_state_follows_the_search(folder) -> None:
    """After every epoch the display is told what is finished and running; at the end it agrees with the storage."""
    seen = []
    study, state = search_and_state(
        make_config(), 7, on_epoch=lambda s: seen.append((s.complete + s.pruned, s.running, s.trial_epochs))
    )
    assert (7, 0) == seen[-1][:2]
    assert sorted(done for done, _, _ in seen) == [done for done, _, _ in seen]
    assert max(running for _, running, _ in seen) <= 3
    trained = sum(len(trial.intermediate_values) for trial in finished(study))
    assert (trained, trained, trained) == (state.trial_epochs, state.times.trial_epochs, seen[-1][2])
    assert min(state.times.training, state.times.sampler, state.times.storage) > 0
