"""What the commands print: the times of a search, and text that cannot write to a terminal."""

import pytest

from lrsearch.cli import console
from lrsearch.processes.log import log_to_standard_error
from lrsearch.search.progress import SearchState, SearchTimes
from lrsearch.tables import table


@pytest.fixture(autouse=True)
def _log():
    """Show the log as a command does."""
    log_to_standard_error()


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


def test_a_search_of_runs_tells_its_cost_in_runs(capsys) -> None:
    """With the time that has passed, and nothing of epochs."""
    state = SearchState(6, complete=6, trial_epochs=60, times=SearchTimes(training=24.0, trial_epochs=60, wall=12.0))
    shown = table(["family", "best parameters", "near a bound"], [("rex", {}, [])])
    console.print_search(shown, state, "6 runs, 24 seconds of training")
    assert "6 runs, 24 seconds of training; 12 s have passed\n" == capsys.readouterr().err.removeprefix("lrsearch: ")


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
