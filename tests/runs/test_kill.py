"""A search of runs is killed, and goes on: nothing is lost, nothing is doubled, and no run is left behind."""

import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.storage import StoredStudy
from tests.runs.training_examples import STUDY

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SECONDS_OF_AN_EPOCH = 0.25
MOST_SECONDS = 3.0
"""From a checkpoint to the kill, at most: it falls into an epoch, the end of a run, or the imports of the next."""

SCRIPT = """
import lrsearch
from tests.runs.training_examples import dropout
dropout(lrsearch.current_run())
"""
DROPOUT = STUDY.replace("quadratic", "dropout").replace("trials = 4", 'trials = 2\nsampler = "random"\npruner = "none"')


def optimize(folder: Path, database: str) -> subprocess.Popen[str]:
    """Begin the search, two runs at once, each of which writes a checkpoint after every epoch."""
    told = {"LRSEARCH_CHECKPOINT_SECONDS": "0", "SECONDS_OF_AN_EPOCH": str(SECONDS_OF_AN_EPOCH)}
    environment = {**os.environ, **told, "PYTHONPATH": str(ROOT)}
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


def study_of(folder: Path, form: str, trials: int) -> str:
    """Return the study of a training function in a process of its own, or of a script that calls it."""
    study = DROPOUT.replace("trials = 2", f"trials = {trials}").replace("in_process = true\n", "")
    if form == "function":
        return study
    script = folder / "script.py"
    script.write_text(SCRIPT)
    return "\n".join(
        f'command = ["{sys.executable}", "{script}"]' if line.startswith("training") else line
        for line in study.splitlines()
    )


def kill(search: subprocess.Popen[str], folder: Path, after: float) -> None:
    """Kill a search some seconds after its first checkpoint, so that each comes further; its runs must end with it."""
    begun, newest = time.time(), 0.0
    while newest < begun:
        assert search.poll() is None, search.communicate()[1] or "it ended before it was killed"
        with suppress(FileNotFoundError):
            newest = max((path.stat().st_mtime for path in folder.glob("killed.db.runs/**/checkpoint.pt")), default=0.0)
        time.sleep(0.01)
    time.sleep(after)
    with suppress(psutil.NoSuchProcess):
        runs = psutil.Process(search.pid).children(recursive=True)
    search.send_signal(signal.SIGKILL)
    search.communicate()
    _, left = psutil.wait_procs(runs, timeout=30)
    assert not [run for run in left if run.is_running() and run.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("form", ["function", "command"])
@pytest.mark.parametrize(("kills", "trials"), [(2, 6), pytest.param(20, 48, marks=pytest.mark.slow)])
def test_a_killed_search_goes_on_to_the_bit(folder: Path, form, kills, trials) -> None:
    """With dropout and shuffled data, two runs at once: killed again and again, it comes to the same."""
    undisturbed = DROPOUT.replace("trials = 2", f"trials = {trials}")
    lrsearch.optimize(StudyConfig.from_dict(tomllib.loads(undisturbed)), storage="sqlite:///undisturbed.db", workers=1)
    (folder / "toy.toml").write_text(study_of(folder, form, trials))
    drawn = random.Random(kills)
    for _ in range(kills):
        kill(optimize(folder, "killed.db"), folder, drawn.uniform(0.0, MOST_SECONDS))
    again = optimize(folder, "killed.db")
    _, said = again.communicate()
    assert 0 == again.returncode, said
    assert trials == len(results(folder, "killed.db"))
    assert results(folder, "undisturbed.db") == results(folder, "killed.db")
    assert not any(path.is_dir() for path in folder.glob("killed.db.runs/*/*"))
