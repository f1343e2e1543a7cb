"""Whose a trial is: a process of this machine, of a container on it, or of another machine."""

import os
import platform
import subprocess
import sys

import pytest
from optuna import create_study
from optuna.exceptions import UpdateFinishedTrialError

from lrsearch.storage import (
    is_dead,
    is_elsewhere,
    set_attribute,
    worker,
    worker_name,
)


def test_this_process_lives_here() -> None:
    """A process knows its own name as that of a living process of this machine."""
    assert (False, False) == (is_dead(worker_name()), is_elsewhere(worker_name()))


def test_a_process_that_has_ended_is_dead_and_its_number_may_be_used_again() -> None:
    """A name says when its process began, so that another of the same number is not taken for it."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host, number, started = worker_name().split(":")
    assert is_dead(f"{host}:{ended.pid}:{started}")
    assert is_dead(f"{host}:{number}:1{started}")


def test_of_other_machines_nothing_is_known() -> None:
    """Their processes are elsewhere, and not dead for all that is known here."""
    assert (False, True) == (is_dead("another:1:1"), is_elsewhere("another:1:1"))


def test_containers_of_one_name_are_machines_of_their_own(monkeypatch) -> None:
    """Each counts its processes from 1, so the number of another's process says nothing in this one."""
    outside = f"{platform.node()}:{os.getpid()}:0"
    monkeypatch.setattr(worker, "_FIRST_PROCESS_NAMESPACE", 0)
    inside = worker_name()
    assert inside.startswith(f"{platform.node()}/")
    assert (False, False) == (is_dead(inside), is_elsewhere(inside))
    assert (False, True) == (is_dead(outside), is_elsewhere(outside))


def test_an_attribute_of_a_trial_is_written_by_number_until_it_has_finished() -> None:
    """Another process's trial can be marked while it runs, and no more afterwards."""
    study = create_study()
    trial = study.ask()
    set_attribute(study, trial.number, "stop_reason", "lost")
    assert "lost" == study.get_trials()[0].user_attrs["stop_reason"]
    study.tell(trial, 1.0)
    with pytest.raises(UpdateFinishedTrialError):
        set_attribute(study, trial.number, "stop_reason", "late")


def test_a_process_is_told_alive_from_dead() -> None:
    """A process that has ended is dead, also where its number is used again; of other hosts nothing is known."""
    assert not is_dead(worker_name())
    child = subprocess.Popen(
        [sys.executable, "-c", "from lrsearch.storage import worker_name; print(worker_name()); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not is_dead(name)
    child.communicate("\n")
    assert is_dead(name)
    host, process, _ = name.rsplit(":", 2)
    assert is_dead(f"{host}:{os.getpid()}:1")  # our number, but begun at another time
    assert not is_dead(f"elsewhere:{process}:1")
    assert not is_dead("")
