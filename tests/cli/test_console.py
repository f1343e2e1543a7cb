"""What the commands show: progress with the time left, times in words, and text that cannot write to a terminal."""

import io
import re

import pytest
from rich.console import Console

from lrsearch.cli import console
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.processes.interruption import Interrupted
from lrsearch.processes.log import log_to_standard_error
from lrsearch.search.progress import SearchState, SearchTimes
from lrsearch.tables import table


@pytest.fixture(autouse=True)
def _log():
    """Show the log as a command does."""
    log_to_standard_error()


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
    shown = console.Progress()
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
    monkeypatch.setattr(console, "errors", Console(file=screen, force_terminal=True, width=120))
    with console.progress() as shown:
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
    shown = console.Progress()
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
        with console.progress() as shown:
            shown.show("3 done of 8", 0.4)
            raise error

    with pytest.raises(error):
        interrupted()
    assert "stopped at: 3 done of 8\n" == capsys.readouterr().err


def test_a_narrow_terminal_keeps_the_time_left(clock, monkeypatch) -> None:
    """At 80 columns the line stays one line, with the counts and the time left; what is cut comes after them."""
    screen = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=screen, force_terminal=True, width=80))
    state = SearchState(
        1000, complete=700, pruned=200, running=16, best=0.9, best_family="warmup_stable_decay", trial_epochs=4000
    )
    with console.progress() as shown:
        show = console.search_progress(shown, epochs=10)
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
    show = console.search_progress(console.Progress(), epochs=4)
    show(SearchState(10, complete=2, running=2))
    clock[0] += 20
    show(SearchState(10, complete=2, running=2, best=0.9, best_family="rex", trial_epochs=4))
    line = capsys.readouterr().err
    what = "2 done, 0 pruned, 2 running of 10"
    assert f" 30% · {what} · 2 min left · best 90.00 (rex) · 0.20 trial-epochs/s · 20 s elapsed\n" == line


@pytest.mark.parametrize(("timed", "said"), [(480, "120 of 600"), (0, "600 of 600"), (600, None)])
def test_the_times_of_a_search_say_what_they_are_not_of(capsys, timed, said) -> None:
    """Where a killed process took its times with it, its trial-epochs are counted beside those that were timed."""
    state = SearchState(
        6, complete=6, trial_epochs=600, times=SearchTimes(training=24.0, trial_epochs=timed, wall=12.0)
    )
    console.print_search(table(["family", "best parameters", "near a bound"], [("rex", {}, [])]), state)
    line = capsys.readouterr().err
    assert (timed > 0) == (f"{timed} trial-epochs in 12 s; in ms per trial-epoch and process: training " in line)
    assert (said is not None) == ("trial-epochs are not known: a process was killed" in line)
    assert said is None or f"the times of {said} trial-epochs" in line


def test_the_progress_of_a_confirmation_counts_epochs(clock, capsys) -> None:
    """Four of ten runs done and four epochs of ten more: 44 of 100."""
    show = console.confirm_progress(console.Progress())
    show(ConfirmProgress(10, 0, 10))
    clock[0] += 11
    show(ConfirmProgress(10, 4, 10, epochs_in_training=4))
    assert " 44% · 4 of 10 runs done, 44 of 100 epochs" in capsys.readouterr().err


def test_no_name_can_write_to_the_terminal(capsys) -> None:
    """Control characters of a storage's names are shown as question marks."""
    console.print_table(table(("study",), [("a\x1b[31mb\rc",)]))
    assert "a?[31mb?c" in capsys.readouterr().out


PARAMETERS = "base_lr=0.2491, warmup_steps=45, final_lr=0.008766*, decay_steps=559, decay_shape=cosine"


def test_where_there_is_no_terminal_a_row_is_a_line_without_trailing_blanks(capsys) -> None:
    """However long a row is, programs find it on one line that ends with its last word."""
    console.print_table(table(("family", "parameters"), [("rex", PARAMETERS * 5), ("step", "a")]))
    lines = capsys.readouterr().out.splitlines()
    assert 3 == len(lines)
    assert ["family  parameters", "step    a"] == [lines[0], lines[2]]


def test_a_terminal_is_as_wide_as_it_says(capsys, monkeypatch) -> None:
    """On a terminal of 60 columns parameters fold after commas."""
    monkeypatch.setattr(console.sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    console.print_table(table(("family", "parameters"), [("rex", PARAMETERS)]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 60
    assert lines[1].endswith(",")


def test_a_spreadsheet_computes_nothing(capsys):
    """What begins like a formula is text in CSV; numbers stay numbers."""
    console.print_table(table(("study", "family", "value"), [("=1+1", "@x", -0.5)]), "csv")
    assert ["study,family,value", "'=1+1,'@x,-0.5"] == capsys.readouterr().out.splitlines()
