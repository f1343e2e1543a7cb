"""Several processes on one study: exact totals, nothing twice, and one that is killed does not end the run."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.processes import local
from lrsearch.processes.interruption import Interrupted
from lrsearch.search.optimize import run_search
from lrsearch.storage import load_study, open_storage
from lrsearch.trials.history import origin_of

FAMILIES = ("constant", "cosine", "linear")


def _config(trials: int, **changes) -> StudyConfig:
    given = {
        "name": "many",
        "workload": "tests.workload_examples:tabular",
        "training": {"epochs": 2},
        "search": {"families": FAMILIES, "trials": trials, **changes},
    }
    return StudyConfig.from_dict(given)


def _options(folder: Path, **options) -> RunOptions:
    return RunOptions(storage=f"sqlite:///{folder}/many.db", **{"workers": 2, "lanes": 3, **options})


def _trials(options: RunOptions, name: str = "many"):
    return load_study(open_storage(options.storage), name).get_trials(deepcopy=False)


def test_a_second_ctrl_c_stops_the_processes_too(monkeypatch) -> None:
    """They are asked to end, and waited for, as after one; without it they would train on to their end, unseen."""
    monkeypatch.setattr(local, "POLL_SECONDS", 0.01)
    future: Future[int] = Future()

    def poll() -> None:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        local.watch(future, poll, stop=lambda: future.set_result(1))
    assert 1 == future.result()


@pytest.mark.integration
def test_two_processes_reach_the_total_exactly(folder):
    """Two processes finish 18 trials and none more, every family equally often, no parameters twice."""
    options = _options(folder)
    _, state = run_search(_config(18), options)
    finished = [trial for trial in _trials(options) if trial.state.name in ("COMPLETE", "PRUNED")]
    assert dict.fromkeys(FAMILIES, 6) == Counter(trial.params["family"] for trial in finished)
    assert 18 == len({tuple(sorted(trial.params.items())) for trial in finished})
    assert (18, 0) == (state.complete + state.pruned, state.running)
    assert 1 < len({trial.user_attrs["worker"] for trial in finished})


@pytest.mark.integration
def test_replicates_in_several_processes_all_reach_their_total(folder):
    """Two replicates shared by two processes have their trials each, and nothing in common."""
    options = _options(folder)
    studies, state = run_search(_config(6, replicates=2), options)
    assert ["many/search-00", "many/search-01"] == [study.study_name for study in studies]
    assert 12 == state.complete + state.pruned
    seeds = [{trial.user_attrs["init_seed"] for trial in _finished(options, study.study_name)} for study in studies]
    assert [1, 1] == [len(group) for group in seeds]
    assert seeds[0] != seeds[1]


@pytest.mark.integration
def test_a_killed_process_does_not_end_the_run(folder):
    """When one is killed its trials are resumed, the total is exact, and the progress shown never decreases."""
    options = _options(folder)
    config = _config(60)
    killed = threading.Event()

    def kill_one() -> None:
        while not killed.is_set():
            time.sleep(0.05)
            running = [t for t in _running(options) if t.user_attrs.get("worker")]
            if running:
                os.kill(int(running[0].user_attrs["worker"].split(":")[1]), signal.SIGKILL)
                killed.set()

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    shown = []
    _, state = run_search(config, options, lambda s: shown.append((s.complete + s.pruned, s.trial_epochs)))
    killer.join(timeout=5)
    assert killed.is_set()
    assert sorted(shown) == shown
    trained = sum(
        len(trial.intermediate_values) - trial.user_attrs.get("resumed_after_epochs", 0) for trial in _trials(options)
    )
    assert (60, trained) == (state.complete + state.pruned, state.trial_epochs)
    states = Counter(trial.state.name for trial in _trials(options))
    assert 60 == states["COMPLETE"] + states["PRUNED"]
    assert states["FAIL"] > 0
    assert 0 == states["RUNNING"] + states["WAITING"]


def _running(options: RunOptions):
    if not Path(options.storage.removeprefix("sqlite:///")).exists():
        return []
    try:
        return [trial for trial in _trials(options) if trial.state.name == "RUNNING"]
    except ValueError:  # the study is being made
        return []


@pytest.mark.integration
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_processes_and_loses_nothing(folder, signum):
    """After Ctrl-C, SIGTERM or a closed terminal no process and no shared memory is left, and the next run ends."""
    storage = f"sqlite:///{folder}/many.db"
    study = folder / "study.toml"
    study.write_text(
        'name = "many"\nworkload = "tests.workload_examples:tabular"\n'
        f'[training]\nepochs = 40\n[search]\nfamilies = {list(FAMILIES)}\npruner = "none"\n'
    )
    command = [sys.executable, "-m", "lrsearch", "optimize", str(study), "--storage", storage]
    command += ["--trials", "600", "--workers", "2", "--lanes", "2"]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    run = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True, preexec_fn=_heed_signals
    )
    options = RunOptions(storage=storage, workers=2, lanes=2)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and len(_finished(options)) < 4:
        time.sleep(0.1)
    children = psutil.Process(run.pid).children(recursive=True)
    if signum == signal.SIGTERM:
        run.send_signal(signum)
    else:
        os.killpg(run.pid, signum)  # as a terminal does
    _, errors = run.communicate(timeout=60)
    assert 130 == run.returncode, errors
    assert "Traceback" not in errors
    assert "interrupted" in errors
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    assert [] == list(Path("/dev/shm").glob(f"*_{run.pid}_*"))
    trials = _trials(options)
    states = Counter(trial.state.name for trial in trials)
    assert 0 == states["RUNNING"]
    assert 4 <= states["COMPLETE"]
    # Two processes that end in the same moment may both queue a trial; of two copies one alone is ever run. A trial
    # that had no parameters yet leaves its place to a new one.
    waiting = {origin_of(trial) for trial in trials if trial.state.name == "WAITING"}
    cut_short = [t for t in trials if t.state.name == "FAIL" and t.user_attrs.get("stop_reason") == "interrupted"]
    assert waiting == {origin_of(trial) for trial in cut_short if trial.params}
    assert waiting
    total = states["COMPLETE"] + len(waiting)
    run_search(StudyConfig.load(study).changed({"search.trials": total}), options)
    assert total == len(_finished(options))


def _heed_signals() -> None:
    """Undo what a shell or nohup does to jobs in the background, where the tests may run."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _finished(options: RunOptions, name: str = "many"):
    if not Path(options.storage.removeprefix("sqlite:///")).exists():
        return []
    try:
        return [trial for trial in _trials(options, name) if trial.state.name in ("COMPLETE", "PRUNED")]
    except ValueError:
        return []


