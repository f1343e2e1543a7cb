"""Commands in processes of their own: what they say, how they end, and what is left of them."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lrsearch.errors import InputError
from lrsearch.runs.command.running import RunningCommand
from lrsearch.runs.run_stack import RunStack
from lrsearch.runs.spec import Purpose
from lrsearch.training.lane import EpochMetrics
from tests.runs.test_run import make_spec

pytestmark = pytest.mark.integration

SHELL_SCRIPT = (
    (Path(__file__).parents[3] / "docs" / "own_commands.md").read_text().partition("```sh\n")[2].partition("```")[0]
)

WRITING = """
import json, os
told = json.load(open(os.environ["LRSEARCH_RUN"]))
open(told["{field}"], "w").write('{text}')
"""

REPORTING = """
import lrsearch
run = lrsearch.current_run()
for epoch in run.epochs():
    run.report(run.lr(10 * epoch + 9))
"""


@contextmanager
def stack_of(*commands: tuple[str, ...], purpose: Purpose = "search", **changes: object) -> Iterator[RunStack]:
    """Yield a stack with a run of each command."""
    timeout = changes.pop("timeout", None)
    stack = RunStack(RunningCommand, reports=changes.get("reports", 4), purpose=purpose, timeout=timeout)  # type: ignore[arg-type]
    try:
        for key, command in enumerate(commands):
            spec = make_spec(training=" ".join(command[:2]), command=command, **changes)
            stack.admit(key, replace(spec, path=tuple(sys.path)))
        yield stack
    finally:
        stack.close()


def python(code: str, tmp_path: Path) -> tuple[str, ...]:
    """Return the command of a script."""
    path = tmp_path / "script.py"
    path.write_text(code)
    return (sys.executable, str(path))


def all_epochs(stack: RunStack, key: int = 0) -> list[EpochMetrics]:
    """Let the runs go on until one has ended or diverged; return its metrics."""
    told: list[EpochMetrics] = []
    until = time.monotonic() + 120
    while not told or (told[-1].epoch < 4 and not told[-1].diverged):
        assert time.monotonic() < until
        told += [metrics for other, metrics in stack.run_epoch().items() if other == key]
        if key in stack.crashes():
            raise RuntimeError(stack.crashes()[key].error)
    return told


def test_a_script_in_python_and_one_for_the_shell_are_runs(tmp_path: Path) -> None:
    """The shell's knows the files alone."""
    (tmp_path / "walk.sh").write_text(SHELL_SCRIPT)
    with stack_of(python(REPORTING, tmp_path), ("sh", str(tmp_path / "walk.sh"))) as stack:
        curves = [all_epochs(stack, 0)]
        stack.release(0)
        curves.append(all_epochs(stack, 1))
    assert [[1, 2, 3, 4]] * 2 == [[metrics.epoch for metrics in curve] for curve in curves]
    assert curves[1][0].score["select"] > curves[1][-1].score["select"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import lrsearch; lrsearch.current_run().report('good', step=40)", "score must be a number, got 'good'"),
        ("import lrsearch; lrsearch.current_run().report(1.0, step=40)", "it never uses the schedule"),
        ("pass", "it never reports"),
        (WRITING.format(field="score_file", text='{"score": 2}'), "reports = 1, got 4"),
        (WRITING.format(field="reports_file", text="one"), "must be a JSON object such as"),
    ],
    ids=["no number", "no schedule", "no report", "one score", "no report's line"],
)
def test_a_script_that_does_not_do_what_it_must_is_refused(tmp_path: Path, code, said) -> None:
    """In one line that names the command."""
    with stack_of(python(code, tmp_path)) as stack, pytest.raises(InputError, match=f"script.py: .*{said}"):
        all_epochs(stack)


def test_a_program_that_is_not_there_is_refused() -> None:
    """Also where it has gone since the search began."""
    with (
        stack_of(("no-such-program",)) as stack,
        pytest.raises(InputError, match="'no-such-program' cannot be started"),
    ):
        all_epochs(stack)


def test_a_command_that_fails_is_tried_once_more(tmp_path: Path, caplog) -> None:
    """Then it has crashed, and its last line says why."""
    said = "it ended with exit code 1: no data"
    with stack_of(python("raise SystemExit('no data')", tmp_path)) as stack, pytest.raises(RuntimeError, match=said):
        all_epochs(stack)
    assert 1 == sum("tried once more" in record.message for record in caplog.records)


@pytest.mark.parametrize("written", [10**8, pytest.param(10**9, marks=pytest.mark.slow)])
def test_the_score_is_found_at_the_end_of_much_output(written) -> None:
    """Of which neither memory nor disk hold more than the end."""
    script = f"yes 'loss: 9.0' | head -c {written}; echo 'loss: 0.25'"
    before = psutil.Process().memory_info().rss
    with stack_of(("sh", "-c", script), score_pattern="loss: ([0-9.]+)", reports=1, epochs=1) as stack:
        [metrics] = [found for _ in range(200) for found in stack.run_epoch().values()][:1]
    assert 0.25 == metrics.score["select"]
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_each_of_two_runs_sees_a_gpu_of_its_own(tmp_path: Path) -> None:
    """The next one sees that which has become free."""
    command = ("sh", "-c", "echo loss: $CUDA_VISIBLE_DEVICES; sleep 0.2")
    stack = RunStack(RunningCommand, reports=1, at_once=2, devices=("3", "5"))
    for key in range(3):
        spec = make_spec(command=command, score_pattern="loss: (.*)", reports=1, epochs=1, path=tuple(sys.path))
        stack.admit(key, spec, folder=tmp_path / f"{key}")
    seen: list[tuple[int, float]] = []
    while len(seen) < 3:
        for key, metrics in stack.run_epoch().items():
            seen.append((key, metrics.score["select"]))
            stack.release(key)
    stack.close()
    assert {(0, 3.0), (1, 5.0)} == set(seen[:2])
    assert seen[2][1] in (3.0, 5.0)


def left_over(mark: str) -> list[psutil.Process]:
    """Return the processes whose command line holds a mark."""
    return [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]


FORKING = """
for ignored in TERM HUP; do trap '' $ignored; done
setsid sh -c "trap '' TERM; sleep {mark} & sleep {mark} & wait" &
{end}
"""


@pytest.mark.parametrize("how", ["prune", "timeout", "term", "exit"])
def test_nothing_is_left_of_a_command_that_forks(how) -> None:
    """Not in another session, nor of what has lost its parent, nor of what ignores SIGTERM."""
    mark = f"86{len(how)}{time.time_ns() % 10**9}.5"
    end = "exit 3" if how == "exit" else f"sleep {mark}"
    command, timeout = ("sh", "-c", FORKING.format(mark=mark, end=end)), 3.0 if how == "timeout" else None
    with stack_of(command, timeout=timeout, grace_seconds=1.0) as stack:
        until = time.monotonic() + 10
        while not left_over(mark) and time.monotonic() < until:
            stack.run_epoch()
        assert left_over(mark)
        if how == "prune":
            stack.release(0)
        if how in ("timeout", "exit"):
            while not stack.crashes():
                stack.run_epoch()
    assert not left_over(mark)
