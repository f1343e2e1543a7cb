"""Progress with the time left, on a terminal and elsewhere."""

import io
import math
import re
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from optuna.trial import TrialState
from rich.console import Console

from lrsearch.cli import progress
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.processes.interruption import Interrupted
from lrsearch.processes.log import log_to_standard_error
from lrsearch.search.progress import SearchState, TrialLengths
from lrsearch.search.pruning import PrunerCore, Rungs


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
    """Without a terminal there is a line at most every ten seconds, with the time left by this start's own pace."""
    shown = progress.Progress()
    clock[0] += 5
    shown.show("begun", 5, 55, before=40)
    assert "" == capsys.readouterr().err
    clock[0] += 10
    shown.show("half", 10, 50, before=40, more=["2 a second"])
    assert " 50% · half · 2 min left · 2 a second · 15 s elapsed\n" == capsys.readouterr().err
    shown.show("at once", 20, 40, before=40)
    assert "" == capsys.readouterr().err


def test_a_terminal_sees_one_line_that_changes(clock, monkeypatch) -> None:
    """On a terminal the line is redrawn at once, moves by itself, and is gone at the end."""
    screen = io.StringIO()
    monkeypatch.setattr(progress, "errors", Console(file=screen, force_terminal=True, width=120))
    with progress.show_progress() as shown:
        shown.show("one", 1, 3)
        shown.show("two", 2, 2)
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


def test_the_time_left_is_told_from_the_first_tenth_on_and_counts_down(clock, capsys) -> None:
    """What was loaded before does not slow the pace; between two pieces of work the clock alone goes on."""
    shown = progress.Progress()
    clock[0] += 100
    shown.phase("search")
    assert "search · 2 min elapsed\n" == capsys.readouterr().err
    for done, said in ((5, None), (9, None), (20, "4 min left"), (20, "3 min left"), (20, "3 min left")):
        clock[0] += 20
        shown.show("so far", done, 100 - done)
        line = capsys.readouterr().err
        assert said in line if said else "left" not in line


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt])
def test_an_interrupt_says_what_was_done(error, capsys) -> None:
    """The last thing that was told of is told again, because a terminal has lost its line."""

    def interrupted() -> None:
        with progress.show_progress() as shown:
            shown.show("3 done of 8", 3, 5)
            raise error

    with pytest.raises(error):
        interrupted()
    assert "stopped at: 3 done of 8\n" == capsys.readouterr().err


def test_a_narrow_terminal_keeps_the_time_left(clock, monkeypatch) -> None:
    """At 80 columns the line stays one line, with the counts and the time left; what is cut comes after them."""
    screen = io.StringIO()
    monkeypatch.setattr(progress, "errors", Console(file=screen, force_terminal=True, width=80))
    state = SearchState(
        1000,
        complete=700,
        pruned=200,
        running_epochs=(5,) * 16,
        best=0.9,
        best_family="warmup_stable_decay",
        trial_epochs=4000,
        lengths=TrialLengths(10),
    )
    with progress.show_progress() as shown:
        show = progress.search_progress(shown)
        for done in (2000, 4000):
            clock[0] += 10000
            show(replace(state, trial_epochs=done))
    drawn = re.split(r"[\r\n]|\x1b\[[0-9]*[A-Za-z]", screen.getvalue())
    line = [line for line in drawn if "700 done" in line][-1]
    assert len(line) <= 80
    assert "700 done, 200 pruned, 16 running of 1000 · 77 min left" in line
    assert line.endswith("…")


