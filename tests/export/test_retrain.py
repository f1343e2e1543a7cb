"""train: an exported configuration gives its trial again, and resumes where it was interrupted."""

from __future__ import annotations

import csv
from dataclasses import asdict

import numpy as np
import pytest

from lrsearch.__main__ import main
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.export import Configuration, best_trials, configuration, render
from lrsearch.export.retrain import reseeded, train_configuration
from lrsearch.schedules import PerEpoch, make_schedule
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy

FLOAT32 = {"rtol": 1e-4, "atol": 1e-6}
FAMILIES = ("cosine", "reduce_on_plateau", "one_cycle")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Search three families on digits, for three epochs each."""
    url = f"journal:///{tmp_path_factory.mktemp('train')}/study.log"
    config = StudyConfig.from_dict(
        {
            "name": "digits",
            "data": {"dataset": "digits"},
            "training": {"epochs": 3, "batch_size": 128},
            "optimizer": {"momentum": 0.9, "nesterov": True, "weight_decay": {"low": 1e-5, "high": 1e-3, "log": True}},
            "search": {"families": FAMILIES, "trials": 3, "pruner": "none"},
        }
    )
    run_search(config, RunOptions(storage=url, device="cpu", workers=1))
    return StoredStudy.open(url)


@pytest.fixture(scope="module")
def trial(source):
    return best_trials(source, "cosine")[0]


@pytest.fixture(scope="module")
def document(source, trial):
    return configuration(source, *trial)


def run(document, **options):
    return train_configuration(Configuration.from_dict(document), device="cpu", **options)


def stored(trial):
    """Return the stored curve of a trial, its parts by name."""
    return {name: part for name, part in asdict(trial.curve).items() if part}


@pytest.mark.parametrize("family", FAMILIES)
def test_training_a_configuration_gives_its_trial_again(source, family):
    """Every loss and score of every epoch, to float32 rounding, though the trial had company in its stack."""
    [(part, trial)] = best_trials(source, family)
    trained = run(configuration(source, part, trial))
    for name, part in stored(trial).items():
        np.testing.assert_allclose(getattr(trained.curve, name), part, **FLOAT32)
    assert f"the trial's: {trial.value!r}" in trained.remarks[0]


def test_what_was_searched_of_the_optimizer_is_exported(trial, document):
    """The document holds the trial's own weight decay and the study's fixed numbers."""
    expected = {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": trial[1].params["weight_decay"]}
    assert expected == document["optimizer"]


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
def test_the_command_accepts_every_document(trial, document, tmp_path, form, capsys):
    """From file to metrics: the CSV and the table hold the trial's numbers."""
    path, metrics = tmp_path / f"best.{form}", tmp_path / "metrics.csv"
    path.write_text(render(document, form), encoding="utf-8")
    assert 0 == main(["train", str(path), "--device", "cpu", "--output", str(metrics)])
    rows = list(csv.DictReader(metrics.read_text().splitlines()))
    assert ["1", "2", "3"] == [row["epoch"] for row in rows]
    for name in ("train_loss", "select_accuracy", "report_loss"):
        np.testing.assert_allclose([float(row[name]) for row in rows], stored(trial[1])[name], **FLOAT32)
    shown = capsys.readouterr().out
    assert "validation accuracy (points)" in shown
    assert f"{100 * float(rows[-1]['select_accuracy']):.2f}" in shown


def test_fresh_seeds_give_another_run(document):
    """--seed changes split, weights and order; the same seed gives the same run."""
    again = [train_configuration(reseeded(Configuration.from_dict(document), 7), device="cpu") for _ in range(2)]
    assert again[0].curve == again[1].curve
    assert run(document).curve != again[0].curve
    assert () == again[0].remarks


def interrupt_after(epochs):
    """Return what interrupts a run after a number of epochs."""

    def on_epoch(done, _epochs):
        if done == epochs:
            raise KeyboardInterrupt

    return on_epoch


