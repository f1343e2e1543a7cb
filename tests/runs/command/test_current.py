"""What a script sees of its run, and how it tells its end."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lrsearch
from lrsearch.errors import InputError
from lrsearch.runs.command import current
from lrsearch.runs.command.current import FilesChannel
from lrsearch.runs.command.files import VARIABLE, RunFiles
from lrsearch.runs.errors import Diverged, Pruned
from lrsearch.runs.messages import Answer, Report
from tests.runs.test_run import make_spec


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFiles:
    """Return the files of a run that lrsearch has begun, and that this process carries out."""
    files = RunFiles(tmp_path)
    files.write(make_spec())
    monkeypatch.setenv(VARIABLE, str(files.run))
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(current.signal, "signal", lambda *_: None)
    current._begun_run.cache_clear()
    return files


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that does what is done when the script ends."""
    registered: list[Callable[[], None]] = []
    monkeypatch.setattr(current.atexit, "register", registered.append)
    return lambda: registered[0]()


def lines(files: RunFiles) -> list[dict[str, object]]:
    """Return what the script has said."""
    return [json.loads(line) for line in files.reports.read_text().splitlines()] if files.reports.exists() else []


def test_a_script_reports_and_is_told_to_end(files, end) -> None:
    """What the search has said is heeded at every report; a pruned script says nothing of its end."""
    run = lrsearch.current_run()
    assert run is lrsearch.current_run()
    files.write_answer(Answer(10, end=False))
    run.report(1.0, step=10, train_loss=0.5)
    files.write_answer(Answer(20, end=True))
    with pytest.raises(Pruned):
        run.report(2.0, step=20)
    end()
    assert [{"step": 10, "score": 1.0, "train_loss": 0.5}, {"step": 20, "score": 2.0}] == lines(files)


def test_a_report_that_no_one_answers_goes_on(files, monkeypatch) -> None:
    """After ten seconds; the last one waits for nothing."""
    monkeypatch.setattr(current, "MOST_WAIT_SECONDS", 0.01)
    channel = FilesChannel(files)
    assert not channel.report(Report(1, 10, 1.0, waits=True))
    files.write_answer(Answer(10, end=False))
    assert not channel.report(Report(2, 20, 1.0, waits=True))


def test_a_script_tells_at_its_end_what_was_wrong(files, end) -> None:
    """It never used the schedule."""
    lrsearch.current_run().report(1.0, step=40)
    end()
    assert "it never uses the schedule" in str(lines(files)[-1]["problem"])


def test_a_script_that_did_as_it_should_says_so(files, end) -> None:
    """With a note where updates are missing."""
    run = lrsearch.current_run()
    run.lr(39)
    assert "validation" == run.evaluation_set
    run.report(1.0, step=40)
    end()
    assert {"event": "finished", "note": "", "problem": ""} == lines(files)[-1]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Diverged(), [{"step": 0, "score": None}]),
        (InputError("score must be a number"), [{"event": "refused", "reason": "score must be a number"}]),
        (ZeroDivisionError(), []),
        (Pruned("pruned by the search"), []),
    ],
)
def test_what_ends_a_script_is_told(files, end, error, said) -> None:
    """Its exit code says the rest."""
    lrsearch.current_run()
    sys.excepthook(type(error), error, None)
    end()
    assert said == lines(files)


@pytest.mark.parametrize("argument", ["total_steps", "reports", "epochs", "seed"])
def test_a_number_below_the_least_one_is_refused(argument, monkeypatch) -> None:
    """By name, rule and value."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InputError, match=f"{argument} must be .*, got -1"):
        lrsearch.current_run(**{argument: -1})


def test_a_script_works_alone(capsys, monkeypatch) -> None:
    """A run from defaults, or from what the call says; reports are printed."""
    monkeypatch.delenv(VARIABLE, raising=False)
    run = lrsearch.current_run(total_steps=20, reports=2, parameters={"decay": 0.1})
    for epoch in run.epochs():
        run.report(run.lr(10 * epoch), train_loss=0.5)
    assert "step 10: 0.001, train_loss 0.5\nstep 20: 0.0005, train_loss 0.5\n" == capsys.readouterr().out
    assert {"decay": 0.1} == run.parameters
    assert run.folder.is_dir()
