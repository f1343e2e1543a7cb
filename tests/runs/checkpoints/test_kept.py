"""A run goes on from its own checkpoint, to the bit, and from nothing else."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lrsearch.runs.errors import Stopped
from lrsearch.runs.messages import Message, Report, Resumed
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSeeds
from tests.runs.test_run_stack import spec_of
from tests.runs.training_examples import dropout, quadratic


class Killed(Exception):
    """Stands for a kill."""


class Listener:
    """A search that is killed, and the run with it, at some report."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.scores: dict[int, float] = {}
        self.resumed_after = 0
        self._killed_at = killed_at

    def report(self, report: Report) -> bool:
        """Keep a score."""
        if report.epoch == self._killed_at:
            raise Killed
        self.scores[report.epoch] = report.score
        return False

    def tell(self, message: Message) -> None:
        """Keep what a run had reported before."""
        assert isinstance(message, Resumed)
        self.scores |= {report.epoch: report.score for report in message.reports}
        self.resumed_after = message.reports[-1].epoch


def run_in(folder: Path, listener: Listener, **changes: object) -> Run:
    """Return a run that writes a checkpoint after every epoch."""
    folder.mkdir(exist_ok=True)
    return Run(replace(spec_of("dropout"), folder=str(folder), **{"checkpoint_seconds": 0.0, **changes}), listener)


def killed_and_resumed(folder: Path, **changes: object) -> Listener:
    """Kill a run in its third epoch, begin it again, and return whom it reported to then."""
    with pytest.raises(Killed):
        dropout(run_in(folder, Listener(killed_at=3)))
    again = Listener()
    dropout(run_in(folder, again, **changes))
    return again


def test_a_killed_run_goes_on_to_the_bit(tmp_path) -> None:
    """With dropout and shuffled data, whatever it draws random numbers from."""
    undisturbed = Listener()
    last = dropout(run_in(tmp_path / "undisturbed", undisturbed))
    resumed = killed_and_resumed(tmp_path / "killed")
    assert 2 == resumed.resumed_after
    assert undisturbed.scores == resumed.scores
    assert last == resumed.scores[4]


def test_a_checkpoint_of_another_run_is_ignored(tmp_path, caplog) -> None:
    """One line says so, and the run starts over."""
    resumed = killed_and_resumed(tmp_path, seeds=RunSeeds(7, 8, 9))
    assert 0 == resumed.resumed_after
    assert "it is of another run" in caplog.text


@pytest.mark.parametrize(("content", "said"), [(b"PK half of it", "Weights only load failed"), (b"", "EOFError")])
def test_a_damaged_checkpoint_is_ignored(tmp_path, caplog, content, said) -> None:
    """One short line says so, and the run starts over."""
    with pytest.raises(Killed):
        dropout(run_in(tmp_path, Listener(killed_at=3)))
    (tmp_path / "checkpoint.pt").write_bytes(content)
    again = Listener()
    dropout(run_in(tmp_path, again))
    assert {1, 2, 3, 4} == again.scores.keys()
    [record] = caplog.records
    assert f"checkpoint {tmp_path}/checkpoint.pt cannot be loaded" in record.message
    assert said in record.message
    assert len(record.message) < 300


def test_a_checkpoint_that_the_objects_do_not_take_is_removed(tmp_path, monkeypatch) -> None:
    """As after the script was changed: the run fails, and tried once more begins anew."""
    with pytest.raises(Killed):
        dropout(run_in(tmp_path, Listener(killed_at=3)))
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn, "Dropout", lambda _: torch.nn.Linear(8, 8))
        with pytest.raises(RuntimeError, match="Missing key"):
            dropout(run_in(tmp_path, Listener()))
    again = Listener()
    dropout(run_in(tmp_path, again))
    assert 0 == again.resumed_after


def test_a_run_that_keeps_nothing_writes_nothing(tmp_path) -> None:
    """Nor does one whose time has not come."""
    quadratic(run_in(tmp_path, Listener()))
    dropout(run_in(tmp_path, Listener(), checkpoint_seconds=60.0))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_run_that_was_asked_to_end_writes_its_state_first(tmp_path) -> None:
    """At the end of the epoch in which it is, whatever the pause; one that keeps nothing is to be ended at once."""
    listener = Listener()
    run = run_in(tmp_path, listener, checkpoint_seconds=60.0)
    assert not run.end_at_next_checkpoint()
    epochs = run.epochs(generator=random.Random(1))
    next(epochs)
    run.report(1.0)
    assert run.end_at_next_checkpoint()
    with pytest.raises(Stopped):
        next(epochs)
    assert {1: 1.0} == listener.scores
    assert (tmp_path / "checkpoint.pt").exists()


def test_a_checkpoint_that_is_due_stays_due_until_it_is_written(tmp_path) -> None:
    """So that a library may write its own first; what that takes counts as its cost."""
    run = run_in(tmp_path, Listener(), checkpoint_seconds=0.0)
    generator = random.Random(1)
    assert not run.checkpoint_due
    run.resume(generator=generator)
    assert [True, True] == [run.checkpoint_due, run.checkpoint_due]
    run.checkpoint(generator=generator)
    assert (tmp_path / "checkpoint.pt").exists()
    late = run_in(tmp_path / "late", Listener(), checkpoint_seconds=60.0)
    late.resume(generator=generator)
    assert not late.checkpoint_due
    late.end_at_next_checkpoint()
    assert late.checkpoint_due
