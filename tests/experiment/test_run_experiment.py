"""A study whose trials are runs: searched, confirmed, compared, exported, as one of a workload is."""

import json
import math
import tomllib
from pathlib import Path

import pytest
from optuna.study import Study
from optuna.trial import TrialState

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError, RunError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.storage import StoredStudy
from tests.runs.training_examples import STUDY

STORAGE = "journal:///runs.log"


def study_of(**run: object) -> StudyConfig:
    """Return the toy study with keys of `[run]` replaced."""
    return StudyConfig.from_dict(tomllib.loads(STUDY)).changed({f"run.{name}": value for name, value in run.items()})


def test_a_study_of_runs_goes_from_the_search_to_the_export(folder: Path) -> None:
    """Families in equal turns; paired seeds; the test set at the last report alone; `[parameters]` carried along."""
    config = study_of()
    study = lrsearch.optimize(config, storage=STORAGE, workers=1)
    finished = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    assert ["constant", "constant", "cosine", "cosine"] == sorted(trial.params["family"] for trial in finished)
    assert all(1e-4 <= trial.params["decay"] <= 0.1 for trial in finished)
    confirmed = lrsearch.confirm(config, storage=STORAGE, workers=1)
    runs = StoredStudy.open(STORAGE, "toy").confirmation.runs
    assert 12 == len(runs)
    assert all(run.test_accuracy > 100 > max(run.reported.values()) for run in runs)
    by_block = {(run.block, run.init_seed, run.order_seed, run.split_seed) for run in runs}
    assert 6 == len(by_block)
    best = {trial.params["decay"] for trial in finished}
    assert {run.settings["decay"] for run in runs} <= best
    comparison = lrsearch.compare(confirmed.study_name.removesuffix("/confirm"), storage=STORAGE)
    assert comparison.blocks == 6
    document = json.loads(lrsearch.export_schedule("toy", "json", storage=STORAGE))
    assert {"schedule", "run", "parameters", "scores", "provenance"} == document.keys()
    assert document["parameters"].keys() == {"decay"}


def test_a_run_is_given_what_its_trial_has() -> None:
    """Schedule, parameters and seeds; a report stands for an epoch."""
    experiment = RunExperiment.prepare(study_of())
    schedule = experiment.schedule({"family": "cosine", "base_lr": 0.1, "warmup_steps": 2, "final_lr": 0.0, "decay": 1})
    run = experiment.lane(schedule, Seeds(1, 2, 3, 4), {"decay": 0.5, "base_lr": 0.1})
    assert ({"decay": 0.5}, 2, 3, 1) == (run.parameters, run.init_seed, run.order_seed, run.seeds.split)
    assert (40, 4, 4) == (run.total_steps, run.reports, run.epochs)


@pytest.mark.parametrize(("direction", "worst"), [("minimize", math.inf), ("maximize", -math.inf)])
def test_without_a_worst_value_nothing_is_worse_than_a_run_that_diverged(direction, worst) -> None:
    """So it never wins."""
    assert worst == RunExperiment.prepare(study_of(direction=direction)).worst_value


def command_study(**run: object) -> StudyConfig:
    """Return the toy study with a command."""
    return study_of(**{"in_process": False, "command": ("sh", "train.sh"), **run})


def test_a_program_that_is_missing_is_one_line() -> None:
    """Before anything is stored."""
    with pytest.raises(InputError, match="the program 'no-such-program' is not found"):
        RunExperiment.prepare(command_study(command=("no-such-program",)))


def test_windows_is_refused(monkeypatch) -> None:
    """In one line."""
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(InputError, match="needs Linux"):
        RunExperiment.prepare(command_study())


