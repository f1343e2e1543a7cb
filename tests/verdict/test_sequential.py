"""One candidate against one baseline while runs are added: outcomes, words, tables and exit codes."""

import json

import numpy as np
import pytest

from lrsearch import compare_sequential
from lrsearch.errors import InputError
from lrsearch.verdict.sequential import compare_growing_table

DIFFERENCES = np.array([0.6, 0.2, 0.9, 0.5, 0.7, 0.3, 0.8, 0.4, 0.6, 0.5])
BASE = np.linspace(3.0, 4.0, 10)


def _lines(pairs: int, sign: float = 1.0) -> str:
    scores = {"old": BASE, "new": BASE + sign * DIFFERENCES}
    rows = [f"{k},{name},{values[k]}" for k in range(pairs) for name, values in scores.items()]
    return "\n".join(["block,family,score", *rows])


CALL = ["compare", "--scores", "t.csv", "--sequential", "--candidate", "new", "--baseline", "old", "--unit", "nats"]


@pytest.mark.parametrize(("pairs", "sign", "code"), [(7, 1.0, 0), (6, 1.0, 3), (2, 1.0, 3), (7, -1.0, 4)])
def test_the_exit_code_says_what_is_decided(folder, run, pairs, sign, code) -> None:
    """0 in favour of the candidate, 3 undecided, 4 against it; the same in words and in JSON."""
    (folder / "t.csv").write_text(_lines(pairs, sign))
    shown = run(*CALL)
    assert code == shown.code
    compared = json.loads(run(*CALL, "--format", "json").out)
    assert (code, {0: "better", 3: "undecided", 4: "worse"}[code]) == (compared["exit_code"], compared["outcome"])
    assert compared["verdict_text"] in shown.out
    assert {0: "Next: take new", 3: "Next: add rows to the table", 4: "Next: keep old"}[code] in shown.err
    assert (7 if code != 3 else None) == (compared["first_call"] or [None])[0]


def test_less_may_be_better(folder, run) -> None:
    """The same runs speak against the candidate where scores are losses."""
    (folder / "t.csv").write_text(_lines(7))
    assert 4 == run(*CALL, "--direction", "minimize").code


def test_pairs_count_in_the_order_in_which_they_are_complete(folder) -> None:
    """A block of which one run is missing waits; other families do not matter."""
    lines = _lines(3).splitlines()
    (folder / "t.csv").write_text("\n".join([lines[0], lines[1], "0,other,9", *lines[3:], "7,new,1"]))
    compared = compare_growing_table(folder / "t.csv", candidate="new", baseline="old")
    assert ((2, 2), ()) == (compared.runs, compared.looks)
    assert "an analysis needs at least 3 runs of each" in compared.sentence


def test_unpaired_runs_are_looked_at_in_the_order_of_their_lines(folder) -> None:
    """Without a column block every line is a look once both have 3 runs."""
    rows = [("new", v) for v in (1.6, 1.2, 1.9, 1.5, 1.7, 1.3, 1.8)] + [("old", v) for v in (0.4, 0.9, 0.6, 0.2, 0.8)]
    (folder / "t.csv").write_text("\n".join(["family,score", *(f"{name},{v}" for name, v in rows)]))
    compared = compare_growing_table(folder / "t.csv", candidate="new", baseline="old")
    assert [(7, 3), (7, 4), (7, 5)] == [look.runs for look in compared.looks]
    assert compared.looks[-1].e_value == pytest.approx(38.705091, abs=6e-7)
    assert "after 7 runs of new and 5 of old" in compared.sentence
    assert "7 and 3" == compared.table().rows[0][0]
    alternating = compare_sequential([1.0, 1.2, 1.4, 1.1], [2.0, 2.2, 2.4], paired=False)
    assert [(3, 3), (4, 3)] == [look.runs for look in alternating.looks]


def test_runs_that_contradict_each_other_decide_nothing() -> None:
    """A difference that is certain, and later another: the intervals have nothing in common."""
    wobble = np.resize([-0.1, 0.0, 0.1], 40)
    compared = compare_sequential(np.concatenate([1 + wobble, -9 + wobble]), np.zeros(80))
    assert ("undecided", 3) == (compared.outcome, compared.exit_code)
    assert "the runs contradict each other" in compared.sentence


@pytest.mark.parametrize(("bad", "options"), [(np.nan, {}), (-40.0, {"failed_at": -10.0})])
def test_a_failed_run_leaves_no_verdict(bad, options) -> None:
    """It is named by its family."""
    compared = compare_sequential([*DIFFERENCES, 0.5], [*np.zeros(10), bad], names=("new", "old"), **options)
    assert ("undecided", ()) == (compared.outcome, compared.looks)
    assert "a run of old failed" in compared.sentence
    assert "decide nothing" in compared.next_step


def test_what_cannot_be_asked_is_refused(folder, run) -> None:
    """In one line each, by flag and by name."""
    (folder / "t.csv").write_text(_lines(3))
    complaints = {
        ("--sequential",): "--sequential needs two families of the table: --candidate NAME --baseline NAME",
        ("--candidate", "new"): "--candidate cannot be given without --sequential",
        (*CALL[3:6], "--baseline", "none"): "scores t.csv: there is no family none; there are old, new",
        (*CALL[3:6], "--baseline", "new"): "candidate and baseline must be two families, got new twice",
        (*CALL[3:8], "--rope", "1"): "--rope cannot be given with --sequential",
        (*CALL[3:8], "--alpha", "0"): "alpha must be above 0 and below 1, got 0",
    }
    for flags, complaint in complaints.items():
        assert complaint == run("compare", "--scores", "t.csv", *flags).complaint
    with pytest.raises(InputError, match="names must be those of two, got x twice"):
        compare_sequential([1.0], [1.0], names=("x", "x"))
    with pytest.raises(InputError, match="paired runs must be as many of the candidate as of the"):
        compare_sequential([1.0, 2.0], [1.0])
