"""`[run]` and `[parameters]` of a study file."""

import math
import tomllib

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.schedules import Choice, Range
from tests.runs.training_examples import STUDY

DOCUMENTED = """
name = "char-gpt"

[run]
training = "train:train"
metric = "validation loss"
direction = "minimize"
unit = "nats"
worst_value = 4.17
total_steps = 2000
reports = 10
timeout = "2h"

[search]
families = ["constant", "linear", "cosine", "warmup_stable_decay"]
trials = 32

[ranges]
base_lr = { low = 1e-4, high = 1e-2 }

[parameters]
weight_decay = { low = 1e-3, high = 0.3, log = true }
dropout = [0.0, 0.1, 0.2]
layers = { low = 1, high = 4 }
"""


def study_of(**changes: object) -> StudyConfig:
    """Return the toy study with tables replaced or added, or left out where None."""
    data = {**tomllib.loads(STUDY), **changes}
    return StudyConfig.from_dict({name: value for name, value in data.items() if value is not None})


def test_the_documented_study_file_is_read() -> None:
    """What is searched, how long a run may take, and how often it reports."""
    study = StudyConfig.from_dict(tomllib.loads(DOCUMENTED))
    assert study.run is not None
    assert (7200.0, 10, "train:train") == (study.run.timeout, study.epochs, study.trained)
    assert {
        "weight_decay": Range(1e-3, 0.3, True, False),
        "dropout": Choice((0.0, 0.1, 0.2)),
        "layers": Range(1, 4, False, True),
    } == study.searched


def test_what_is_stored_is_read_again_and_says_nothing_of_workloads() -> None:
    """A study is stored whole, and opened from what is stored."""
    study = study_of()
    stored = study.model_dump(mode="json")
    assert study == StudyConfig.from_dict(stored)
    assert not {"workload", "data", "training", "optimizer"} & stored.keys()
    assert not {"run", "parameters"} & StudyConfig().model_dump(mode="json").keys()


def test_families_that_read_a_metric_are_left_out_by_default() -> None:
    """They have no table of rates."""
    assert "reduce_on_plateau" not in study_of(search={"trials": 3}).search.families


RUN = tomllib.loads(STUDY)["run"]
COMMAND = {name: RUN[name] for name in ("metric", "direction", "total_steps")} | {"command": ["python", "train.py"]}


