"""What a confirmation compares: the best complete trials of each family, and the fixed schedules of a study file."""

import pytest
from optuna.trial import create_trial

from lrsearch.confirmation.candidates import best_trials, finished_trials, fixed_schedules, strongest, winners
from lrsearch.errors import InputError
from tests.confirmation.searches_by_hand import DONE, experiment_of, search_of


def test_the_best_complete_trials_win_and_the_earlier_of_equals() -> None:
    """Neither a pruned trial nor a failed one wins; the second of a family has a name of its own."""
    experiment = experiment_of()
    study = search_of(experiment)
    chosen, empty = winners(experiment, study, top=2)
    assert ["linear"] == empty
    named = {candidate.name: candidate.schedule["base_lr"] for candidate in chosen}
    assert {"constant": 0.04, "constant #2": 0.06, "cosine": 0.02} == named
    assert [3, 5, 1] == [candidate.sampled.number for candidate in chosen if candidate.sampled]
    assert [0, 2, 3, 5] == [trial.number for trial in finished_trials(study, "constant")]


def test_where_lower_is_better_the_least_wins() -> None:
    """The workload says so."""
    experiment = experiment_of(workload="tests.workload_examples:regression")
    chosen, _ = winners(experiment, search_of(experiment))
    assert {"constant": 0.01, "cosine": 0.02} == {one.name: one.schedule["base_lr"] for one in chosen}


def test_a_trial_that_lacks_a_parameter_of_its_family_does_not_win() -> None:
    """As one added by hand may."""
    experiment = experiment_of()
    study = search_of(experiment)
    only = {"params": {"family": "cosine"}, "distributions": {"family": experiment.space.family_distribution}}
    study.add_trial(create_trial(value=0.99, **only))
    assert [1] == [trial.number for trial in best_trials(experiment, finished_trials(study, "cosine"))]


def test_the_strongest_family_has_the_best_mean_over_all_searches() -> None:
    """A family that one search left without a complete trial is none."""
    experiment = experiment_of()
    first = search_of(experiment)
    values = {"constant": 0.9, "cosine": 0.79, "linear": 1.0}
    second = search_of(experiment, [(family, DONE, value, 0.1) for family, value in values.items()])
    families = ("constant", "cosine", "linear")
    assert "cosine" == strongest(experiment, [first], families)
    assert "constant" == strongest(experiment, [first, second], families)  # 0.75 against 0.745
    assert "cosine" == strongest(experiment, [first, second], ("cosine", "linear"))
    assert strongest(experiment, [first], ("linear",)) is None


def test_searched_settings_belong_to_a_configuration() -> None:
    """A winner's momentum is kept beside its schedule, and a fixed schedule states its own."""
    fixed = {"name": "plain", "family": "constant", "base_lr": 0.1, "momentum": 0.8}
    experiment = experiment_of(optimizer__momentum={"low": 0.5, "high": 0.9}, baseline=[fixed])
    chosen, _ = winners(experiment, search_of(experiment))
    assert [{"momentum": 0.5}] * 2 == [candidate.settings for candidate in chosen]
    assert "momentum" not in chosen[0].schedule
    (plain,) = fixed_schedules(experiment)
    assert ("plain", {"momentum": 0.8}, None) == (plain.name, plain.settings, plain.sampled)
    assert {"name": "plain", "schedule": plain.schedule, "settings": {"momentum": 0.8}} == plain.to_json()


def test_a_fixed_schedule_that_does_not_fit_into_the_run_is_named() -> None:
    """Two epochs of ten updates have no room for a warm-up of twenty."""
    late = {"name": "late", "family": "cosine", "base_lr": 0.1, "warmup_steps": 20}
    with pytest.raises(InputError, match=r"baseline 'late': .*warmup_steps.*got 20"):
        fixed_schedules(experiment_of(baseline=[late]))
