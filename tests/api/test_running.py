"""The flow as a notebook calls it, and the public names."""

from dataclasses import fields
from inspect import signature

import numpy as np
import pytest
import torch

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.export import load_configuration
from lrsearch.storage import open_storage

FAMILIES = ("constant", "cosine")


def _config() -> StudyConfig:
    return StudyConfig.from_dict(
        {
            "name": "notebook",
            "workload": "tests.workload_examples:tabular",
            "training": {"epochs": 2},
            "search": {"families": FAMILIES, "pruner": "none"},
        }
    )


def test_the_flow_from_a_study_file_to_a_verdict(folder):
    """optimize, confirm, compare, report and best_schedule work on one another's results."""
    options = {"storage": f"sqlite:///{folder}/a.db", "workers": 1}
    study = lrsearch.optimize(_config(), trials=4, **options)
    assert 4 == len(study.trials)
    confirmation = lrsearch.confirm(study, blocks=6, workers=1)
    assert "notebook/confirm" == confirmation.study_name
    comparison = lrsearch.compare(study)
    assert FAMILIES == comparison.families
    assert "these configurations" in comparison.verdict_text
    assert "on this workload" in comparison.verdict_text
    assert comparison.verdict_text.split(",")[0] in lrsearch.write_report(study, folder / "r.html").read_text()
    best = lrsearch.best_schedule(study)
    assert study.best_trial.user_attrs["schedule"] == best.params()
    cosine = lrsearch.best_schedule(study, "cosine")
    assert "cosine" == cosine.family
    optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=1.0)
    assert cosine.lr([0])[0] == pytest.approx(lrsearch.to_torch(cosine, optimizer).get_last_lr()[0])


def test_what_is_exported_is_trained_again(folder):
    """export_schedule gives the best of a family as text, in another length too; train_exported gives its value."""
    study = lrsearch.optimize(_config(), trials=4, storage=f"journal:///{folder}/a.log", workers=1, device="cpu")
    file = folder / "best.toml"
    file.write_text(lrsearch.export_schedule(study, "toml", family="cosine"))
    run = lrsearch.train_exported(file, trust_config=True, device="cpu")
    best = max(trial.value for trial in study.trials if trial.params["family"] == "cosine")
    assert best == pytest.approx(run.curve.select_accuracy[-1], abs=1e-6)
    names = {}
    exec(lrsearch.export_schedule(study, "python", steps=50), names)
    assert 50 == names["TOTAL_STEPS"]
    with pytest.raises(lrsearch.InputError, match=r"format must be one of yaml, .*, got 'yml'"):
        lrsearch.export_schedule(study, "yml")


def test_no_complete_trial_of_a_family_is_said(folder):
    """best_schedule names the family that has no complete trial."""
    study = lrsearch.optimize(_config(), trials=2, storage=f"journal:///{folder}/a.log", workers=1)
    with pytest.raises(lrsearch.InputError, match="no complete trial of rex in 'notebook'"):
        lrsearch.best_schedule(study, "rex")


def test_objective_under_plain_optuna(folder):
    """study.optimize(Objective(config)) adds trials to a search."""
    study = lrsearch.optimize(_config(), trials=2, storage=f"journal:///{folder}/a.log", workers=1)
    study.optimize(lrsearch.Objective(_config()), n_trials=2)
    assert 4 == len(study.trials)
    assert {"finished"} == {trial.user_attrs["stop_reason"] for trial in study.trials}


def test_every_public_name_is_there_and_documented():
    """All names of __all__ resolve, have a docstring, and are all that dir() shows."""
    assert all(getattr(lrsearch, name).__doc__ for name in lrsearch.__all__)
    assert set(lrsearch.__all__) == set(dir(lrsearch))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lrsearch.nothing  # noqa: B018


def test_compare_scores_takes_anybodys_numbers():
    """A table of scores gives a comparison without any study."""
    rng = np.random.default_rng(0)
    scores = 90 + rng.normal(0, 0.2, (10, 3)) + np.array([0, 0, 2.0])
    comparison = lrsearch.compare_scores(scores, ["a", "b", "c"], rope=0.3, rng=rng)
    assert ("c",) == comparison.recommended