def test_a_command_and_a_function_replace_each_other() -> None:
    """As a flag that names another one does; a score that is found has one report."""
    changed = study_of().changed({"run.command": ("python", "my train.py"), "run.in_process": False})
    assert changed.run is not None
    assert ("python 'my train.py'", None) == (changed.trained, changed.run.training)
    assert "toy:train" == changed.changed({"run.training": "toy:train"}).trained
    run = study_of(run={**COMMAND, "score_pattern": "loss: (.*)"}).run
    assert run is not None
    assert 1 == run.reports


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {}}, r"leave out \[data\]"),
        ({"training": {"epochs": 3}}, r"leave out \[training\]"),
        ({"optimizer": {"name": "adam"}}, r"leave out \[optimizer\]"),
        ({"workload": "mine:f"}, "leave out workload"),
        ({"ranges": None}, r"\[ranges\] base_lr"),
        ({"search": {"families": ["reduce_on_plateau"]}}, "search.families: reduce_on_plateau reads a metric"),
        ({"run": {**RUN, "training": "train"}}, "run.training: must be written package.module:function, got 'train'"),
        ({"run": {**RUN, "timeout": "soon"}}, 'run.timeout: must be a number of seconds or text such as "90m"'),
        ({"run": {**RUN, "timeout": 0}}, "timeout must be above 0 seconds, got 0"),
        ({"run": {**RUN, "reports": 41}}, "reports must be at most total_steps, 40, got 41"),
        ({"run": {**RUN, "direction": "up"}}, "run.direction"),
        ({"run": {**RUN, "metrics": "loss"}}, r"unknown key 'metrics' in \[run\].*metric"),
        ({"run": {**RUN, "command": ["x"]}}, r"\[run\] takes either training or command, got both"),
        ({"run": {**RUN, "training": None}}, r"\[run\] takes either training or command, got neither"),
        ({"run": {**COMMAND, "command": []}}, "run.command: must be a program and its arguments"),
        ({"run": {**COMMAND, "command": "python train.py"}}, "run.command"),
        ({"run": {**COMMAND, "in_process": True}}, "in_process is for a function"),
        ({"run": {**COMMAND, "score_pattern": "loss: .*"}}, "run.score_pattern: must have a group that is the score"),
        ({"run": {**COMMAND, "score_pattern": "loss: ("}}, "run.score_pattern: must be a regular expression"),
        ({"run": {**COMMAND, "score_pattern": "(.)", "reports": 2}}, "reports must be 1 with score_pattern.*got 2"),
        ({"run": {**RUN, "score_pattern": "(.)"}}, "score_pattern is for a command"),
        ({"run": {**RUN, "gpus": 1}}, "gpus must be 0 with in_process"),
        ({"parameters": {"decay": []}}, "parameters.decay"),
        ({"parameters": {"decay": 3}}, "parameters.decay: must be a range such as .* or a list of choices, got 3"),
        ({"parameters": {"decay": [1, 1.0]}}, "parameters.decay: choices must differ"),
        (
            {"parameters": {"decay": {"low": 1, "high": 2, "step": 1}}},
            r"'step' in .*decay.*; choose from low",
        ),
        ({"parameters": {"decay": {"low": "a", "high": 2}}}, "parameters.decay.low: "),
        ({"parameters": {"decay": {"low": -1e308, "high": 1e308}}}, "must be closer to each other"),
        ({"parameters": {"a\nb": [1, 2]}}, r"parameters.a\?b: must hold no control characters"),
        ({"parameters": {"": [1, 2]}}, "parameters"),
        ({"parameters": {"decay": [math.nan]}}, "choices must be finite numbers, text, true or false, got nan"),
        ({"parameters": {"decay": [[1]]}}, r"choices must be finite numbers, text, true or false, got \[1\]"),
        ({"parameters": {"decay": [*range(51)]}}, "there must be 1 to 50 choices, got 51"),
        ({"parameters": {"decay": {"low": 2, "high": 1}}}, "low must not be above high"),
        ({"parameters": {"family": [1, 2]}}, "parameters: family is the name of the schedule's own"),
        ({"parameters": {"base_lr": [1, 2]}}, "parameters: base_lr is the name of the schedule's own"),
        ({"run": None}, r"\[parameters\] are for a study with \[run\]"),
        ({"baseline": [{"name": "b", "family": "constant", "base_lr": 0.1}]}, "needs its own decay"),
        (
            {"baseline": [{"name": "b", "family": "constant", "base_lr": 0.1, "parameters": {"decay": "x"}}]},
            "decay must be a number, as in .parameters., got 'x'",
        ),
        (
            {"baseline": [{"name": "b", "family": "constant", "base_lr": 0.1, "parameters": {"decay": 1, "size": 2}}]},
            "size is none of",
        ),
        (
            {"baseline": [{"name": "b", "family": "constant", "base_lr": 0.1, "interval": "epoch"}]},
            "interval is for a workload",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, said) -> None:
    """In one line that names it."""
    with pytest.raises(InputError, match=said):
        study_of(**changes)


@pytest.mark.parametrize("flag", ["epochs", "dataset"])
def test_flags_of_a_workload_are_refused(flag) -> None:
    """By name."""
    key, value = {"epochs": ("training.epochs", 3), "dataset": ("data.dataset", "digits")}[flag]
    with pytest.raises(InputError, match=rf"--{flag} is for a workload, and this study has \[run\]"):
        study_of().changed({key: value})


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--lanes", "2"), "--lanes is for a workload"),
        (("--compile", "on"), "--compile is for a workload"),
        (("--epochs", "2"), "--epochs is for a workload"),
        (("--dataset", "digits"), "--dataset is for a workload"),
    ],
)
def test_flags_of_a_workload_are_one_line_of_the_command(flags, said, folder, run) -> None:
    """Before anything is stored."""
    (folder / "toy.toml").write_text(STUDY)
    assert run("optimize", "toy.toml", *flags).complaint.startswith(said)
    assert not (folder / "lrsearch.db").exists()
