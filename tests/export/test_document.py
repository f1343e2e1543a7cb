"""A document is read, validated and refused in one line."""

from __future__ import annotations

import json

import pytest

from lrsearch.errors import InputError
from lrsearch.export import load_configuration
from tests.export.documents import document, example

WRONG = {
    "an unknown table": ({"shedule": {}}, "unknown key 'shedule'; did you mean 'schedule'"),
    "an unknown key": (
        {"training": {"epochs": 70, "epoch": 3}},
        r"unknown key 'epoch' in \[training\]; .*'epochs'",
    ),
    "an unknown seed": (
        {"training": {"epochs": 70, "seeds": {"inti": 1}}},
        r"unknown key 'inti' in \[training.seeds\]; did you mean 'init'",
    ),
    "an unknown parameter": ({"schedule": {"family": "linear", "total_steps": 9, "base_lr": 1, "gama": 1}}, "'gama'"),
    "no schedule": ({"schedule": None}, "schedule: must be a table, got None"),
    "a wrong number": ({"training": {"epochs": 0}}, "training.epochs: .* at least 1, got 0"),
    "a range": ({"optimizer": {"momentum": {"low": 0.1, "high": 0.2}}}, "momentum must be one number, got a range"),
    "two intervals": ({"training": {"epochs": 70, "interval": "epoch"}}, "interval is 'epoch', but the schedule's"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_document_is_named_in_one_line(tmp_path, name):
    """The file, the key and what was meant."""
    change, message = WRONG[name]
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({**document(example("cosine")), **change}))
    with pytest.raises(InputError, match=message) as caught:
        load_configuration(path)
    assert "wrong.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "schedule: [", "is not yaml"),
        ("a.yaml", "!!python/object/apply:os.system [true]", "is not yaml"),
        ("a.json", "{", "is not json"),
        ("a.toml", "a = ", "is not toml"),
        ("a.yaml", "- 1", "must hold the tables schedule and training, got list"),
        ("a.toml", "[search]", "a.toml is a study file: export a schedule of the study, lrsearch export"),
        ("a.txt", "", "must be a .yaml, .json or .toml file, got .txt"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path, name, text, message):
    """Broken files, code in YAML, other kinds: one line."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_configuration(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        load_configuration(tmp_path / "missing.yaml")
