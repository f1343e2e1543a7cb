"""The tables of a study file: their rules and defaults."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lrsearch.config import StudyConfig
from lrsearch.config.study_tables import DataConfig, OptimizerConfig, SettingRange, TrainingConfig
from lrsearch.errors import InputError


@pytest.mark.parametrize("wrong", ["training.epochs", "search.trials", "optimizer.momentum", "plan.alpha"])
def test_true_is_no_number(wrong) -> None:
    """It would be read as 1; where true or false is meant, it is taken."""
    with pytest.raises(InputError, match=f"{wrong}: must not be true or false, got true"):
        StudyConfig.from_dict({"name": "s", wrong.split(".")[0]: {wrong.split(".")[1]: True}})
    assert StudyConfig.from_dict({"name": "s", "optimizer": {"nesterov": True, "momentum": 0.9}}).optimizer.nesterov


def test_infinity_is_no_bound() -> None:
    """A searched setting needs finite bounds."""
    with pytest.raises(InputError, match="finite"):
        StudyConfig.from_dict({"optimizer": {"weight_decay": {"low": 0.0, "high": float("inf")}}})


def test_a_list_of_epochs_is_a_study_per_budget() -> None:
    """Where one can be meant it is the largest; a list of one is a number."""
    training = TrainingConfig.model_validate({"epochs": [20, 5, 10]})
    assert (20, (5, 10, 20)) == (training.epochs, training.budgets)
    assert (7, ()) == (TrainingConfig.model_validate({"epochs": [7]}).epochs, TrainingConfig.model_validate({}).budgets)


@pytest.mark.parametrize("epochs", [[], [5, 5], [0], ["ten"], [2.5]])
def test_what_is_no_list_of_epochs_is_refused(epochs) -> None:
    """None, one twice, and what is no whole number."""
    with pytest.raises(ValidationError, match="epochs must be"):
        TrainingConfig.model_validate({"epochs": epochs})


def test_searched_settings_are_told_from_fixed_ones() -> None:
    """The largest momentum counts, and only for SGD."""
    searched = {"low": 0.5, "high": 0.9}
    config = OptimizerConfig.model_validate({"momentum": searched, "weight_decay": 0.01})
    assert {"momentum": SettingRange(low=0.5, high=0.9)} == config.searched()
    assert 0.9 == config.largest_momentum
    assert 0.0 == OptimizerConfig(name="adamw", momentum=0.9).largest_momentum
    assert 0.3 == OptimizerConfig(momentum=0.3).largest_momentum


@pytest.mark.parametrize(("key", "value"), [("clip_norm", 0), ("clip_norm", -1.0), ("no_decay", "bias")])
def test_what_cannot_clip_or_group_is_refused(key, value) -> None:
    """One line names the key, the rule and the value."""
    with pytest.raises(InputError, match=f"optimizer.{key}: .*(above 0|'vectors').*, got {value!r}"):
        StudyConfig.from_dict({"name": "s", "optimizer": {key: value}})


def test_a_table_cannot_be_changed() -> None:
    """Nor can it hold a key that it does not know."""
    with pytest.raises(ValidationError, match="frozen"):
        DataConfig().train = "all"
    with pytest.raises(ValidationError, match="Extra inputs"):
        DataConfig.model_validate({"trian": "all"})


LOOKS = {"looks": [8, 12]}


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"looks": [12, 8]}, "looks must rise"),
        ({"looks": [8, 8]}, "looks must rise"),
        ({"looks": [5, 10]}, "at least 6"),
        ({"looks": [6, 12]}, "no p-value of 6 blocks is below 0.0303, and each of 2 analyses has 0.025"),
        ({"looks": [8, 12], "blocks": 20}, "blocks must be those of the last of looks, 12, got 20"),
        ({"tuning_efforts": [5, 2]}, "tuning_efforts must rise"),
        ({"tuning_efforts": [0]}, "at least 1"),
    ],
)
def test_wrong_looks_and_efforts_are_refused(plan, complaint: str) -> None:
    """The message names the key, the rule and the value."""
    with pytest.raises(InputError, match=complaint):
        StudyConfig.from_dict({"plan": plan})


def test_looks_need_blocks_that_can_wait() -> None:
    """The blocks of replicated searches are all there at once."""
    with pytest.raises(InputError, match=r"plan\.looks are for one search"):
        StudyConfig.from_dict({"plan": LOOKS, "search": {"replicates": 8}})
    assert 12 == StudyConfig.from_dict({"plan": LOOKS}).plan.blocks


def test_the_decay_of_an_average_is_a_number_below_1_or_a_range() -> None:
    """Without an average there is none; a baseline gives its own where it is searched."""
    searched = {"average": "ema", "ema_decay": {"low": 0.9, "high": 0.999}}
    assert {"ema_decay"} == set(OptimizerConfig.model_validate(searched).searched())
    with pytest.raises(ValidationError, match="must be at least 0 and below 1, got 1"):
        OptimizerConfig.model_validate({"average": "ema", "ema_decay": 1})
    with pytest.raises(ValidationError, match='ema_decay is of an average of the weights: give average = "ema" too'):
        OptimizerConfig.model_validate({"ema_decay": 0.9})
    baseline = {"name": "mine", "family": "cosine", "base_lr": 0.1}
    with pytest.raises(InputError, match="baseline 'mine' needs its own ema_decay"):
        StudyConfig.from_dict({"optimizer": searched, "baseline": [baseline]})
    assert StudyConfig.from_dict({"optimizer": searched, "baseline": [{**baseline, "ema_decay": 0.99}]})
