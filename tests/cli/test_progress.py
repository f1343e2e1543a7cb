"""Progress with the time left, on a terminal and elsewhere."""

import io
import re

import pytest
from rich.console import Console

from lrsearch.cli import progress
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.processes.interruption import Interrupted
from lrsearch.processes.log import log_to_standard_error
from lrsearch.search.progress import SearchState


@pytest.fixture(autouse=True)
def _log():
    """Show the log as a command does."""
    log_to_standard_error()


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that tests set, in place of the machine's."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_plain_progress_is_a_line_every_ten_seconds(clock, capsys) -> None:
    """Without a terminal there is a line at most every ten seconds, with the time left by this run's own pace."""
    shown = progress.Progress()
    clock[0] += 5
    shown.show("begun", 0.5, since=0.4)
    assert "" == capsys.readouterr().err
    clock[0] += 15
    shown.show("half", 0.6, since=0.4, more=["2 a second"])
    assert " 60% · half · 40 s left · 2 a second · 20 s elapsed\n" == capsys.readouterr().err
    shown.show("at once", 0.7, since=0.4)
    assert "" == capsys.readouterr().err


def test_a_terminal_sees_one_line_that_changes(clock, monkeypatch) -> None:
    """On a terminal the line is redrawn at once, moves by itself, and is gone at the end."""
    screen = io.StringIO()
    monkeypatch.setattr(progress, "errors", Console(file=screen, force_terminal=True, width=120))
    with progress.show_progress() as shown:
        shown.show("one", 0.25)
        shown.show("two", 0.5)
        clock[0] += 0.25
        drawn = [shown.__rich__().plain[0]]
        clock[0] += 0.25
        drawn.append(shown.__rich__().plain[0])
    assert 2 == len(set(drawn))
    text = screen.getvalue()
    assert "loading" in text
    assert " 25% · one" in text
    assert " 50% · two" in text
    assert text.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))


def test_the_time_left_is_told_from_the_first_tenth_on_and_counts_from_its_own_part(clock, capsys) -> None:
    """What was loaded before does not slow the pace, and a pace of less than a tenth is no pace."""
    shown = progress.Progress()
    clock[0] += 100
    shown.phase("search")
    assert "search · 2 min elapsed\n" == capsys.readouterr().err
    clock[0] += 20
    shown.show("one", 0.09)
    assert "left" not in capsys.readouterr().err
    clock[0] += 20
    shown.show("two", 0.2)
    assert " 20% · two · 3 min left" in capsys.readouterr().err


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt])
def test_an_interrupt_says_what_was_done(error, capsys) -> None:
    """The last thing that was told of is told again, because a terminal has lost its line."""

    def interrupted() -> None:
        with progress.show_progress() as shown:
            shown.show("3 done of 8", 0.4)
            raise error

    with pytest.raises(error):
        interrupted()
    assert "stopped at: 3 done of 8\n" == capsys.readouterr().err


def test_a_narrow_terminal_keeps_the_time_left(clock, monkeypatch) -> None:
    """At 80 columns the line stays one line, with the counts and the time left; what is cut comes after them."""
    screen = io.StringIO()
    monkeypatch.setattr(progress, "errors", Console(file=screen, force_terminal=True, width=80))
    state = SearchState(
        1000, complete=700, pruned=200, running=16, best=0.9, best_family="warmup_stable_decay", trial_epochs=4000
    )
    with progress.show_progress() as shown:
        show = progress.search_progress(shown, epochs=10)
        show(SearchState(1000))
        clock[0] += 20000
        show(state)
    drawn = re.split(r"[\r\n]|\x1b\[[0-9]*[A-Za-z]", screen.getvalue())
    (line,) = {line for line in drawn if "700 done" in line}
    assert len(line) <= 80
    assert "700 done, 200 pruned, 16 running of 1000 · 37 min left" in line
    assert line.endswith("…")


def test_the_time_left_of_a_search_counts_what_is_running(clock, capsys) -> None:
    """Two of ten trials were there before, two are half trained: one trial's worth in 20 s leaves 7 x 20 s."""
    show = progress.search_progress(progress.Progress(), epochs=4)
    show(SearchState(10, complete=2, running=2))
    clock[0] += 20
    show(SearchState(10, complete=2, running=2, best=0.9, best_family="rex", trial_epochs=4))
    line = capsys.readouterr().err
    what = "2 done, 0 pruned, 2 running of 10"
    assert f" 30% · {what} · 2 min left · best 90.00 (rex) · 0.20 trial-epochs/s · 20 s elapsed\n" == line


def test_the_progress_of_a_confirmation_counts_epochs(clock, capsys) -> None:
    """Four of ten runs done and four epochs of ten more: 44 of 100."""
    show = progress.confirm_progress(progress.Progress())
    show(ConfirmProgress(10, 0, 10))
    clock[0] += 11
    show(ConfirmProgress(10, 4, 10, epochs_in_training=4))
    assert " 44% · 4 of 10 runs done, 44 of 100 epochs" in capsys.readouterr().err