@pytest.mark.integration
def test_confirmation_in_processes_equals_one_process(folder):
    """Blocks shared out over two processes give exactly what one process gives."""
    baselines = [{"name": n, "family": n, "base_lr": lr} for n, lr in (("constant", 0.1), ("cosine", 0.2))]
    baselines[1]["final_lr"] = 0.01
    config = StudyConfig.from_dict({**_config(6).model_dump(), "baseline": baselines})
    values = []
    for workers in (1, 2):
        part_folder = folder / str(workers)
        part_folder.mkdir()
        study = run_confirm(config, _options(part_folder, workers=workers), blocks=3).study
        values.append({(t.user_attrs["block"], t.user_attrs["entry"]): t.value for t in study.get_trials()})
    assert 6 == len(values[0])
    assert values[0] == values[1]


@pytest.mark.integration
def test_processes_do_not_outlive_the_one_that_started_them(folder):
    """When the first process is killed, the others stop by themselves and give back what they were running."""
    storage = f"sqlite:///{folder}/many.db"
    study = folder / "study.toml"
    study.write_text(
        'name = "many"\nworkload = "tests.workload_examples:tabular"\n'
        f'[training]\nepochs = 40\n[search]\nfamilies = {list(FAMILIES)}\npruner = "none"\n'
    )
    command = [sys.executable, "-m", "lrsearch", "optimize", str(study), "--storage", storage, "--trials", "900"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.Popen([*command, "--workers", "2"], env=environment, stderr=subprocess.DEVNULL)
    options = RunOptions(storage=storage)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and not _finished(options):
        time.sleep(0.1)
    children = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(children, timeout=90)
    assert not alive
    states = Counter(trial.state.name for trial in _trials(options))
    assert 0 == states["RUNNING"]
    assert states["WAITING"] > 0
