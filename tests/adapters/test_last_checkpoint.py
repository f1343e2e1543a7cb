"""The checkpoint of a library's own from which a run goes on."""

from pathlib import Path

import pytest

from lrsearch.adapters.last_checkpoint import LastCheckpoint
from lrsearch.runs.run import Run
from tests.adapters.checks import Search, run_in


def write(run: Run, name: str, *, folder: bool = False) -> Path:
    """Write a checkpoint as a library would."""
    path = run.folder / name
    if folder:
        path.mkdir()
    else:
        path.touch()
    return path


@pytest.mark.parametrize("folder", [False, True])
def test_a_run_goes_on_from_the_newest_and_keeps_it_alone(folder, tmp_path) -> None:
    """Whether the library writes a file or a folder."""
    run = run_in(tmp_path, Search())
    last = LastCheckpoint(run)
    assert last.path is None
    for name in ("10", "20"):
        assert run.checkpoint_due
        last.replace(write(run, name, folder=folder))
    assert run.folder / "20" == LastCheckpoint(run_in(tmp_path, Search())).path
    assert ["20"] == [path.name for path in run.folder.iterdir()]


def test_one_that_was_not_finished_is_not_gone_on_from(tmp_path) -> None:
    """As after a kill while the library writes it."""
    run = run_in(tmp_path, Search())
    LastCheckpoint(run).replace(write(run, "10"))
    write(run, "20")
    assert run.folder / "10" == LastCheckpoint(run_in(tmp_path, Search())).path


def test_one_that_is_gone_fails_once(tmp_path) -> None:
    """The run, tried once more, starts over."""
    run = run_in(tmp_path, Search())
    LastCheckpoint(run).replace(write(run, "10"))
    (run.folder / "10").unlink()
    with pytest.raises(FileNotFoundError):
        LastCheckpoint(run_in(tmp_path, Search()))
    assert LastCheckpoint(run_in(tmp_path, Search())).path is None
