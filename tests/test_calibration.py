"""Whole studies where the truth is known: promises are judged rightly, come true, and break where they must."""

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "studies"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch, tmp_path) -> None:
    """Let the scripts find each other as they do when they are run."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("LRSEARCH_CHECKPOINTS", str(tmp_path))


@pytest.fixture(name="tables")
def _tables() -> ModuleType:
    return import_module("calibration_table")


def study_of(**changes: Any) -> dict[str, Any]:
    """Return a study that measured the losses 3, 1, 2 and 2 as they are, and called the last two equivalent."""
    better = np.array([-2.0, -1.0, -1.0, 1.0, 1.0, 0.0])
    width = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 1e-6])
    return {
        "kind": "one search",
        "case": 6,
        "number": 0,
        "exact": [[3.0, 1.0, 2.0, 2.0]],
        "recommended": ["linear"],
        "low": list(better - width),
        "high": list(better + width),
        "separated": [True] * 5 + [False],
        "verdict": [*["worse by more than the ROPE"] * 3, *["better by more than the ROPE"] * 2, "equivalent"],
        "noise": [1.0, 0.0],
        "rope": 0.1,
        **changes,
    }


@pytest.mark.parametrize(
    ("truth", "true", "made"),
    [
        ([3.0, 1.0, 2.0, 2.0], (1, 1, 1, 5, 1, 5), (1, 1, 1, 5, 1, 5)),
        ([3.0, 1.0, 2.0, 2.2], (1, 0, 1, 5, 0, 5), (1, 1, 1, 5, 1, 5)),  # the last pair is not equivalent
        ([3.0, 1.7, 1.6, 1.6], (0, 0, 0, 3, 1, 3), (1, 1, 1, 5, 1, 5)),  # linear is not the best: two pairs are wrong
    ],
)
def test_each_promise_is_judged_by_the_truth(tables, truth, true, made) -> None:
    """Recommended, covered, no wrong order, pairs, within the ROPE, beyond it."""
    outcomes = tables.judge(study_of(), np.array(truth))
    assert list(tables.PROMISES) == list(outcomes)
    assert true == tuple(sum(one) for one in outcomes.values())
    assert made == tuple(len(one) for one in outcomes.values())


def test_replicated_searches_are_judged_by_all_other_searches_of_their_case(tables, monkeypatch) -> None:
    """Their own are left out, those of another case and of other draws have nothing to say; too few are none."""

    def exact(*first: float) -> list[list[float]]:
        return [[value, 1.0, 1.0, 1.0] for value in first]

    studies = [
        study_of(kind="replicated searches", exact=exact(1.0, 2.0)),
        study_of(kind="replicated searches", exact=exact(3.0, 5.0)),
        study_of(exact=exact(7.0)),
        study_of(kind="replicated searches", case=7, exact=exact(100.0)),
        study_of(kind="replicated searches, 2 parameters", exact=exact(50.0)),
    ]
    monkeypatch.setattr(tables, "FEWEST_SEARCHES", 1)
    judged_by = [None if truth is None else float(truth[0]) for truth in tables.truths(studies)]
    assert [5.0, 10 / 3, 7.0, None, None] == pytest.approx(judged_by)
    monkeypatch.setattr(tables, "FEWEST_SEARCHES", 4)
    assert [True, True, False, True, True] == [truth is None for truth in tables.truths(studies)]


@pytest.mark.parametrize(
    ("true", "made", "said"),
    [
        (946, 1000, "kept"),
        (10, 10, "too few to say"),
        (930, 1000, "**broken**"),
        (940, 1000, "too few to say"),
        (8, 9, "too few to say"),
    ],
)
def test_a_share_is_kept_broken_or_open(tables, true, made, said) -> None:
    """94.5 % of many is enough; what falls short by chance is said to be open."""
    assert said == tables.outcome(tables.COVERED, {"true": true, "made": made, "worst_upper": 1.0})
    assert "**broken**" == tables.outcome(tables.COVERED, {"true": true, "made": made, "worst_upper": 0.94})


def test_the_table_names_the_worst_case_and_the_power(tables) -> None:
    """A case whose intervals miss stands in the row; a plan's power is that of another study's noise."""
    wrong = study_of(case=0, low=[5.0] * 6, high=[6.0] * 6, verdict=["better"] * 6)
    results = tables.summary([study_of(), study_of(number=1), wrong])
    printed = tables.table(results)
    assert "| all intervals of a study hold the true differences (95%) | 3 | 66.67% | a = 0.5, B = 1: 0 of 1" in printed
    assert "| 3, one search | 3 of 3 | 2 of 3 |" in printed
    assert 6 == results["one search"]["power"]["pairs"]
    json.dumps(results)


def test_no_study_is_run_twice(monkeypatch) -> None:
    """The rounds name each study once, and the seeds of all differ."""
    calibration = import_module("calibration")
    places = list(calibration.places(50))
    assert 4000 == sum(kind in calibration.STUDIES_A_ROUND for kind, _, _ in places)
    monkeypatch.setattr(calibration, "whole_study", lambda _kind, _case, seed: {"seed": seed})
    assert len(places) == len({calibration.run(place)["seed"] for place in places})
    assert places[: len(list(calibration.places(2)))] == list(calibration.places(2))


def test_a_line_that_was_cut_off_is_run_again(tmp_path) -> None:
    """What a killed process has half written is no study."""
    path = tmp_path / "studies.jsonl"
    path.write_text(json.dumps(study_of()) + "\n" + json.dumps(study_of())[:40] + "\n")
    assert 1 == len(import_module("calibration").read(path))


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["one search", "replicated searches"])
def test_a_whole_study_is_judged_by_exact_scores(tables, kind, monkeypatch) -> None:
    """Searched, confirmed and compared; the scores that it confirmed are those of its own configurations."""
    study = import_module("calibration").run((kind, 6, 0))
    assert len(study["exact"]) == (12 if kind == "replicated searches" else 1)
    monkeypatch.setattr(tables, "FEWEST_SEARCHES", 12)
    assert {kind} == tables.summary([study, {**study, "number": 1}]).keys()
    exact = np.mean(study["exact"], axis=0)
    better = exact[1] - exact[0]
    assert study["low"][0] - abs(better) < better < study["high"][0] + abs(better)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "broken"),
    [("one search", False), ("broken: all blocks on one seed", True), ("broken: the best report, not the last", True)],
)
def test_promises_come_true_unless_something_is_broken(tables, kind, broken) -> None:
    """Three cases, ten studies each: a small version of the whole calibration."""
    calibration = import_module("calibration")
    studies = [calibration.run((kind, case, number)) for number in range(10) for case in (0, 6, 13)]
    shares = tables.summary(studies)[kind]["promises"]
    assert broken == (
        "**broken**" in {tables.outcome(promise, share) for promise, share in shares.items() if share["made"]}
    )
