"""The whole flow from one call."""

import json
import math
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrsearch import InputError
from lrsearch import run as answer
from lrsearch.api import whole_study
from lrsearch.config import StudyConfig
from lrsearch.names import DEFAULT_STORAGE
from lrsearch.storage import StoredStudy
from tests.runs.training_examples import STUDY as TOY

CONFIG = StudyConfig.from_dict(tomllib.loads(TOY))


@pytest.fixture
def told() -> list[str]:
    """Return the lines of the plan."""
    return []


@pytest.mark.integration
def test_a_study_is_answered_and_its_files_are_left(folder, told) -> None:
    """Search, confirmation, verdict, report and exports; the second call has nothing left to train."""
    comparison = answer(CONFIG, folder="out", on_plan=told.extend, workers=1)
    assert comparison is not None
    assert 6 == comparison.blocks
    assert ["best.py", "best.toml", "report.html", "verdict.json"] == sorted(
        path.name for path in Path("out").iterdir()
    )
    assert comparison.preferred == json.loads(Path("out/verdict.json").read_text())["preferred"]
    assert "2 families x 2 trials x 4 reports, then 6 seeds" in told[0]
    stored = StoredStudy.open(DEFAULT_STORAGE, "toy")
    again = answer(CONFIG, folder="out", on_plan=told.extend, workers=1)
    assert again is not None
    assert comparison.to_dict() == again.to_dict()
    assert "going on with the plan of the first start, 2 families x 2 trials" in told[-1]
    assert len(stored.trials) == len(StoredStudy.open(DEFAULT_STORAGE, "toy").trials)


@pytest.mark.integration
def test_minutes_that_are_over_end_one_start_and_never_change_the_plan(folder, told, monkeypatch) -> None:
    """A start whose time is over leaves what it has stored; the next goes on with the plan of the first."""
    clock = [0.0]
    monkeypatch.setattr(whole_study, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(whole_study, "_LEAST_SECONDS", 1e-9)

    def late(_state) -> None:
        clock[0] += 1e6

    assert answer(CONFIG, minutes=60, on_plan=told.extend, on_search=late, workers=1) is None
    assert not Path("toy").exists()
    clock[0] = 0.0
    larger = CONFIG.changed({"search.trials": 40, "plan.blocks": 30})
    comparison = answer(larger, on_plan=told.extend, workers=1)
    assert comparison is not None
    assert 6 == comparison.blocks
    assert "2 families x 2 trials x 4 reports, then 6 seeds" in told[-1]
    assert Path("toy/report.html").exists()


def test_a_budget_that_holds_no_sound_plan_trains_nothing(folder, run) -> None:
    """One line, exit code 2, and no storage."""
    Path("toy.toml").write_text(TOY)
    refused = run("run", "toy.toml", "--minutes", "0.1", "--workers", "1")
    assert 2 == refused.code
    assert "--minutes 0.1 does not hold the smallest sound plan: 2 families x 2 trials" in refused.complaint
    assert ["toy.toml"] == [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("changed", "minutes", "why"),
    [
        ({}, 0, "minutes must be above 0 and at most 1e.06, got 0"),
        ({}, math.inf, "minutes must be .*, got inf"),
        ({"plan.blocks": 5}, 60, "plan.blocks must be at least 6 for a verdict, got 5"),
        ({"search.families": ("cosine",)}, None, "needs 2 families"),
        ({"search.replicates": 5}, None, "search.replicates must be at least 6 for a verdict, got 5"),
    ],
)
def test_bad_input_is_one_line(folder, changed, minutes, why) -> None:
    """No limit of nothing, and nothing to compare."""
    with pytest.raises(InputError, match=why):
        answer(CONFIG.changed(changed), minutes=minutes, workers=1)
