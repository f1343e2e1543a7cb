"""A search of runs is killed, and goes on: nothing is lost, nothing is doubled, and no run is left behind."""

import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import psutil
import pytest

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.storage import StoredStudy
from tests.runs.training_examples import STUDY

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
DROPOUT = STUDY.replace("quadratic", "dropout").replace("trials = 4", 'trials = 2\nsampler = "random"\npruner = "none"')


def optimize(folder: Path, database: str) -> subprocess.Popen[str]:
    """Begin the search, two runs at once, each of which writes a checkpoint after every epoch."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LRSEARCH_CHECKPOINT_SECONDS": "0"}
    command = [sys.executable, "-m", "lrsearch", "optimize", "toy.toml", "--workers", "2"]
    return subprocess.Popen(
        [*command, "--storage", f"sqlite:///{database}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def results(folder: Path, database: str) -> dict[str, tuple[object, ...]]:
    """Return what each trial's parameters have led to."""
    study = StoredStudy.open(f"sqlite:///{folder / database}", "toy")
    return {
        str(record.params): (record.value, record.reported, record.curve.train_loss)
        for record in study.trials
        if record.finished
    }


def test_a_killed_search_goes_on_to_the_bit(folder: Path) -> None:
    """With dropout and shuffled data; its runs end with it, and go on from their checkpoints."""
    (folder / "toy.toml").write_text(DROPOUT.replace("in_process = true", ""))
    lrsearch.optimize(StudyConfig.from_dict(tomllib.loads(DROPOUT)), storage="sqlite:///undisturbed.db", workers=1)
    killed = optimize(folder, "killed.db")
    while not any(folder.glob("killed.db.runs/*/*/checkpoint.pt")):
        assert killed.poll() is None
        time.sleep(0.005)
    runs = psutil.Process(killed.pid).children(recursive=True)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert runs
    psutil.wait_procs(runs, timeout=10)
    assert not any(run.is_running() and run.status() != psutil.STATUS_ZOMBIE for run in runs)
    again = optimize(folder, "killed.db")
    _, said = again.communicate()
    assert 0 == again.returncode, said
    assert 2 == len(results(folder, "killed.db"))
    assert results(folder, "undisturbed.db") == results(folder, "killed.db")
    assert not any(path.is_dir() for path in folder.glob("killed.db.runs/*/*"))
