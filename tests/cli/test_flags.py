"""Flags: what stands for a study file where none is given."""

import json
from pathlib import Path
from typing import get_args

import pytest

from lrsearch.names import PrunerKind, SamplerKind
from lrsearch.storage import StoredStudy, open_storage

ADDRESS = "tests.workload_examples:tabular"


def test_a_workload_without_a_study_file_is_a_study_of_its_own(run, folder) -> None:
    """Named after its function, at its own batch size; lists and the report call its data by its address."""
    flags = ("--workload", ADDRESS, "--epochs", "1", "--trials", "2", "--families", "constant,cosine")
    assert 0 == run("optimize", *flags, "--workers", "1", "--device", "cpu").code
    study = StoredStudy.read(open_storage("sqlite:///lrsearch.db"))
    assert "tabular" == study.name
    assert "" == study.config.description
    assert 10 == study.trials[0].schedule["total_steps"]  # 200 examples in batches of 20
    assert [ADDRESS] == [row["dataset"] for row in json.loads(run("studies", "--format", "json").out)]
    assert 0 == run("report", "-o", "page.html").code
    page = Path("page.html").read_text()
    assert ADDRESS in page
    assert "fashion" not in page.lower()


def test_a_workload_and_a_data_set_exclude_each_other(run) -> None:
    """A data set is the built-in workload's; a workload of one's own brings its data."""
    complaint = run("optimize", "--workload", ADDRESS, "--dataset", "digits").complaint
    assert "--dataset is for the built-in workload" in complaint
    assert not Path("lrsearch.db").exists()


def test_a_batch_that_is_too_large_is_told_with_the_number_of_examples(run, study_file) -> None:
    """The message names how many there are to fit."""
    study_file.write_text(study_file.read_text().replace("epochs = 2", "epochs = 2\nbatch_size = 201"))
    complaint = run("optimize", study_file, "--workers", "1").complaint
    assert "batch_size must be at most the 200 training examples that are fitted, got 201" in complaint


@pytest.mark.parametrize("command", [("compare", "--scores", "a.csv"), ("compare",), ("train", "best.toml")])
def test_a_seed_below_zero_is_refused_with_its_value(run, command) -> None:
    """Before anything is read."""
    assert "--seed must be 0 or more, got -1" == run(*command, "--seed", "-1").complaint


def test_a_value_that_is_none_of_the_choices_is_said_plainly(run) -> None:
    """The flag, the value and the choices, without the words of a library."""
    complaint = run("doctor", "--device", "tpu").complaint
    assert "'tpu' is not one of 'auto', 'cpu', 'cuda'" in complaint
    assert "Value error" not in complaint


def _optimize(run, study_file, *flags):
    return run("optimize", study_file, "--workers", "1", "--device", "cpu", *flags)


WRONG_FLAGS = {
    "--families cosin": ["unknown family 'cosin'", "'cosine'"],
    "--families cosine,cosine": ["families", "once"],
    "--families ,": ["unknown family ''"],
    "--sampler tp": ["sampler", "'tpe'", "'tp'"],
    "--pruner rung": ["pruner", "'rungs'", "'rung'"],
    "--dataset fashion": ["dataset", "'fashion-mnist'", "'fashion'"],
    "--epochs 0": ["epochs", "got 0"],
    "--epochs -1": ["epochs", "got -1"],
    "--epochs 1.5": ["--epochs", "integer"],
    "--trials 0": ["trials", "got 0"],
    "--trials -3": ["trials", "got -3"],
    "--trials many": ["--trials", "integer"],
    "--lanes 0": ["lanes", "at least 1", "got 0"],
    "--lanes -2": ["lanes", "got -2"],
    "--lanes few": ["--lanes", "auto", "'few'"],
    "--workers 0": ["workers", "1 to 1000", "got 0"],
    "--workers 9999999": ["workers", "1 to 1000", "9999999"],
    "--replicates 0": ["replicates", "got 0"],
    "--timeout 0": ["timeout", "above 0", "got 0"],
    "--timeout nan": ["timeout", "above 0", "got nan"],
    "--seed -1": ["seed", "got -1"],
    "--device tpu": ["--device", "'cuda'", "'tpu'"],
    "--trails 3": ["No such option", "--trails"],
}


@pytest.mark.parametrize("flag", WRONG_FLAGS)
def test_a_wrong_flag_is_one_line_that_names_flag_rule_and_value(run, study_file, flag) -> None:
    """Exit code 2, one line on standard error, and no storage is made."""
    complaint = _optimize(run, study_file, *flag.split()).complaint
    for part in WRONG_FLAGS[flag]:
        assert part in complaint
    assert ["tab.toml"] == [path.name for path in study_file.parent.iterdir()]


@pytest.mark.parametrize("flags", [["--lanes", "x"], ["--lanes=--3"], ["--workers", "²"], ["--families", ""]])
def test_odd_values_of_flags_are_one_line(folder, run, flags) -> None:
    """What is no whole number, or no family at all, is refused and nothing is made."""
    assert run("optimize", *flags).complaint
    assert not Path("lrsearch.db").exists()


def test_help_shows_tables_of_a_study_file(run) -> None:
    """Rich would take [run] for a style, and drop it."""
    assert "With [run]:" in " ".join(run("optimize", "--help").out.split())


@pytest.mark.parametrize("kind", [PrunerKind, SamplerKind])
def test_help_names_every_sampler_and_pruner(run, kind) -> None:
    """What a study file takes, a reader of --help finds."""
    shown = run("optimize", "--help").out
    assert all(name in shown for name in get_args(kind))
