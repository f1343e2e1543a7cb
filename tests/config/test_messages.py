"""What is wrong with plain data, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lrsearch.config import StudyConfig
from lrsearch.config.messages import explain, shortened
from lrsearch.errors import InputError


class Inner(BaseModel):
    """A table of one number, or of a range."""

    model_config = ConfigDict(extra="forbid")

    epochs: int = Field(1, ge=1)


class Outer(BaseModel):
    """A document of one table."""

    model_config = ConfigDict(extra="forbid")

    training: Inner = Inner()
    name: str = Field("x", min_length=1)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"trainnig": {}}, "unknown key 'trainnig'; did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "unknown key 'epoch' in [training]; did you mean 'epochs'?"),
        ({"training": {"epochs": 0, "epoch": 3}}, "unknown key 'epoch' in [training]; did you mean 'epochs'?"),
        (
            {"training": {"epochs": 0}},
            "training.epochs: must be at least 1, got 0",
        ),
        ({"training": {"epochs": [1]}}, "training.epochs: must be an integer, got [1]"),
        ({"name": ""}, "name: must not be empty, got ''"),
    ],
)
def test_the_first_thing_that_is_wrong_is_said(data, line) -> None:
    """An unknown key goes first, because what was meant by it is lacking too."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(data)
    assert line == explain(caught.value, Outer)


def test_a_value_is_no_longer_than_a_line() -> None:
    """Text, numbers and lists are cut in the middle."""
    assert "'short'" == shortened("short")
    for long in ("x" * 10_000, 10**4000, ["y" * 50] * 500):
        assert len(shortened(long)) < 600
    assert "..." in shortened("x" * 10_000)


_OF_BOTH = {
    "name": "a",
    "description": "d",
    "seed": 1,
    "search": {"families": ["constant"], "trials": 4, "sampler": "tpe", "pruner": "none", "replicates": 1},
    "ranges": {"base_lr": {"low": 0.1, "high": 1.0}},
    "plan": {"alpha": 0.05, "rope": 0.3, "blocks": 12, "looks": [8, 12], "tuning_efforts": [2]},
}
_CLAIM = {
    "text": "t",
    "weights": {"constant": 1.0},
    "measure": "rise",
    "curve": "loss",
    "windows": [[1, 1], [2, 3]],
    "epochs": 3,
    "above": 0.0,
    "one_sided": True,
    "unit": "nats",
}
_RUN = {"metric": "loss", "direction": "minimize", "unit": "nats", "worst_value": 1.0, "failed_at": 2.0}
_RUN |= {"total_steps": 9, "reports": 1, "epochs": 3, "timeout": 9.0, "test": True, "threads": 1}
_OWN = {"name": "own", "family": "constant", "base_lr": 0.1}
_STUDIES: list[dict[str, Any]] = [
    {
        **_OF_BOTH,
        "workload": "m:f",
        "data": {"train": "fit"},
        "training": {"epochs": 3, "batch_size": 10, "interval": "step"},
        "optimizer": {
            **{"name": "sgd", "nesterov": False, "beta1": 0.9, "beta2": 0.9, "eps": 0.1, "clip_norm": 1.0},
            **{"momentum": {"low": 0.1, "high": 0.9, "log": False}, "weight_decay": 0.1, "no_decay": "vectors"},
        },
        "plan": {**_OF_BOTH["plan"], "contrasts": {"against": "constant"}, "claims": [_CLAIM]},
        "baseline": [{**_OWN, "interval": "step", "lag": False, "epochs": 3, "momentum": 0.5, "printed": {"x": 0.3}}],
    },
    {
        "ranges": _OF_BOTH["ranges"],
        "run": {**_RUN, "command": ["a"], "score_pattern": "(.)", "gpus": 0},
        "parameters": {"a": {"low": 0.1, "high": 1.0, "log": True}, "b": [1, 2]},
        "plan": {"contrasts": {"groups": {"g": ["constant"], "h": ["own"]}}},
        "baseline": [{**_OWN, "parameters": {"a": 0.2, "b": 1}}],
    },
    {"ranges": _OF_BOTH["ranges"], "run": {**_RUN, "training": "m:f", "in_process": True}},
]


def _changed(data: Any) -> Iterator[Any]:
    """Yield copies of data with one value in them, or below, of another type."""
    yield from (None, True, "1", [], {"x": [True]})
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        for other in _changed(value):
            copy = dict(data) if isinstance(data, dict) else list(data)
            copy[key] = other
            yield copy


@pytest.mark.parametrize("study", _STUDIES)
def test_a_value_of_another_type_anywhere_is_told_in_words_of_our_own(study) -> None:
    """One line, of a rule and the value; nothing is converted without a word."""
    StudyConfig.from_dict(study)
    lines = []
    for changed in _changed(study):
        try:
            StudyConfig.from_dict(changed if isinstance(changed, dict) else {"x": changed})
        except InputError as error:
            lines.append(str(error))
    assert len(lines) > 50
    assert [] == [line for line in lines if re.search(r"Input|input should|valid|instance|tuple|dictionary|\n", line)]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"optimizer": {"nesterov": "yes"}}, "optimizer.nesterov: must be true or false, got 'yes'"),
        ({"optimizer": {"momentum": {"low": 0.1, "high": 0.2, "log": 1}}}, "log: must be true or false, got 1"),
        ({"training": {"epochs": "3"}}, "training.epochs: must be an integer, got '3'"),
        ({"plan": {"looks": ["8", 12]}}, "plan.looks: must be an integer, got '8'"),
        ({"plan": {"rope": "0.3"}}, "plan.rope: must be a number, got '0.3'"),
        ({"optimizer": {"momentum": []}}, "optimizer.momentum: must be a number or a table, got []"),
        ({"search": {"families": "cosine"}}, "search.families: must be a list, got 'cosine'"),
        ({"ranges": {"base_lr": 1}}, "ranges.base_lr: must be a table, got 1"),
    ],
)
def test_the_rule_of_a_type(data, rule) -> None:
    """Text is no number, and neither is true or false."""
    with pytest.raises(InputError) as caught:
        StudyConfig.from_dict(data)
    assert rule in str(caught.value)
