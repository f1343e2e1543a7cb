"""Runs in processes of their own: what they leave, and how they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lrsearch.runs.messages import Answer, Done, Failed, Report
from lrsearch.runs.process.running import RunningProcess, RunningThread
from tests.runs.test_run_stack import spec_of, stack_of

pytestmark = pytest.mark.integration


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def heard(running: RunningProcess | RunningThread) -> list[object]:
    """Return all that a run says; a report that waits is answered: to go on."""
    messages: list[object] = []
    while not messages or not isinstance(messages[-1], Done | Failed):
        messages.append(running.connection.recv())
        if isinstance(messages[-1], Report) and messages[-1].waits:
            running.connection.send(Answer(messages[-1].step, end=False))
    return messages


def test_a_process_says_what_a_thread_says(tmp_path) -> None:
    """Its modules are looked for where this process looks, and its global state is its own."""
    spec = replace(spec_of("quadratic"), folder=str(tmp_path))
    process = RunningProcess(spec)
    assert heard(RunningThread(spec)) == heard(process)
    wait_for(lambda: process.exit_code is not None)
    assert 0 == process.exit_code


def test_what_a_run_has_started_ends_with_it(tmp_path) -> None:
    """A process that it leaves behind is killed when it ends; its output is kept, the end of it alone."""
    process = RunningProcess(replace(spec_of("leaves_a_process"), folder=str(tmp_path)))
    assert isinstance(heard(process)[-1], Done)
    left = int((tmp_path / "files" / "pid").read_text())
    wait_for(lambda: process.exit_code is not None)
    wait_for(lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE)
    assert process.output.endswith("the end\n")
    assert 50_000 < len(process.output) <= 65_536


def test_a_run_ends_when_the_process_that_began_it_is_killed(tmp_path) -> None:
    """Whatever it is doing."""
    code = (
        "import sys, time; from dataclasses import replace; from tests.runs.test_run_stack import spec_of; "
        "from lrsearch.runs.process.running import RunningProcess; "
        f"run = RunningProcess(replace(spec_of('sleeps'), folder={str(tmp_path)!r})); time.sleep(600)"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(root)}) as parent:
        wait_for((tmp_path / "files" / "pid").exists)
        run = psutil.Process(int((tmp_path / "files" / "pid").read_text()))
        parent.send_signal(signal.SIGKILL)
    psutil.wait_procs([run], timeout=10)
    assert not run.is_running() or run.status() == psutil.STATUS_ZOMBIE


def test_a_run_that_takes_too_long_has_failed(caplog) -> None:
    """It is killed, tried once more, and has crashed."""
    with stack_of("sleeps", start=RunningProcess) as stack:
        stack._timeout = 0.5
        while not stack.crashes():
            assert not stack.run_epoch()
        assert "it ran for longer than the timeout, 0.5 seconds" == stack.crashes()[0].error


def test_a_killed_process_has_failed(tmp_path) -> None:
    """Its signal is named, with the end of what it wrote."""
    with stack_of("kills_itself", start=RunningProcess) as stack:
        while not stack.crashes():
            assert not stack.run_epoch()
        crash = stack.crashes()[0]
    assert "it was killed by signal 9: now" == crash.error
    assert "now\n" == crash.output
