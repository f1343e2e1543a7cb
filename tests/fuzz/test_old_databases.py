"""Databases of earlier versions and of other people open: what they hold is shown, or one line says why not."""

import json
import shutil
from pathlib import Path

import pytest

ASSETS = Path(__file__).parent.parent / "assets"
OWN = ("schema-1", "first-commits")
CONFIRMED = "2 paired blocks are shown and not judged: a verdict needs at least 6"


@pytest.fixture
def kept(folder):
    """Return a function that gives the address of a copy of a kept database."""

    def address(name: str) -> str:
        shutil.copy(ASSETS / f"{name}.sqlite", folder / "kept.db")
        return "sqlite:///kept.db"

    return address


@pytest.mark.parametrize("name", OWN)
def test_a_study_of_an_earlier_version_is_listed(run, kept, name):
    """Its trials keep family, state, parameters and epochs; search and confirmation are told apart."""
    storage = kept(name)
    trials = json.loads(run("trials", "--storage", storage, "--study-name", "small", "--format", "json").out)
    assert ["constant", "constant", "cosine", "cosine"] == sorted(trial["family"] for trial in trials)
    assert {"complete"} == {trial["state"] for trial in trials}
    assert {2} == {trial["epochs"] for trial in trials}
    assert all({"base_lr", "warmup_steps"} <= trial["parameters"].keys() for trial in trials)
    studies = json.loads(run("studies", "--storage", storage, "--format", "json").out)
    assert {"small": "search", "small/confirm": "confirmation"} == {row["study"]: row["kind"] for row in studies}
    assert ["digits"] * 2 == [row["dataset"] for row in studies]


@pytest.mark.parametrize("name", OWN)
def test_a_study_of_an_earlier_version_is_reported_and_exported(run, folder, kept, name):
    """The report is written without a verdict, the best trial exported and drawn, and two blocks are too few."""
    storage = kept(name)
    assert CONFIRMED in run("compare", "--storage", storage).out
    outcome = run("report", "--storage", storage, "-o", "report.html")
    assert 0 == outcome.code
    assert CONFIRMED in outcome.err
    assert "cosine" in (folder / "report.html").read_text()
    outcome = run("export", "--storage", storage, "--format", "json")
    document = json.loads(outcome.out)
    assert 2 == document["training"]["epochs"]
    assert 2 == document["scores"]["confirmation"]["blocks"]
    (folder / "best.json").write_text(outcome.out)
    assert 0 == run("preview", "best.json").code


def test_a_study_of_the_present_schema_is_confirmed_on(run, kept):
    """The finished confirmation of a kept database is resumed as it is: nothing is trained again."""
    command = ["confirm", "--study-name", "small", "--blocks", "2", "--workers", "1", "--device", "cpu"]
    outcome = run(*command, "--storage", kept("schema-1"), "--format", "json")
    assert 0 == outcome.code, outcome.err
    assert [2, 2] == [row["blocks"] for row in json.loads(outcome.out)]


def test_a_study_of_optunas_own_loop_with_our_objective_is_listed(run, kept):
    """`study.optimize(lrsearch.Objective(config))` leaves trials that are listed; what needs a study file says so."""
    storage = kept("objective")
    trials = json.loads(run("trials", "--storage", storage, "--format", "json").out)
    assert [1, 1] == [trial["epochs"] for trial in trials]
    assert {"constant", "cosine"} >= {trial["family"] for trial in trials}
    for command in ("report", "export"):
        assert "was not made by lrsearch" in run(command, "--storage", storage).complaint


@pytest.mark.parametrize("study", ["plain", "two-values"])
def test_a_study_of_plain_optuna_is_listed_and_otherwise_refused_in_one_line(run, kept, study):
    """Trials of any parameters, states and numbers of values are shown; every other command says whose study it is."""
    named = ("--storage", kept("plain-optuna"), "--study-name", study)
    trials = json.loads(run("trials", *named, "--format", "json").out)
    states = [trial["state"] for trial in trials]
    expected = {"plain": ["complete", "complete", "pruned", "fail", "complete", "waiting"]}
    assert expected.get(study, ["complete"] * 2) == states
    assert all(-1 <= trial["parameters"]["x"] <= 1 for trial in trials if trial["state"] == "complete")
    for form in ("table", "csv"):
        assert 0 == run("trials", *named, "--format", form).code
        assert 0 == run("studies", *named[:2], "--format", form).code
    for command in ("compare", "report", "export"):
        assert "not made by lrsearch" in run(command, *named).complaint
    confirm = run("confirm", *named, "--workers", "1", "--device", "cpu")
    assert "not made by lrsearch" in confirm.complaint


def test_the_best_of_a_minimised_study_is_its_smallest(run, kept):
    """`studies` shows the best value in the study's own direction."""
    studies = json.loads(run("studies", "--storage", kept("plain-optuna"), "--format", "json").out)
    trials = run("trials", "--storage", "sqlite:///kept.db", "--study-name", "plain", "--format", "json").out
    values = [trial["value"] for trial in json.loads(trials) if trial["state"] == "complete"]
    assert min(values) == next(row["best"] for row in studies if row["study"] == "plain")
