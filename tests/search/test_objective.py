"""Objective: under plain `study.optimize` a trial leaves what the stacked search leaves."""

import optuna
import pytest
from optuna.trial import TrialState

import lrsearch
from lrsearch.errors import InputError
from lrsearch.search.objective import Objective
from tests.search.run_helpers import families, finished, lasting, make_config
from tests.search.run_helpers import search_in_journal as search


def test_it_leaves_the_same_trial_as_the_stacked_search(folder) -> None:
    """Same parameters and seeds, same record: state, value, reports, curve, schedule, seeds, epochs, stop reason."""
    config = make_config(search__pruner="none", optimizer__momentum={"low": 0.1, "high": 0.9})
    stacked = finished(search(config, 6))
    study = optuna.create_study(direction="maximize")
    for trial in stacked:
        study.enqueue_trial(trial.params)
    study.optimize(Objective(config, device="cpu"), n_trials=6)
    for expected, actual in zip(stacked, study.get_trials(), strict=True):
        wanted, left = lasting(expected), lasting(actual)
        curve = wanted.pop("curve")
        assert set(curve) == set(left["curve"])
        for name, values in curve.items():
            assert values == pytest.approx(left["curve"][name], rel=1e-4, abs=1e-5)
        assert wanted.pop("values") == pytest.approx(left["values"], abs=1e-6)
        assert list(wanted.pop("reported").values()) == pytest.approx(list(left["reported"].values()), abs=1e-6)
        assert ("torch, side by side", "torch") == (wanted.pop("kernels"), left["kernels"])
        assert wanted == {name: left[name] for name in wanted}
        assert set(wanted) | {"curve", "values", "reported", "kernels"} == set(left)
        # Optuna watches over the trials of `study.optimize`, so that the objective needs no heartbeat of its own.
        assert set(expected.user_attrs) - {"heartbeat"} == set(actual.user_attrs)


def test_threads_change_no_trial() -> None:
    """With `n_jobs` every trial ends with the curve that it has alone, whole."""
    curves = []
    for jobs in (1, 3):
        study = optuna.create_study(direction="maximize")
        for base_lr in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4):
            study.enqueue_trial({"family": "constant", "base_lr": base_lr, "warmup_steps": 0})
        study.optimize(Objective(make_config(), device="cpu"), n_trials=6, n_jobs=jobs)
        curves.append({trial.params["base_lr"]: trial.user_attrs["curve"] for trial in study.get_trials()})
    assert curves[0] == curves[1]


def test_the_studys_own_pruner_decides() -> None:
    """Where it prunes, the trial is pruned with the curve that it had and its reason."""
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=2.0))
    study.optimize(Objective(make_config(training__epochs=4), device="cpu"), n_trials=2)
    for trial in study.get_trials():
        assert (TrialState.PRUNED, "pruned") == (trial.state, trial.user_attrs["stop_reason"])
        assert [1] == list(trial.intermediate_values)
        assert 1 == len(trial.user_attrs["curve"]["train_loss"])


def test_a_diverged_trial_has_the_worst_value() -> None:
    """It is complete, not failed, and teaches the sampler something."""
    config = make_config(ranges={"base_lr": {"low": 1e30, "high": 1e31, "log": True}})
    study = optuna.create_study(direction="maximize")
    study.optimize(Objective(config, device="cpu"), n_trials=2)
    assert [("diverged", pytest.approx(1 / 3))] * 2 == [
        (trial.user_attrs["stop_reason"], trial.value) for trial in study.get_trials(states=(TrialState.COMPLETE,))
    ]


def test_a_sampled_setting_changes_what_is_trained() -> None:
    """Two trials that differ in momentum alone leave different curves; equal parameters leave equal ones."""
    config = make_config(optimizer__momentum={"low": 0.0, "high": 0.95})
    shared = {"family": "constant", "base_lr": 0.05, "warmup_steps": 0}
    study = optuna.create_study(direction="maximize")
    for momentum in (0.0, 0.9, 0.9):
        study.enqueue_trial({**shared, "momentum": momentum}, skip_if_exists=False)
    study.optimize(Objective(config, device="cpu"), n_trials=3)
    without, with_momentum, again = (trial.user_attrs["curve"] for trial in study.get_trials())
    assert with_momentum == again
    assert without["train_loss"] != with_momentum["train_loss"]


def test_replicates_have_seeds_of_their_own() -> None:
    """The same parameters in another replicate are another run: other split, initialisation and order."""
    first, second = (Objective(make_config(), device="cpu", replicate=replicate).seeds for replicate in (0, 1))
    assert not set(vars(first).values()) & set(vars(second).values())


def test_it_continues_a_search_that_was_begun(folder) -> None:
    """`lrsearch.optimize` and then `study.optimize(Objective(config))`, as the README has it: one study."""
    config = make_config()
    study = lrsearch.optimize(config, trials=3, workers=1, device="cpu")
    study.optimize(lrsearch.Objective(config, device="cpu"), n_trials=3)
    assert 6 == len(finished(study))
    assert {"constant": 2, "cosine": 2, "one_cycle": 2} == families(study)
    assert lrsearch.best_schedule(study).base_lr in [trial.params["base_lr"] for trial in finished(study)]


def test_bad_input_is_refused_before_any_trial() -> None:
    """A notebook sees the same InputError as the command line."""
    with pytest.raises(InputError, match="its metric must return"):
        Objective(make_config(workload="tests.workload_examples:wrong_metric"))
