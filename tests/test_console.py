"""What the commands show: progress with the time left, times in words, and text that cannot write to a terminal."""

import io

import pytest
from rich.console import Console

from lrsearch import console
from lrsearch.search.confirm import ConfirmState
from lrsearch.search.loop import SearchState, SearchTimes


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that tests set, in place of the machine's."""
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (8.4, "8 s"), (99.4, "99 s"), (99.6, "2 min"), (720, "12 min"), (3 * 3600 + 300, "3:05 h")],
)
def test_times_are_said_as_people_say_them(seconds, words) -> None:
    """Seconds, then minutes, then hours and minutes."""
    assert words == console.duration(seconds)


def test_plain_progress_is_a_line_every_ten_seconds(clock, capsys) -> None:
    """Without a terminal there is a line at most every ten seconds, with the time left by this run's own pace."""
    shown = console.Progress(None)
    clock[0] += 5
    shown.show("begun", 0.5, since=0.4)
    assert "" == capsys.readouterr().err
    clock[0] += 15
    shown.show("half", 0.6, since=0.4, rate="2 a second")
    assert " 60% · half · 2 a second · 20 s elapsed · 40 s left\n" == capsys.readouterr().err
    shown.show("at once", 0.7, since=0.4)
    assert "" == capsys.readouterr().err


def test_a_terminal_sees_one_line_that_changes(monkeypatch) -> None:
    """On a terminal the line is redrawn at once and gone at the end."""
    screen = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=screen, force_terminal=True, width=120))
    with console.progress() as shown:
        shown.show("one", 0.25)
        shown.show("two", 0.5)
    text = screen.getvalue()
    assert "preparing" in text
    assert " 25% · one" in text
    assert " 50% · two" in text
    assert text.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))


def test_the_time_left_of_a_search_counts_what_is_running(clock, capsys) -> None:
    """Two of ten trials were there before, two are half trained: one trial's worth in 20 s leaves 7 x 20 s."""
    show = console.search_progress(console.Progress(None), epochs=4)
    show(SearchState(10, complete=2, running=2))
    clock[0] += 20
    show(SearchState(10, complete=2, running=2, best=0.9, best_family="rex", times=SearchTimes(trial_epochs=4)))
    line = capsys.readouterr().err
    assert "2 done, 0 pruned, 2 running of 10 · best 0.9000 (rex) · 0.20 trial-epochs/s · 20 s elapsed" in line
    assert line.endswith("· 2 min left\n")


def test_the_progress_of_a_confirmation_counts_epochs(clock, capsys) -> None:
    """Four of ten runs done and four epochs of ten more: 44 of 100."""
    show = console.confirm_progress(console.Progress(None))
    clock[0] += 11
    show(ConfirmState(10, 4, 10, epochs_in_training=4))
    assert " 44% · 4 of 10 runs done, 44 of 100 epochs" in capsys.readouterr().err


def test_no_name_can_write_to_the_terminal(capsys) -> None:
    """Control characters of a storage's names are shown as question marks."""
    console.print_rows([{"study": "a\x1b[31mb\rc"}], "table")
    assert "a?[31mb?c" in capsys.readouterr().out
