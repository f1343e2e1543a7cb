"""Trials in a real MLflow store, through Optuna's own callback."""

import sys
from ast import literal_eval

import pytest

import lrsearch
from lrsearch.search.mlflow_log import MlflowLog
from tests.search.run_helpers import make_config

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*noload.* loader strategy"),  # MLflow's own code, with SQLAlchemy 2.1
]


@pytest.fixture
def mlflow(monkeypatch, folder):
    """Return the package, its telemetry off, in an empty working directory."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    pytest.importorskip("optuna_integration", reason="optuna-integration is in the extra `mlflow`")
    return pytest.importorskip("mlflow", reason="mlflow is in the extra `mlflow`")


def runs_of(mlflow, experiment):
    """Return the runs of an experiment by the trial's number; none may be there twice."""
    runs = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    by_number = {int(run.data.tags["number"]): run for run in runs}
    assert len(runs) == len(by_number)
    return by_number


def test_every_finished_trial_is_one_run(mlflow, folder, run, study_file):
    """By the command, in two processes and two goes: parameters, metric, state and our schedule as tags."""
    store = f"sqlite:///{folder}/mlflow.db"
    command = ("optimize", study_file, "--workers", "2", "--lanes", "1", "--device", "cpu")
    assert 0 == run(*command, "--trials", "4").code
    assert 0 == run(*command, "--trials", "7", "--mlflow", store).code
    study = lrsearch.optimize(make_config(), trials=7, workers=1)
    runs = runs_of(mlflow, "tab")
    trials = {trial.number: trial for trial in study.get_trials() if trial.state.name in ("COMPLETE", "PRUNED")}
    assert 7 == len(trials)
    assert trials.keys() == runs.keys()
    for number, trial in trials.items():
        data = runs[number].data
        assert {name: str(value) for name, value in trial.params.items()} == data.params
        assert trial.value == data.metrics["accuracy"]
        assert trial.state.name == data.tags["state"]
        assert trial.user_attrs["stop_reason"] == data.tags["stop_reason"]
        assert trial.user_attrs["schedule"] == literal_eval(data.tags["schedule"])
        assert "FINISHED" == runs[number].info.status


def test_replicates_are_experiments_and_a_finished_search_is_entered_too(mlflow, folder):
    """From Python: afterwards, with a run of one's own open, twice, under the metric's own name; each trial once."""
    config = make_config(search__replicates=2, workload="tests.workload_examples:regression")
    options = {"trials": 2, "storage": f"sqlite:///{folder}/a.db", "workers": 1}
    store = f"sqlite:///{folder}/mlflow.db"
    lrsearch.optimize(config, **options)
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("a notebook's own")
    with mlflow.start_run():
        lrsearch.optimize(config, mlflow=store, **options)
    lrsearch.optimize(config, mlflow=store, **options)
    for name in ("tab/search-00", "tab/search-01"):
        runs = runs_of(mlflow, name)
        assert {0, 1} == runs.keys()
        assert {"squared error"} == runs[0].data.metrics.keys()
        assert "MINIMIZE" == runs[0].data.tags["direction"]


def test_a_missing_package_is_one_line_before_anything_is_searched(run, study_file, folder, monkeypatch):
    """Exit code 2, what to install, and no database."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    complaint = run("optimize", study_file, "--mlflow", "sqlite:///m.db").complaint
    assert "mlflow needs mlflow: pip install mlflow optuna-integration" == complaint
    assert [study_file] == list(folder.iterdir())


def test_a_store_that_cannot_be_opened_is_one_line(mlflow, run, study_file, folder):
    """So is an address that MLflow does not know; a password in it is not shown."""
    with pytest.raises(lrsearch.InputError, match=r"mlflow .*nonsense.* cannot be written: .*") as caught:
        MlflowLog("nonsense://me:secret@host/x")
    assert "secret" not in str(caught.value)
    assert "cannot be written" in run("optimize", study_file, "--mlflow", f"file:{folder}/mlruns").complaint
    assert [study_file] == list(folder.iterdir())
