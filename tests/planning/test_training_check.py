"""What doctor says of a training function."""

from dataclasses import replace

import pytest

from lrsearch.planning import training_check as module
from lrsearch.planning.measure import Measured
from lrsearch.planning.training_check import examine_training
from lrsearch.planning.trial_run import Trial

GOOD = Trial((1.0, 0.5), (30, 60), (3.0, 4.0), "epochs", 60, 60, "SGD", 0.1)
OTHER = replace(GOOD, scores=(1.1, 0.4))
RESUMED = replace(GOOD, scores=(0.5,), resumed=(1.0,))


def said(monkeypatch, **trials: Trial) -> dict[str, tuple[bool, str]]:
    """Return what is said where the trial runs of these names show this, and the others what a sound function shows."""
    of = {"first": GOOD, "again": GOOD, "init": OTHER, "order": OTHER, "split": OTHER, "resumed": RESUMED, **trials}
    tried: list[str] = []

    def attempt(_measured, _folder, name, *, seed=None) -> Trial:
        tried.append(name)
        return of["resumed" if tried.count(name) > 1 else name]

    monkeypatch.setattr(module, "measure", lambda _training: Measured("m:f", 300, 10, True, 0.1, True, GOOD))
    monkeypatch.setattr(module, "_try", attempt)
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    return {name: (ok, detail) for name, ok, detail in examine_training("m:f")}


def test_a_sound_function_is_described(monkeypatch) -> None:
    """It repeats, uses every seed and its schedule, resumes; and the time of a run and of a study are told."""
    findings = said(monkeypatch)
    assert all(ok for ok, _ in findings.values())
    assert "to the bit" in findings["repeats"][1]
    assert "changes the score by 0.1" in findings["run.seeds.order"][1]
    assert "60 optimizer steps and 60 scheduler steps" in findings["schedule"][1]
    assert "300 updates a run, measured" in findings["schedule"][1]
    assert "to the same score" in findings["resume"][1]
    assert "takes about 12 seconds, 2 seconds of it before" in findings["time"][1]
    assert "80 runs: about 8 minutes with 2 at a time" in findings["time"][1]


@pytest.mark.parametrize(
    ("trials", "name", "ok", "why"),
    [
        ({"init": GOOD, "order": GOOD, "split": GOOD}, "seeds", False, "ignores run.seeds"),
        (
            {"split": GOOD},
            "run.seeds.split",
            True,
            "or run.seeds.init or run.seeds.order decides it",
        ),
        ({"again": OTHER, "init": OTHER}, "repeats", True, "differ by up to 0.1"),
        (
            {"first": replace(GOOD, wrong_rate=(3, 0.5, 0.1))},
            "schedule",
            False,
            "in update 3 the optimizer had the rate 0.5",
        ),
        ({"first": replace(GOOD, asks_set=False)}, "run.evaluation_set", True, "or set [run] test = false"),
        ({"first": replace(GOOD, optimizer="")}, "schedule", True, "rates were asked for up to update 59"),
        ({"resumed": GOOD}, "resume", True, "starts over"),
        ({"resumed": replace(RESUMED, scores=(0.7,))}, "resume", False, "to another score (0.2 away)"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(monkeypatch, trials, name, ok, why) -> None:
    """Each in one line, with what to do."""
    found_ok, detail = said(monkeypatch, **trials)[name]
    assert ok == found_ok
    assert why in detail
