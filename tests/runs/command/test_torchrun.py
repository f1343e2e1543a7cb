"""Two ranks of torchrun on the CPU: pruned, killed and resumed."""

import sys
from pathlib import Path

import pytest

from lrsearch.runs.command.running import RunningCommand
from lrsearch.runs.run_stack import RunStack
from lrsearch.schedules import make_schedule
from tests.runs.command.test_supervisor import all_epochs, left_over
from tests.runs.test_run import make_spec

pytestmark = pytest.mark.integration

SCRIPT = str(Path(__file__).with_name("two_ranks.py"))
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", SCRIPT)


def admitted(folder: Path, *flags: str) -> RunStack:
    """Return a stack with a run that keeps its files in a folder."""
    stack = RunStack(RunningCommand, reports=4, rungs=(1, 2, 3))
    spec = make_spec(
        schedule=make_schedule("cosine", total_steps=40, base_lr=0.02).params(),
        command=(*TORCHRUN, *flags),
        path=tuple(sys.path),
        checkpoint_seconds=0.0,
        grace_seconds=5.0,
    )
    stack.admit(0, spec, folder=folder)
    return stack


def first_reports(stack: RunStack, number: int) -> list[float]:
    """Return the scores of the first reports."""
    told: list[float] = []
    while len(told) < number:
        told += [metrics.score["select"] for metrics in stack.run_epoch().values()]
        assert not stack.crashes(), stack.crashes()
    return told


def test_a_pruned_run_ends_on_all_ranks(tmp_path: Path) -> None:
    """None hangs in a collective, and nothing is left."""
    stack = admitted(tmp_path / "run")
    assert 1 == len(first_reports(stack, 1))
    stack.release(0)
    stack.close()
    assert not left_over(SCRIPT)


def test_ranks_that_were_killed_go_on_to_the_bit(tmp_path: Path) -> None:
    """Each with random numbers of its own; one rank that is killed takes the others with it."""
    undisturbed = admitted(tmp_path / "undisturbed")
    expected = [metrics.score["select"] for metrics in all_epochs(undisturbed)]
    undisturbed.close()
    stack = admitted(tmp_path / "killed", "--slow")
    first_reports(stack, 2)
    ranks = [process for process in left_over(SCRIPT) if "torch.distributed.run" not in process.cmdline()]
    ranks[-1].kill()
    resumed = [metrics.score["select"] for metrics in all_epochs(stack)]
    stack.close()
    assert expected[-len(resumed) :] == resumed
    assert not left_over(SCRIPT)
