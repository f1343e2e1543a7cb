"""A whole search: replicates, the number of lanes, and what optuna-dashboard shows of it."""

import importlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.study import Study

from lrsearch.config import StudyConfig, built_in_study
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.metric import ACCURACY
from lrsearch.search.optimize import prepare_studies, run_search
from lrsearch.search.progress import SearchState
from lrsearch.search.sampling import FamilySampler
from lrsearch.storage import StudyPart, create_study, load_study, open_storage
from tests.search.run_helpers import families, finished, lasting, make_config, search, search_and_state


def _replicates(database: str, **options: Any) -> tuple[list[Study], SearchState]:
    config = make_config(search__replicates=3, search__trials=2)
    given = {"storage": f"journal:///{database}", "device": "cpu", "workers": 1, "lanes": 1}
    return run_search(config, RunOptions(**{**given, **options}))


def test_replicates_are_independent_searches_of_one_name(folder) -> None:
    """Each has its own study, split, seeds and parameters; trained together they come to the bit to the same."""
    studies, state = _replicates("alone.log")
    assert ["tab/search-00", "tab/search-01", "tab/search-02"] == [study.study_name for study in studies]
    assert (6, 6) == (state.total, state.complete + state.pruned)
    assert [2, 2, 2] == [len(finished(study)) for study in studies]
    assert [0, 1, 2] == [study.user_attrs["replicate"] for study in studies]
    assert 3 == len({study.user_attrs["split_seed"] for study in studies})
    assert 6 == len({trial.params["base_lr"] for study in studies for trial in finished(study)})
    together, _ = _replicates("together.log", replicates_at_once=2)
    for study, other in zip(studies, together, strict=True):
        assert [lasting(trial) for trial in finished(study)] == [lasting(trial) for trial in finished(other)]


@pytest.mark.integration
def test_replicates_are_trained_together_in_parts(folder) -> None:
    """Stopped after every epoch of the stack, and continued, they come to the bit to the same."""
    studies, _ = _replicates("alone.log")
    for left in (6, 3, 3, 0):  # a part trains one of two epochs
        together, state = _replicates("parts.log", replicates_at_once=3, timeout_seconds=1e-9)
        assert left == state.total - state.complete
    for study, other in zip(studies, together, strict=True):
        assert [lasting(trial) for trial in finished(study)] == [lasting(trial) for trial in finished(other)]


def test_the_first_epoch_is_noted_of_processes_that_end_before_they_are_asked(folder, monkeypatch) -> None:
    """They are asked about once a second; a finished search has trained no epoch."""

    def in_no_time(task, arguments, scheduler, **_: Any) -> list[Any]:
        return [task(*arguments[0])]

    monkeypatch.setattr("lrsearch.search.optimize.run_in_processes", in_no_time)
    options = RunOptions(storage="journal:///fast.log", device="cpu", workers=2)
    begun = time.perf_counter()
    first, finished_before = (run_search(make_config(search__trials=2), options)[1].start for _ in range(2))
    assert first.data < first.first_epoch < time.perf_counter() - begun
    assert 0 == finished_before.first_epoch


def test_a_stored_search_goes_on_with_its_own_sampler(folder) -> None:
    """A study file that names no sampler continues, and confirms, a search by another one than the default."""
    options = RunOptions(storage="journal:///lrsearch.log", device="cpu", workers=1)
    run_search(make_config(search__sampler="qmc", search__trials=3), options)
    (study,), _ = run_search(make_config(search__trials=4), options)
    assert isinstance(study.sampler, FamilySampler)
    assert ("qmc", 4) == (study.sampler.kind, len(finished(study)))
    confirmed = run_confirm(make_config(), options, blocks=1).study
    assert "qmc" == StudyPart.of(confirmed).config.search.sampler


def test_tpe_starts_as_it_did_when_the_study_was_made(folder) -> None:
    """After 4 trials of a family in a new study, after 10 in one that does not say so."""
    experiment, options = WorkloadExperiment.prepare(make_config(), device="cpu"), RunOptions(study_name="old")
    storage = open_storage(options.storage)
    data = experiment.data_fingerprint
    create_study(storage, "old", experiment.config, metric=ACCURACY, data_fingerprint=data, attributes={})
    for name, expected in (("old", 10), ("new", 4)):
        (replicate,) = prepare_studies(experiment, RunOptions(study_name=name), storage)
        assert isinstance(replicate.study.sampler, FamilySampler)
        assert expected == replicate.study.sampler.startup_trials


def test_a_study_that_holds_nothing_back_is_not_searched(folder) -> None:
    """`train = "all"` is for confirm alone, and it is said before anything is loaded."""
    with pytest.raises(InputError, match='train = "all"'):
        run_search(StudyConfig.load(built_in_study("article")))


def test_the_digits_are_searched_with_the_built_in_workload(folder) -> None:
    """The quick study's first trials, one epoch of them: every family in turn, better than chance."""
    config = StudyConfig.load(built_in_study("quick")).changed(
        {"training.epochs": 1, "search.families": ("constant", "one_cycle"), "name": "tab"}
    )
    study, state = search_and_state(config, 4)
    assert {"constant": 2, "one_cycle": 2} == families(study)
    assert state.best is not None
    assert state.best > 0.1


@pytest.mark.integration
def test_real_fashion_mnist_is_searched(folder, real_data, monkeypatch) -> None:
    """The whole path on the real files, in batches so large that it is short: 50,000 images in 20 steps, one value."""
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", str(real_data))
    config = StudyConfig.load(built_in_study("fashion_lenet")).changed(
        {"training.epochs": 1, "training.batch_size": 2500, "search.families": ("one_cycle",), "name": "tab"}
    )
    study, state = search_and_state(config, 1, lanes=1)
    assert 20 == study.user_attrs["space"]["total_steps"]
    assert state.best is not None
    assert 0.05 < state.best < 1.0


