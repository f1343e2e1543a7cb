"""Processes of a real Dask scheduler: the same search and confirmation, and none of it lost with a process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.processes.dask import cluster_size
from lrsearch.search.optimize import run_search
from lrsearch.storage import load_study, open_storage, records
from tests.dask_cluster import DaskCluster, dask_cluster
from tests.search.run_helpers import make_config

pytest.importorskip("distributed", reason="needs lrsearch[dask]")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Return a scheduler with two workers that the tests of this file share."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as running:
        yield running


def _options(folder: Path, cluster: DaskCluster, **changes) -> RunOptions:
    given = {"storage": f"sqlite:///{folder}/d.db", "backend": "dask", "scheduler": cluster.address, "lanes": 2}
    return RunOptions(**{**given, **changes})


def _records(options: RunOptions, name: str = "tab"):
    return records(load_study(open_storage(options.storage), name))


def test_a_search_and_its_confirmation_run_in_the_workers(folder, cluster) -> None:
    """The trials are those of the cluster's processes, the total is exact, and a confirmation equals one run here."""
    options = _options(folder, cluster)
    config = make_config(search__trials=12)
    run_search(config, options)
    finished = [record for record in _records(options) if record.finished]
    assert {"constant": 4, "cosine": 4, "one_cycle": 4} == Counter(record.family for record in finished)
    assert {int(record.worker.split(":")[1]) for record in finished} <= {worker.pid for worker in cluster.workers}
    baseline = {"name": "fixed", "family": "constant", "base_lr": 0.1}
    fixed = StudyConfig.from_dict({**make_config().model_dump(), "name": "fixed", "baseline": [baseline]})
    remote = run_confirm(fixed, options, blocks=3).study
    local = run_confirm(fixed, RunOptions(storage=f"sqlite:///{folder}/here.db", workers=1), blocks=3).study
    assert _values(local) == _values(remote)


def _values(study) -> dict[object, object]:
    return {trial.user_attrs["block"]: trial.value for trial in study.get_trials(deepcopy=False)}


def test_what_will_not_do_as_a_cluster_is_one_line(run, study_file, cluster) -> None:
    """No address, no scheduler, a scheduler without the back end: each is refused with exit code 2."""
    flags = ("optimize", study_file, "--backend", "dask", "--device", "cpu")
    assert "scheduler must be an address such as tcp://" in run(*flags, "--scheduler", "nonsense").complaint
    assert "go together, got dask and None" in run(*flags).complaint
    assert "go together, got loky and tcp://" in run(*flags, "--backend", "loky", "--scheduler", "tcp://a:1").complaint
    assert 2 == cluster_size(cluster.address)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch) -> None:
    """Without a scheduler the error names the address and how to start one."""
    monkeypatch.setattr("lrsearch.processes.dask._CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler at 'tcp://127.0.0.1:1' .*dask scheduler --host 127.0.0.1"):
        cluster_size("tcp://127.0.0.1:1")


@pytest.mark.slow
def test_a_killed_worker_costs_no_trial(folder, tmp_path_factory) -> None:
    """When one of two workers is killed, the other resumes its trials, and the total is exact."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as cluster:
        options = _options(folder, cluster)
        config = make_config(search__trials=60, search__pruner="none", training__epochs=20)
        seen: dict[int, object] = {}

        def kill_one() -> None:
            while not any(record.state == "running" for record in _trials(options)) or len(_done(options)) < 6:
                time.sleep(0.1)
            seen.update(_done(options))
            cluster.workers[0].kill()

        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        run_search(config, options)
        killer.join(timeout=5)
        assert seen
        assert 60 == len(_done(options))
        assert seen.items() <= _done(options).items()
        states = Counter(record.state for record in _records(options))
        assert 0 == states["running"] + states["waiting"]
        assert 60 == len({tuple(sorted(r.params.items())) for r in _records(options) if r.finished})


def _trials(options: RunOptions):
    try:
        return _records(options)
    except InputError:  # the study is being made
        return []


def _done(options: RunOptions) -> dict[int, object]:
    return {record.number: record.value for record in _trials(options) if record.finished}


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_the_workers_stop_with_the_command(folder, study_file, cluster, signum) -> None:
    """After Ctrl-C, or when the command is killed, the workers give back what they train and are free again."""
    options = _options(folder, cluster)
    command = [sys.executable, "-m", "lrsearch", "optimize", str(study_file), "--storage", options.storage]
    command += ["--backend", "dask", "--scheduler", cluster.address, "--epochs", "200", "--trials", "600"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        _until(lambda: "running" in {record.state for record in _trials(options)})
        running.send_signal(signum)
        errors = running.communicate(timeout=180)[1]
    finally:
        running.kill()
    if signum == signal.SIGINT:
        assert 130 == running.returncode, errors
        assert "Traceback" not in errors
    _until(lambda: "running" not in {record.state for record in _trials(options)})
    assert "waiting" in {record.state for record in _trials(options)}


def _until(condition) -> None:
    until = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)
