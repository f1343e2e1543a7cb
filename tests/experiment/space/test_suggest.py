"""Schedules from the trials of one's own study."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial, TrialState

from lrsearch.errors import InputError
from lrsearch.experiment.space import Space
from lrsearch.experiment.space.suggest import schedule_of, suggest_schedule
from lrsearch.schedules import default_families
from lrsearch.search.sampling import FamilySampler


@pytest.mark.parametrize("sampler", ["random", "tpe", "family"])
def test_suggest_schedule_works_with_any_sampler(sampler: str) -> None:
    """A user's own objective gets a schedule of the asked length whose parameters are those of the trial."""
    families = default_families(reading_metric=False)
    samplers = {
        "random": optuna.samplers.RandomSampler(seed=0),
        "tpe": optuna.samplers.TPESampler(seed=0),
        "family": FamilySampler(
            Space.build(families, total_steps=300, steps_per_epoch=1, epochs=300, momentum=0.9), seed=0
        ),
    }
    study = optuna.create_study(direction="maximize", sampler=samplers[sampler])

    def objective(trial: optuna.Trial) -> float:
        extra = trial.suggest_float("dropout", 0.0, 0.5)  # a parameter of the user's own beside the schedule's
        schedule = suggest_schedule(trial, total_steps=300, momentum=0.9)
        assert (trial.params["family"], 300) == (schedule.family, schedule.total_steps)
        assert trial.params["base_lr"] == schedule.base_lr
        return float(schedule.lr(150)) - extra

    study.optimize(objective, n_trials=26)
    assert {TrialState.COMPLETE} == {trial.state for trial in study.trials}
    assert len({trial.params["dropout"] for trial in study.trials}) == 26


def test_suggest_schedule_takes_families_and_ranges() -> None:
    """The named families and ranges, and no others, are suggested."""
    trial = FixedTrial({"family": "constant", "base_lr": 0.3, "warmup_steps": 10})
    suggest_schedule(trial, total_steps=100, families=["constant"], ranges={"base_lr": {"low": 0.2, "high": 0.4}})
    assert CategoricalDistribution(["constant"]) == trial.distributions["family"]
    assert FloatDistribution(0.2, 0.4, log=True) == trial.distributions["base_lr"]


def test_suggest_schedule_needs_epochs_for_the_family_that_counts_them() -> None:
    """reduce_on_plateau is not suggested unless asked for, and then steps_per_epoch must be known."""
    trial = FixedTrial(
        {"family": "reduce_on_plateau", "base_lr": 0.3, "warmup_steps": 10, "factor": 0.5, "patience": 2}
    )
    with pytest.raises(InputError, match="steps_per_epoch must be given"):
        suggest_schedule(trial, total_steps=100, families=["reduce_on_plateau"])
    schedule = suggest_schedule(trial, total_steps=100, families=["reduce_on_plateau"], steps_per_epoch=10)
    assert schedule.family == "reduce_on_plateau"
    assert IntDistribution(1, 5) == trial.distributions["patience"]


def ask() -> optuna.Trial:
    """Return a trial whose parameters are drawn at random."""
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()


def test_two_schedules_of_one_trial_have_prefixes() -> None:
    """Each has its own parameters under its own names, and its own length."""
    trial = ask()
    generator = suggest_schedule(trial, total_steps=100, prefix="generator_")
    critic = suggest_schedule(trial, total_steps=500, prefix="critic_")
    assert (100, 500) == (generator.total_steps, critic.total_steps)
    assert (trial.params["generator_family"], trial.params["critic_family"]) == (generator.family, critic.family)
    assert trial.params["generator_base_lr"] == generator.base_lr != critic.base_lr
    assert all(name.startswith(("generator_", "critic_")) for name in trial.params)


def test_the_same_names_with_another_space_are_an_error() -> None:
    """Asked again for the same a trial has the same; another length, range or family is told with the way out."""
    trial = ask()
    first = suggest_schedule(trial, total_steps=100)
    assert first == suggest_schedule(trial, total_steps=100)
    with pytest.raises(InputError, match=r"prefix must differ.*total_steps = 100, and now 500.*\"generator_\""):
        suggest_schedule(trial, total_steps=500)
    with pytest.raises(InputError, match="other families or ranges"):
        suggest_schedule(trial, total_steps=100, families=["constant"])
    assert suggest_schedule(ask(), total_steps=500).total_steps == 500  # another trial is free


def test_a_range_of_base_lr_is_enough_for_adamw() -> None:
    """final_lr follows, so that nothing is said of it; the optimizer's name alone does as well."""
    for options in ({"ranges": {"base_lr": {"low": 1e-5, "high": 1e-3}}}, {"optimizer": "adamw"}):
        trial = ask()
        schedule = suggest_schedule(trial, total_steps=100, families=["cosine"], **options)
        low = trial.distributions["base_lr"].low
        assert FloatDistribution(float(f"{low / 1000:.6g}"), low, log=True) == trial.distributions["final_lr"]
        assert schedule.base_lr <= 1e-2


def test_a_trial_that_is_replayed_has_its_schedule_again() -> None:
    """The best trial, frozen, gives the schedule that it was."""
    trial = ask()
    schedule = suggest_schedule(trial, total_steps=100)
    trial.study.tell(trial, 0.0)
    assert schedule == suggest_schedule(trial.study.best_trial, total_steps=100)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"trial": 3}, "trial must be a BaseTrial, got 3"),
        ({"total_steps": 0}, "total_steps must be from 1 to 1e\\+12, got 0"),
        ({"total_steps": "100"}, "total_steps must be an integer, got '100'"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be from 1 to 1e\\+12, got 0"),
        ({"families": "cosine"}, "families must be a list, got 'cosine'"),
        ({"families": [None]}, r"families\[0\] must be text, got None"),
        ({"ranges": [1]}, "ranges must be a dictionary"),
        ({"ranges": {"base_lr": object()}}, "ranges must hold tables of numbers"),
        ({"momentum": "x"}, "momentum must be a number, got 'x'"),
        ({"optimizer": "rmsprop"}, "optimizer must be one of sgd, adam, adamw, got 'rmsprop'"),
        ({"prefix": 3}, "prefix must be text, got 3"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(wrong: dict[str, object], message: str) -> None:
    """Each names the argument, the rule and the value."""
    with pytest.raises(InputError, match=message) as caught:
        suggest_schedule(**{"trial": ask(), "total_steps": 100, **wrong})
    assert "\n" not in str(caught.value)


def test_trials_of_one_study_have_one_space() -> None:
    """What Optuna would say of a fixed set of choices is told as what was meant."""
    study = optuna.create_study()
    suggest_schedule(study.ask(), total_steps=100, families=["cosine"])
    with pytest.raises(InputError, match="must be called with the same arguments in every trial of a study"):
        study.optimize(lambda trial: suggest_schedule(trial, total_steps=100, families=["linear"]).base_lr, 1)


def test_a_trial_keeps_its_schedules() -> None:
    """`schedule_of` returns what was suggested, of a running and of a finished trial, each by its prefix."""
    suggested = {}

    def objective(trial: optuna.Trial) -> float:
        for prefix in ("", "other_"):
            made = suggest_schedule(trial, total_steps=60, families=["cosine", "multistep"], prefix=prefix)
            suggested[trial.number, prefix] = made
            assert made == schedule_of(trial, prefix=prefix)
        return 0.0

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=3)
    for (number, prefix), made in suggested.items():
        assert made == schedule_of(study.trials[number], prefix=prefix)
    with pytest.raises(InputError, match="trial 0 holds no 'third_schedule'"):
        schedule_of(study.trials[0], prefix="third_")