def _ask(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.integration
def test_optuna_dashboard_shows_the_search(folder) -> None:
    """The real server, asked over HTTP: all trials with their values and families, each family equally often."""
    study = search(make_config(), 9)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = Path(sys.executable).with_name("optuna-dashboard")
    server = subprocess.Popen(
        [command, "sqlite:///lrsearch.db", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    try:
        address = f"http://127.0.0.1:{port}/api/studies"
        until = time.monotonic() + 60
        while True:
            try:
                listed = _ask(address)["study_summaries"]
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        assert [("tab", ["maximize"])] == [(s["study_name"], s["directions"]) for s in listed]
        shown = _ask(f"{address}/{listed[0]['study_id']}")
    finally:
        server.terminate()
        server.wait(timeout=30)
    stored = load_study(open_storage("sqlite:///lrsearch.db"), "tab").get_trials()
    assert len(stored) == len(shown["trials"]) == len(study.get_trials())
    assert [t.state.name.capitalize() for t in stored] == [t["state"].capitalize() for t in shown["trials"]]
    assert [t.values for t in stored if t.state.name == "COMPLETE"] == [
        t["values"] for t in shown["trials"] if t["state"].upper() == "COMPLETE"
    ]
    assert [len(t.intermediate_values) for t in stored] == [len(t["intermediate_values"]) for t in shown["trials"]]
    families_shown = Counter(
        p["param_external_value"] for t in shown["trials"] for p in t["params"] if p["name"] == "family"
    )
    assert {"constant": 3, "cosine": 3, "one_cycle": 3} == families_shown


def test_the_table_of_several_replicates_reads_each_trial_in_its_own_study(folder, run) -> None:
    """The best of a family may be of any replicate; its parameters and bounds are looked up where it lies."""
    flags = ["--workload", "tests.workload_examples:tabular", "--families", "constant,cosine,step", "--epochs", "1"]
    ended = run("optimize", *flags, "--trials", "3", "--replicates", "4", "--workers", "1", "--format", "json")
    assert 0 == ended.code
    rows = json.loads(ended.out)["families"]
    assert {"constant": 4, "cosine": 4, "step": 4} == {row["family"]: row["trials"] for row in rows}
    assert all(set(row["near a bound"]) <= set(row["best parameters"]) for row in rows)


def test_a_study_goes_on_in_the_space_that_it_stores(tmp_path):
    """Though the default ranges have changed since it was begun: its next trials are drawn from the stored ones."""
    url = f"journal:///{tmp_path}/study.log"
    config = StudyConfig.from_dict(
        {
            "workload": "tests.workload_examples:tabular",
            "training": {"epochs": 2},
            "search": {"families": ["cosine"], "trials": 2, "pruner": "none"},
            "ranges": {"base_lr": {"low": 0.05, "high": 0.5}},
        }
    )
    options = RunOptions(storage=url, device="cpu", workers=1)
    run_search(config, options)
    study = load_study(open_storage(url), "study")
    space = study.user_attrs["space"]
    assert {"low": 5e-5, "high": 5e-3, "log": True, "integer": False} == space["families"]["cosine"]["final_lr"]
    # An earlier version had the published range of final_lr for any range of base_lr.
    space["families"]["cosine"]["final_lr"] |= {"low": 1e-5, "high": 1e-2}
    study.set_user_attr("space", space)
    [study], _ = run_search(config.changed({"search.trials": 4}), options)
    ranges = [trial.distributions["final_lr"] for trial in study.trials]
    assert [FloatDistribution(5e-5, 5e-3, log=True)] * 2 + [FloatDistribution(1e-5, 1e-2, log=True)] * 2 == ranges


_OWN = """
import torch
from torch import nn
from tests.workload_examples import *

def metric(outputs, y):
    return outputs.log_softmax(-1)[torch.arange(len(y)), y]

def f():
    return Workload("mine", lambda: nn.Linear(FEATURES, CLASSES), tabular_data, metric=metric, metric_name="score")
"""


@pytest.mark.integration
def test_the_study_of_a_changed_workload_is_refused_by_the_command(folder, run, monkeypatch) -> None:
    """What makes trials incomparable is named; another source is a warning, once."""
    monkeypatch.syspath_prepend(folder)

    def optimize(source: str):
        (folder / "mine.py").write_text(source)
        sys.modules.pop("mine", None)
        importlib.invalidate_caches()
        flags = ("--epochs", "1", "--trials", "2", "--device", "cpu", "--workers", "1", "--sampler", "random")
        return run("optimize", "--workload", "mine:f", *flags)

    assert 0 == optimize(_OWN.replace("metric_name=", "batch_size=20, metric_name=")).code
    base = _OWN.replace("metric_name=", "batch_size=20, metric_name=")
    for changed, difference in (
        (base.replace('"score"', '"score", direction="minimize"'), "direction is 'maximize', not 'minimize'"),
        (base.replace('"score"', '"other"'), "metric is 'score', not 'other'"),
        (base.replace('"score"', '"score", unit="nats"'), "unit is 'units', not 'nats'"),
        (base.replace("batch_size=20", "batch_size=25"), "batch_size is 20, not 25; steps_per_epoch is 10, not 8"),
        (base.replace("CLASSES), tab", "CLASSES, bias=False), tab"), "parameters is "),
    ):
        assert difference in optimize(changed).complaint
    helped = optimize(base.replace("return outputs", "outputs = 1.0 * outputs\n    return outputs"))
    assert 0 == helped.code
    assert 1 == helped.err.count("the source of what study")