def test_a_path_or_a_name_stands_for_a_study(folder):
    """A study file's path is searched and confirmed, and a stored study is read by its name."""
    (folder / "lrsearch.toml").write_text(
        'name = "byname"\nworkload = "tests.workload_examples:tabular"\n[training]\nepochs = 1\n'
        '[search]\nfamilies = ["constant", "cosine"]\npruner = "none"\ntrials = 2\n'
    )
    study = lrsearch.optimize("lrsearch.toml", workers=1)
    assert "byname" == study.study_name
    assert "byname/confirm" == lrsearch.confirm(folder / "lrsearch.toml", blocks=6, workers=1).study_name
    assert lrsearch.compare(study).verdict_text == lrsearch.compare("byname").verdict_text
    assert lrsearch.best_schedule(study) == lrsearch.best_schedule("byname", storage="sqlite:///lrsearch.db")
    assert lrsearch.export_schedule(study) == lrsearch.export_schedule("byname")
    assert (folder / "r.html") == lrsearch.write_report("byname", folder / "r.html")
    with pytest.raises(lrsearch.InputError, match="there is no study 'quick' in this storage; there are: byname"):
        lrsearch.compare("quick")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lrsearch.optimize("none.toml"), "study file none.toml cannot be read"),
        (lambda: lrsearch.optimize({"name": "x"}), "config must be a StudyConfig, text or a Path, got {'name': 'x'}"),
        (lambda: lrsearch.compare("quick"), "there is no file 'lrsearch.db'"),
        (lambda: lrsearch.compare(3), "study must be a Study or text, got 3"),
        (lambda: lrsearch.confirm(None), "study must be a Study, a StudyConfig, text or a Path, got None"),
        (lambda: lrsearch.optimize(_config(), lanes=0), "lanes must be at least 1"),
    ],
)
def test_what_is_no_study_is_one_line(folder, call, message):
    """Wrong arguments are refused by name, and nothing is made."""
    with pytest.raises(lrsearch.InputError, match=message):
        call()
    assert [] == list(folder.iterdir())


def test_python_does_what_the_commands_do(folder):
    """Epoch budgets, controls and the audit of pruned trials, as by flags."""
    config = _config().changed({"training.epochs": (1, 2), "search.trials": 4, "search.pruner": "rungs"})
    options = {"storage": f"journal:///{folder}/a.log", "workers": 1}
    seen = []
    study = lrsearch.optimize(config, **options, on_epoch=lambda state: seen.append(state.total))
    assert ("notebook/epochs-2", {4}) == (study.study_name, set(seen))
    confirmed = lrsearch.confirm(config, blocks=1, controls=["aa"], **options)
    assert "notebook/epochs-2/confirm" == confirmed.study_name
    assert ["aa"] == [control["kind"] for control in confirmed.user_attrs["controls"].values()]
    with pytest.raises(lrsearch.InputError, match="pruned"):
        lrsearch.confirm(config, blocks=1, controls=["aa"], audit_pruned=1.0, **options)
    assert {"notebook/epochs-1", "notebook/epochs-1/confirm"} <= {
        study.study_name for study in open_storage(options["storage"]).get_all_studies()
    }


def test_the_arguments_of_the_flow_are_named():
    """Help and completion show every option of a run: those of RunOptions."""
    options = {field.name for field in fields(RunOptions)}
    assert options <= set(signature(lrsearch.optimize).parameters)
    of_searches = {"lanes", "replicates_at_once", "timeout_seconds", "retry_crashed"}
    assert options - of_searches <= set(signature(lrsearch.confirm).parameters)


@pytest.mark.parametrize("form", ["yaml", "json", "toml", "python", "csv", "hf", "timm", "optax"])
def test_a_schedule_by_itself_is_exported(form, tmp_path) -> None:
    """In every format; a document comes back, says no training, and is refused by train in one line."""
    schedule = lrsearch.make_schedule("linear", total_steps=40, base_lr=0.1)
    text = lrsearch.export_schedule(schedule, form)
    if form in ("yaml", "json", "toml"):
        path = tmp_path / f"one.{form}"
        path.write_text(text)
        assert schedule == load_configuration(path).to_schedule()
        with pytest.raises(InputError, match="it is a schedule alone and says no training"):
            lrsearch.train_exported(path, trust_config=True)
    assert lrsearch.export_schedule(schedule.scaled_to(20), form) == lrsearch.export_schedule(schedule, form, steps=20)
    with pytest.raises(InputError, match="family must be left out"):
        lrsearch.export_schedule(schedule, form, family="linear")