def test_the_time_left_of_a_search_counts_what_is_running(clock, capsys) -> None:
    """Two of ten trials were there before, two are half trained: 28 of 40 epochs are left, at 2 in 10 s."""
    show = progress.search_progress(progress.Progress())
    for done in (0, 2, 4):
        clock[0] += 10.1
        lengths, running = TrialLengths(4), (done // 2, done // 2)
        show(
            SearchState(
                10, complete=2, running_epochs=running, lengths=lengths, epochs_before=8, trial_epochs=done, best=0.9,
                best_family="rex",
            )
        )  # fmt: skip
    line = capsys.readouterr().err.splitlines()[-1]
    what = "2 done, 0 pruned, 2 running of 10"
    assert f" 30% · {what} · 2 min left · best 90.00 (rex) · 0.20 trial-epochs/s · 30 s elapsed" == line


Lanes = dict[int, tuple[str, float, int]]
"""Of one process: trial -> its family, how good it is, and the epochs that it has had."""


def _search(shown: progress.Progress, clock: list[float]) -> None:
    """Search with a pruner in the lanes of two processes that start slowly, and whose pace varies."""
    trials, epochs, families, rng = 104, 12, 13, np.random.default_rng(0)
    rule = Rungs(epochs)
    core, state = PrunerCore(rule), SearchState(trials, lengths=TrialLengths(epochs, rule, families))
    show = progress.search_progress(shown)
    show(state)
    to_ask, processes, due = iter(range(trials)), [Lanes(), Lanes()], [clock[0] + 30, clock[0] + 31]
    while state.complete + state.pruned < trials:
        clock[0], process = min((time, number) for number, time in enumerate(due))
        lanes = processes[process]
        values = {}
        for number, (family, quality, had) in lanes.items():
            lanes[number], values[number] = (family, quality, had + 1), quality + rng.normal()
            core.report(family, had + 1, values[number])
        state.trial_epochs += len(lanes)
        for number, (family, _, had) in list(lanes.items()):
            if had == epochs or core.should_prune(family, had, values[number]):
                state.count(TrialState.COMPLETE if had == epochs else TrialState.PRUNED, family, 0.5, had)
                del lanes[number]
        lanes |= {number: (str(number % families), rng.normal(), 0) for number in islice(to_ask, 4 - len(lanes))}
        state.running_epochs = tuple(had for lanes in processes for *_, had in lanes.values())
        due[process] += 2 * len(lanes) * rng.uniform(0.7, 1.3) if lanes else math.inf
        show(state)


def _confirm(shown: progress.Progress, clock: list[float]) -> None:
    """Confirm twelve blocks of six in two processes, of which some was done by an earlier start."""
    runs, epochs, rng, due = 6, 12, np.random.default_rng(0), [clock[0] + 30, clock[0] + 31]
    show, had, blocks = progress.confirm_progress(shown), [0, 0], 2
    show(ConfirmProgress(72, 12, epochs))
    while blocks < 12:
        clock[0], process = min((time, number) for number, time in enumerate(due))
        had[process] += 1
        if had[process] == epochs:
            had[process], blocks = 0, blocks + 1
        due[process] += 2 * runs * rng.uniform(0.7, 1.3)
        show(ConfirmProgress(72, runs * blocks, epochs, runs * sum(had)))


def test_runs_are_counted_by_their_reports(clock) -> None:
    """They have no epochs that lrsearch knows of, and each has a start of its own, which counts."""
    shown = progress.Progress()
    show = progress.confirm_progress(shown)
    show(ConfirmProgress(2, 0, 10, unit="report"))
    clock[0] += 9
    show(ConfirmProgress(2, 0, 10, unit="report"))
    clock[0] += 1
    show(ConfirmProgress(2, 1, 10, 3, unit="report"))
    assert "1 of 2 runs done, 13 of 20 reports" == shown.told
    assert shown.pace.rate == pytest.approx(1.3)


@pytest.mark.parametrize("work", [_search, _confirm])
def test_the_time_left_is_steady_from_the_first_tenth_on(work, clock, monkeypatch, capsys) -> None:
    """With pruning, over blocks, in lanes: the end that is foretold is off by a tenth and moves by 6 % at most."""
    begun = clock[0]
    monkeypatch.setattr(progress, "short_time", "{:.1f} s".format)
    work(progress.Progress(), clock)
    lines, whole = capsys.readouterr().err.splitlines(), clock[0] - begun
    told = [sum(map(float, re.findall(r"([\d.]+) s (?:left|elapsed)", line))) for line in lines if " left" in line]
    assert len(told) > 30
    assert [whole] * len(told) == pytest.approx(told, rel=0.1)
    assert max(abs(np.diff(told))) < 0.06 * whole
