"""A search of commands is killed at random, again and again: nothing is lost, nothing is doubled, nothing is left."""

import random
import signal
import sys
import time
import tomllib
from pathlib import Path

import pytest

import lrsearch
from lrsearch.config import StudyConfig
from tests.runs.command.test_supervisor import left_over
from tests.runs.test_kill import DROPOUT, optimize, results

SCRIPT = """
import lrsearch
from tests.runs.training_examples import dropout
dropout(lrsearch.current_run())
"""


@pytest.mark.integration
@pytest.mark.parametrize(("kills", "trials"), [(2, 4), pytest.param(20, 12, marks=pytest.mark.slow)])
def test_a_killed_search_of_commands_goes_on_to_the_bit(folder: Path, kills, trials) -> None:
    """With dropout and shuffled data, two at once; a command gives what the function gives."""
    study = DROPOUT.replace("trials = 2", f"trials = {trials}")
    lrsearch.optimize(StudyConfig.from_dict(tomllib.loads(study)), storage="sqlite:///undisturbed.db", workers=1)
    script = folder / "script.py"
    script.write_text(SCRIPT)
    lines = [line for line in study.splitlines() if "in_process" not in line and "training" not in line]
    command = f'command = ["{sys.executable}", "{script}"]'
    (folder / "toy.toml").write_text("\n".join(lines).replace("[run]", f"[run]\n{command}"))
    drawn = random.Random(kills)
    for _ in range(kills):
        killed = optimize(folder, "killed.db")
        while not left_over(str(script)) and killed.poll() is None:
            time.sleep(0.01)
        time.sleep(drawn.uniform(0.0, 6.0))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        until = time.monotonic() + 10
        while left_over(str(script)):
            assert time.monotonic() < until
            time.sleep(0.05)
    again = optimize(folder, "killed.db")
    _, said = again.communicate()
    assert 0 == again.returncode, said
    assert trials == len(results(folder, "killed.db"))
    assert results(folder, "undisturbed.db") == results(folder, "killed.db")
    assert not any(path.is_dir() for path in folder.glob("killed.db.runs/*/*"))
