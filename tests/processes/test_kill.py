"""Real signals to real processes: a killed trial resumes at its checkpoint, a paused process loses its trials."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from optuna.trial import TrialState

from lrsearch.search import optimize as run
from lrsearch.search.loop import SearchLoop
from lrsearch.storage import load_study, open_existing, set_attribute, worker_name
from lrsearch.trials.heartbeat import Watch
from tests.search.run_helpers import finished, lasting, make_config, search, search_and_state, states

HERE = Path(__file__).parent.parent.parent
STORAGE = "sqlite:///lrsearch.db"
LENET = {"workload": "lrsearch.workloads.fashion_lenet:fashion_lenet", "data__dataset": "digits"}
QUIET = {"search__pruner": "none", "search__sampler": "random", "optimizer__momentum": 0.9}


def _start(program: str) -> "subprocess.Popen[str]":
    """Start Python on a program that finds the tests; every epoch leaves a checkpoint."""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(HERE), "LRSEARCH_CHECKPOINT_SECONDS": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )


def _results(study) -> list:
    return sorted((lasting(trial) for trial in finished(study)), key=lambda left: str(left["params"]))


SEARCH = """
import os, platform
from lrsearch.training import choice
from lrsearch.trials.writer import Writer
from tests.search.run_helpers import make_config, search

choice._measured = lambda layout, data, rule, lanes: (1.0, 1.0 / lanes)  # as in the tests: no clock decides
seen, writers, enter = [], [], Writer.__enter__

def entered(writer):
    writers.append(writer)
    return enter(writer)

def on_epoch(state):
    seen.append(state)
    if len(seen) == {epochs}:
        writers[0].flush()  # so that it is known what was written, and no transaction is open while it is paused
        os.kill(os.getpid(), {signum})

Writer.__enter__ = entered

platform.node = lambda: {machine!r} or os.uname().nodename
search(make_config(**{changes!r}), {trials}, on_epoch=on_epoch)
"""


@pytest.mark.integration
def test_a_killed_trial_goes_on_from_its_checkpoint_to_the_same_result(folder) -> None:
    """LeNet on digits with momentum, SIGKILL after two of four epochs: two are trained again, all equal to the bit."""
    changes = {**LENET, **QUIET, "training__epochs": 4}
    killed = _start(SEARCH.format(epochs=2, signum=9, machine="", changes=changes, trials=3))
    assert -signal.SIGKILL == (killed.communicate(timeout=120) and killed.returncode)
    resumed, state = search_and_state(make_config(**changes), 3)
    assert {"COMPLETE": 3, "FAIL": 3} == states(resumed)
    assert [2, 2, 2] == [trial.user_attrs["resumed_after_epochs"] for trial in finished(resumed)]
    assert 3 * 2 == state.times.trial_epochs
    assert _results(search(make_config(**changes), 3, database="whole.db")) == _results(resumed)
    assert not Path("lrsearch.db.checkpoints").exists()


def _wait_until_paused(process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 120
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < until, "the process was not paused"
        time.sleep(0.05)


@pytest.mark.integration
def test_a_paused_process_loses_its_trials_and_goes_on(folder, monkeypatch) -> None:
    """Another machine's process is paused beyond the grace; its trials finish here, and it ends in order afterwards."""
    changes = {**QUIET, "training__epochs": 4}
    with _start(SEARCH.format(epochs=2, signum=19, machine="far", changes=changes, trials=9)) as paused:
        try:
            _wait_until_paused(paused)
            watch = Watch(grace_seconds=1.0, beat_seconds=0.3)
            monkeypatch.setattr(run, "SearchLoop", partial(SearchLoop, watch=watch))
            study = search(make_config(**changes), 9)
            assert {"COMPLETE": 9, "FAIL": 3} == states(study)
            before = [(trial.number, trial.state, trial.values) for trial in study.get_trials()]
            paused.send_signal(signal.SIGCONT)
            _, errors = paused.communicate(timeout=60)
        finally:
            paused.kill()
    assert 0 == paused.returncode, errors
    assert 3 == errors.count("was taken by another process while this one was paused")
    assert before == [(trial.number, trial.state, trial.values) for trial in study.get_trials()]
    assert _results(search(make_config(**changes), 9, database="whole.db")) == _results(study)


@pytest.mark.integration
def test_a_process_that_dies_beside_a_running_one_is_noticed(folder) -> None:
    """The run that continues resumes its trial, not only the next command."""
    dead = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    host, _, _ = worker_name().split(":")
    begun: list[int] = []

    def on_epoch(_: object) -> None:
        if not begun:
            study = load_study(open_existing(STORAGE), "tab")
            study.enqueue_trial({"family": "constant", "base_lr": 0.125, "warmup_steps": 1})
            begun.append(study.ask().number)
            started = Path(f"/proc/{dead.pid}/stat").read_text().rpartition(")")[2].split()[19]
            set_attribute(study, begun[0], "worker", f"{host}:{dead.pid}:{started}")
            dead.kill()
            dead.wait()

    study = search(make_config(), 6, on_epoch=on_epoch)
    trials = study.get_trials()
    assert (TrialState.FAIL, "lost") == (trials[begun[0]].state, trials[begun[0]].user_attrs["stop_reason"])
    assert 6 == len(finished(study))
    assert [begun[0]] == [t.user_attrs["retry_of"] for t in finished(study) if t.params["base_lr"] == 0.125]


@pytest.mark.slow
def test_a_small_soak_holds(folder) -> None:
    """Kills and pauses of three commands at once on a small study: every invariant of studies/soak.py holds."""
    flags = ("--kills", "6", "--trials", "30", "--epochs", "40", "--workload", "tests.workload_examples:tabular")
    soak = [sys.executable, str(HERE / "studies" / "soak.py"), *flags, "--folder", str(folder), "--seed", "1"]
    done = subprocess.run(
        soak, env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, timeout=900, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "every invariant holds" in done.stdout