def test_each_of_two_runs_has_a_gpu_of_its_own(monkeypatch) -> None:
    """Out of the list that is set; more runs than the GPUs have room for are refused."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert ("3", "5") == RunExperiment.prepare(command_study(gpus=1), at_once=2).devices
    assert ("3", "5", "3", "5") == RunExperiment.prepare(command_study(gpus=1), runs_per_gpu=2).devices
    assert () == RunExperiment.prepare(command_study(), at_once=2).devices
    with pytest.raises(InputError, match=r"workers must be at most 2, .*got 3"):
        RunExperiment.prepare(command_study(gpus=1), at_once=3)


def test_what_a_command_runs_is_a_source(folder: Path) -> None:
    """Of the files that it names."""
    experiment = RunExperiment.prepare(command_study())
    assert "" == experiment.source_digest
    (folder / "train.sh").write_text("exit 1")
    before = experiment.source_digest
    (folder / "train.sh").write_text("exit 0")
    assert "" != before != experiment.source_digest


def test_a_function_that_is_missing_is_one_line() -> None:
    """Before anything is stored."""
    with pytest.raises(InputError, match="has no function 'nobody'"):
        RunExperiment.prepare(study_of(training="tests.runs.training_examples:nobody"))


def _crashed(study: Study) -> list[str]:
    return sorted(
        trial.params["family"]
        for trial in study.get_trials(deepcopy=False)
        if trial.user_attrs.get("stop_reason") == "crashed"
    )


def test_a_crashed_trial_takes_its_place_and_is_run_again_when_asked(folder: Path) -> None:
    """With its parameters; the total and the families' turns stay what they were."""
    config = study_of(training="tests.runs.training_examples:crashes_for_cosine")
    study = lrsearch.optimize(config, storage=STORAGE, workers=1)
    assert ["cosine", "cosine"] == _crashed(study)
    assert 4 == len(study.get_trials(deepcopy=False))
    crashed = [trial for trial in study.get_trials(deepcopy=False) if trial.params["family"] == "cosine"]
    assert all("no mean of nothing (training_examples.py" in trial.user_attrs["error"] for trial in crashed)
    assert all("Traceback" in trial.user_attrs["output"] for trial in crashed)
    lrsearch.optimize(config, storage=STORAGE, workers=1)  # nothing is left to do
    assert 4 == len(study.get_trials(deepcopy=False))
    Path("mended").touch()
    lrsearch.optimize(config, storage=STORAGE, workers=1, retry_crashed=True)
    again = study.get_trials(deepcopy=False)[4:]
    assert [trial.params for trial in crashed] == [trial.params for trial in again]
    assert all(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in again)
    lrsearch.optimize(config, storage=STORAGE, workers=1, retry_crashed=True, trials=6)
    assert 8 == len(study.get_trials(deepcopy=False))


def test_three_crashes_of_a_family_without_a_success_end_the_search(folder: Path) -> None:
    """With the last error, and what to do."""
    config = study_of(training="tests.runs.training_examples:crashes_for_cosine")
    with pytest.raises(RunError, match=r"3 trials of cosine have crashed .* no mean of nothing .* --retry-crashed"):
        lrsearch.optimize(config, storage=STORAGE, workers=1, trials=10)


def test_a_crash_in_a_confirmation_is_a_failure_of_its_family(folder: Path) -> None:
    """The others are compared."""
    Path("mended").touch()
    config = study_of(training="tests.runs.training_examples:crashes_for_cosine")
    lrsearch.optimize(config, storage=STORAGE, workers=1)
    Path("mended").unlink()
    lrsearch.confirm(config, storage=STORAGE, workers=1)
    runs = StoredStudy.open(STORAGE, "toy").confirmation.runs
    assert {"cosine": {"crashed"}, "constant": {"finished"}} == {
        family: {run.stop_reason for run in runs if run.family == family} for family in ("cosine", "constant")
    }
    assert "6 of 6 runs of cosine failed" in lrsearch.compare("toy", storage=STORAGE).verdict_text


def test_a_function_that_ignores_its_seeds_is_not_confirmed(folder: Path) -> None:
    """Any difference would look certain: it ends after two blocks."""
    config = study_of(training="tests.runs.training_examples:ignores_its_seeds")
    lrsearch.optimize(config, storage=STORAGE, workers=1)
    with pytest.raises(RunError, match=r"same scores in two blocks: the function ignores run\.seeds"):
        lrsearch.confirm(config, storage=STORAGE, workers=1)
