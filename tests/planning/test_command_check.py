"""What doctor says of a command."""

import sys
from pathlib import Path

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError, RunError
from lrsearch.planning import command_check as module
from lrsearch.planning.command_check import examine_command
from lrsearch.training.lane import EpochMetrics

WALK = """
import lrsearch
run = lrsearch.current_run()
for epoch in run.epochs():
    run.report(run.lr(10 * epoch + 9) + epoch)
"""


def study(script: str = "train.py", **changes: object) -> StudyConfig:
    """Return the study of a script."""
    run = {"command": [sys.executable, script], "metric": "loss", "direction": "minimize", "total_steps": 40}
    given = {"run": {**run, "reports": 4, **changes}, "ranges": {"base_lr": {"low": 1e-3, "high": 0.1}}}
    return StudyConfig.from_dict(given)


def reported(*scores: float) -> list[EpochMetrics]:
    """Return reports, the first after 3 seconds and the others each after one more."""
    return [
        EpochMetrics(1 + place, None, {}, {"select": score}, 1.0 if place else 3.0)
        for place, score in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("told", "reports", "said"),
    [
        (reported(0.5, 0.4), 4, ["loss 0.5 and 0.4 in the first 2 of its 4 reports, at a constant rate of 0.01"]),
        (reported(0.5), 1, ["loss 0.5 at its end"]),
        (reported(0.5, float("nan")), 4, ["loss is NaN or infinite in the first 2", "lower [ranges] base_lr"]),
    ],
)
def test_what_came_is_told(monkeypatch, told, reports, said) -> None:
    """The scores and the rate they came at; and what is to be done where they are none."""
    monkeypatch.setattr(module, "_first_reports", lambda _experiment: told)
    findings = list(examine_command(study(reports=reports)))
    assert all(part in findings[0][2] for part in said)
    assert findings[0][1] == (len(findings) == 2)
    if reports == 4 and len(findings) == 2:
        assert "a run of 4 reports takes about 6 seconds, 2 seconds of it before" in findings[1][2]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        (WALK, None, "loss 0.01 and 1.01 in the first 2 of its 4 reports"),
        ("pass", InputError, "it never reports"),
        ("raise SystemExit('no data')", RunError, "exit code 1: no data"),
    ],
)
def test_a_command_is_run_for_two_reports(folder: Path, script, error, said) -> None:
    """What is missing is told in one line."""
    (folder / "train.py").write_text(script)
    if error is None:
        assert said in next(examine_command(study()))[2]
    else:
        with pytest.raises(error, match=said):
            list(examine_command(study()))
