"""Every format holds the document, and files are named and written by it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from lrsearch.__main__ import main
from lrsearch.errors import InputError
from lrsearch.export import FORMATS, best_trials, configuration, exported, format_of, load_configuration, render
from lrsearch.schedules import schedule_from_params


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
def test_documents_come_back_unchanged(source, tmp_path, form):
    """Each document format holds every number to the last bit, and reads back as the same configuration."""
    [(part, trial)] = best_trials(source, "step")
    written = configuration(source, part, trial)
    text = render(written, form)
    parse = {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads}[form]
    assert written == parse(text)
    path = tmp_path / f"best.{form}"
    path.write_text(text, encoding="utf-8")
    assert written["schedule"] == load_configuration(path).schedule


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "hf"])
def test_every_format_says_where_it_comes_from_and_what_it_scored(source, form):
    """Provenance and scores with their interval are in each."""
    [text] = exported(source, form, family="constant").values()
    for word in ("data_fingerprint", "confirmation", "low", "high", "search_value", "small"):
        assert word in text


def test_csv_is_the_rate_of_every_update(source):
    """Below the comment lines, step and rate of the whole run."""
    [(part, trial)] = best_trials(source, "cosine")
    document = configuration(source, part, trial)
    table = np.loadtxt(render(document, "csv").splitlines(), delimiter=",", comments=["#", "step"])
    schedule = schedule_from_params(document["schedule"])
    np.testing.assert_array_equal(schedule.lr(np.arange(schedule.total_steps)), table[:, 1])
    np.testing.assert_array_equal(np.arange(schedule.total_steps), table[:, 0])


def test_the_command_prints_or_writes(storage, tmp_path, capsys):
    """Standard output holds the document alone; a file's suffix names its format; several need a folder."""
    assert 0 == main(["export", "--storage", storage, "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    assert 0 == main(["export", "--storage", storage, "-o", str(tmp_path / "best.toml")])
    assert printed == tomllib.loads((tmp_path / "best.toml").read_text())
    assert 2 == main(["export", "--storage", storage, "--top", "2"])
    assert "-o FOLDER" in capsys.readouterr().err
    assert 0 == main(["export", "--storage", storage, "--top", "2", "--format", "python", "-o", str(tmp_path / "two")])
    assert 2 == len(list((tmp_path / "two").glob("*.py")))
    assert 2 == main(["export", "--storage", storage, "--family", "flat", "--format", "hf"])
    assert "transformers cannot express this constant exactly" in capsys.readouterr().err
    late = ["export", "--storage", storage, "--family", "flat", "--format", "timm"]
    assert 2 == main(late)
    assert "this one an epoch late; export --format python can, and --approximate" in capsys.readouterr().err
    assert 0 == main([*late, "--approximate"])
    printed = capsys.readouterr()
    assert "SCHEDULER_ARGUMENTS" in printed.out
    assert "approximate, differs by up to" in printed.err


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("a.toml", None, "toml"),
        ("a.yml", None, "yaml"),
        ("a.py", None, "python"),
        ("a.py", "hf", "hf"),
        ("a", None, "yaml"),
    ],
)
def test_the_suffix_names_the_format(tmp_path, name, form, expected):
    """A format that is given wins; a suffix shared by several means the first of them."""
    assert expected == format_of(tmp_path / name, form)
    assert "yaml" == format_of(None, None)


def test_a_suffix_of_no_format_is_refused():
    """A file called notes.txt does not turn out to be YAML, unless that was said."""
    with pytest.raises(InputError, match=r"must be one of .csv, .json, .*got '.txt'; or name the --format"):
        format_of(Path("best.txt"), None)
    assert "yaml" == format_of(Path("best.txt"), "yaml")