@pytest.mark.parametrize("family", ["cosine", "reduce_on_plateau"])
def test_interrupted_and_continued_equals_uninterrupted(source, family, tmp_path):
    """Bit for bit, metrics file included, with momentum and with a schedule that remembers losses."""
    document = configuration(source, *best_trials(source, family)[0])
    if family == "reduce_on_plateau":  # one whose next rate depends on the losses before the interruption
        document["schedule"] |= {"base_lr": 0.02, "warmup_steps": 0, "patience": 0, "factor": 0.2}
    files = {"checkpoint": tmp_path / "run.pt", "metrics": tmp_path / "metrics.csv"}
    with pytest.raises(KeyboardInterrupt):
        run(document, on_epoch=interrupt_after(1), **files)
    assert 2 == len(files["metrics"].read_text().splitlines())
    seen = []
    continued = run(document, on_epoch=lambda done, _: seen.append(done), **files)
    whole = run(document, metrics=tmp_path / "whole.csv")
    assert [1, 2, 3] == seen
    assert whole.curve == continued.curve
    assert (tmp_path / "whole.csv").read_text() == files["metrics"].read_text()
    assert continued == run(document, **files)
    assert {"run.pt", "metrics.csv", "whole.csv"} == {path.name for path in tmp_path.iterdir()}


def test_a_checkpoint_of_another_run_is_refused(document, tmp_path):
    """Another seed is another run."""
    run(document, checkpoint=tmp_path / "run.pt")
    other = reseeded(Configuration.from_dict(document), 1)
    with pytest.raises(InputError, match="of another configuration or seed"):
        train_configuration(other, device="cpu", checkpoint=tmp_path / "run.pt")


@pytest.mark.parametrize("steps", [9 * 3, 9 * 3 + 1, 5])
def test_another_budget_can_be_trained(source, trial, steps):
    """A rescaled configuration runs whole epochs, the last one maybe beyond the schedule's end."""
    document = configuration(source, *trial, steps=steps)
    trained = run(document)
    assert -(-steps // 9) == len(trained.table.rows) == document["training"]["epochs"]


def test_a_schedule_that_does_not_fit_the_run_is_refused(document):
    """Too few or too many epochs for its steps: the message says both numbers."""
    wrong = {**document, "training": {**document["training"], "epochs": 5}}
    with pytest.raises(InputError, match=r"total_steps must .* 37 \.\. 45 \(5 epochs of 9\), got 27"):
        run(wrong)


def test_a_schedule_by_the_epoch_is_trained_on_all_examples(document):
    """Where train is "all" nothing is held back, so that the curve has training losses alone."""
    schedule = PerEpoch(make_schedule("linear", total_steps=2, base_lr=0.1), lag_lr=0.3)
    training = {**document["training"], "epochs": 2, "train": "all", "interval": "epoch"}
    trained = run({"schedule": schedule.params(), "training": training})
    assert [0.3, 0.1] == [row["lr"] for row in trained.table.records()]
    assert {"epoch", "lr", "train_loss"} == set(trained.table.records()[0])


def test_divergence_ends_the_run_and_is_said(document):
    """A rate far too high: fewer epochs, a warning, and no going on."""
    schedule = {**document["schedule"], "base_lr": 1e6, "warmup_steps": 0}
    trained = run({**document, "schedule": schedule})
    assert len(trained.table.rows) < 3
    assert "diverged in epoch" in trained.remarks[0]


def test_other_data_are_said(document):
    """A fingerprint that differs is a warning: the run cannot be the trial's."""
    provenance = {**document["provenance"], "data_fingerprint": "0" * 16}
    assert "the data are not those of the trial" in run({**document, "provenance": provenance}).remarks[0]


def test_a_configuration_may_name_a_workload_of_ones_own():
    """It is imported by its name; one that is not there is named."""
    schedule = {"family": "constant", "total_steps": 10, "base_lr": 0.1}
    document = {"schedule": schedule, "training": {"epochs": 1, "workload": "tests.workload_examples:tabular"}}
    assert 1 == len(run(document, trust_config=True).table.rows)
    document["training"]["workload"] = "tests.workload_examples:missing"
    with pytest.raises(InputError, match=r"tests\.workload_examples:missing"):
        run(document, trust_config=True)


def test_a_wrong_configuration_exits_with_2(document, tmp_path, capsys):
    """One line on standard error."""
    path = tmp_path / "wrong.json"
    path.write_text(render({**document, "secrets": {}}, "json"))
    assert 2 == main(["train", str(path)])
    error = capsys.readouterr().err
    assert "unknown key 'secrets'" in error
    assert 1 == len(error.splitlines())
    path.write_text(render(document, "json"))
    assert 2 == main(["train", str(path), "--device", "cpu", "--checkpoint", str(tmp_path / "no" / "run.pt")])
    assert "there is no folder" in capsys.readouterr().err
