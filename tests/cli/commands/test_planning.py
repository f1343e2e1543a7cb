"""The commands that come before: preview, families, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrsearch.schedules import FAMILIES
from lrsearch.storage import Finding


def test_families_are_described_with_formula_and_ranges(run) -> None:
    """Every family of the registry is listed, with a formula and a range for each parameter that is searched."""
    described = {row["family"]: row for row in json.loads(run("families", "--format", "json").out)}
    assert list(FAMILIES) == list(described)
    assert all(row["formula"] and "base_lr" in row["ranges"] for row in described.values())
    assert "0.01 .. 1 (log)" == described["cosine"]["ranges"]["base_lr"]
    assert all(name in run("families").out for name in FAMILIES)


def test_one_family_is_shown_with_all_that_it_is(run) -> None:
    """Its description, formula, parameters, ranges and exports; an unknown one is suggested a name."""
    shown = run("families", "rex").out
    for part in ("A reflected exponential", "beta: ", "searched: base_lr 0.01 .. 1 (log)", "exports: yaml, json, toml"):
        assert part in shown
    assert "cosine" not in shown
    assert "unknown family 'cosin'; did you mean 'cosine'?" in run("families", "cosin").complaint


def test_doctor_tries_everything_and_says_what_is_bad(run) -> None:
    """A workload that works is timed, one that does not is a line with its reason and exit code 1."""
    good = run("doctor", "--workload", "tests.workload_examples:tabular", "--device", "cpu", "--format", "json")
    assert 0 == good.code
    checks = {check["name"]: check for check in json.loads(good.out)}
    assert "the same result twice" in checks["workload"]["detail"]
    bad = run("doctor", "--workload", "tests.workload_examples:wrong_metric", "--device", "cpu")
    assert 1 == bad.code
    assert "its metric must return the shape" in bad.out


def test_doctor_tries_what_a_study_file_trains(folder, run, monkeypatch) -> None:
    """A workload, or a command; beside a study file nothing else says what is trained."""
    Path("study.toml").write_text('workload = "tests.workload_examples:wrong_metric"\n')
    assert "its metric must return the shape" in run("doctor", "study.toml", "--device", "cpu").out
    assert "exclude each other" in run("doctor", "study.toml", "--training", "train:train").complaint
    Path("own.toml").write_text(
        '[run]\ncommand = ["python", "train.py"]\nmetric = "loss"\ndirection = "minimize"\ntotal_steps = 20\n'
        "[ranges]\nbase_lr = { low = 1e-3, high = 1e-1 }\n"
    )
    tried = "lrsearch.planning.doctor.examine_command"
    monkeypatch.setattr(tried, lambda study: [Finding("command", True, f"{study.run.name} was run")])
    sound = run("doctor", "own.toml", "--device", "cpu")
    assert "python train.py was run" in sound.out
    assert "Next: lrsearch plan own.toml" in sound.err


@pytest.mark.parametrize(("written", "following"), [(True, "plan study.toml"), (False, "init study.toml --training")])
def test_doctor_leads_to_the_study_file_that_is_there(folder, run, monkeypatch, written, following) -> None:
    """One that is written is planned, and not written again."""
    monkeypatch.setattr("lrsearch.planning.doctor.examine_training", lambda address, test: [])
    if written:
        Path("study.toml").write_text("")
    assert f"Next: lrsearch {following}" in run("doctor", "--training", "train:train", "--device", "cpu").err


def test_preview_draws_an_exported_configuration(folder, run) -> None:
    """A file with a `schedule` is drawn as that one schedule; a study file as the families of the study."""
    Path("one.toml").write_text(
        '[schedule]\nfamily = "cosine"\nbase_lr = 0.25\nfinal_lr = 0.01\ntotal_steps = 30\n'
        '[training]\nepochs = 3\nworkload = "tests.workload_examples:tabular"\nbatch_size = 20\n'
        "[training.seeds]\nsplit = 1\ninit = 2\norder = 3\n"
    )
    assert 0 == run("preview", "one.toml", "-o", "one.html").code
    page = Path("one.html").read_text()
    assert "cosine over 3 epochs" in page
    assert "square_root" not in page
    assert "there is no" not in page
    assert "No such file" in run("preview", "none.json").complaint
