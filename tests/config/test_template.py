"""The study file to start from is one."""

import tomllib

import pytest

from lrsearch.config import StudyConfig
from lrsearch.config.template import run_template, study_template


@pytest.mark.parametrize("workload", [None, "package.module:function"])
def test_it_is_a_study_file(workload) -> None:
    """It is accepted as it is, and with its last lines, a fixed schedule, no longer commented out."""
    text = study_template("mine.toml", 'mine "1"', workload)
    config = StudyConfig.from_dict(tomllib.loads(text))
    assert ('mine "1"', workload or config.workload) == (config.name, config.workload)
    head, _, own = text.partition("#\n# [[baseline]]")
    shown = StudyConfig.from_dict(tomllib.loads(f"{head}\n[[baseline]]{own.replace('# ', '')}"))
    assert ["mine"] == [baseline.name for baseline in shown.baseline]


@pytest.mark.parametrize(
    ("direction", "scores", "metric", "rope"),
    [
        ("maximize", (0.1, 0.4), "accuracy", 0.5),
        ("minimize", (2.0, 1.5), "loss", None),
        ("maximize", (3, 9), "score", None),
    ],
)
def test_a_measured_training_function_becomes_a_study_file(direction, scores, metric, rope) -> None:
    """Its length, its rate x 0.1 .. 10, four families, and what it asks for; the guesses are marked as such."""
    text = run_template(
        "mine.toml",
        "mine",
        trained="train:train",
        total_steps=300,
        reports=10,
        length="measured",
        direction=direction,
        scores=scores,
        base_lr=3e-4,
        rate="0.0003, your own rate",
        parameters=["decay"],
    )
    config = StudyConfig.from_dict(tomllib.loads(text))
    assert config.run is not None
    assert (300, 10, direction, metric) == (
        config.run.total_steps,
        config.run.reports,
        config.run.direction,
        config.run.metric,
    )
    assert (4, rope, ["decay"]) == (len(config.search.families), config.plan.rope, list(config.parameters))
    assert {"low": 3e-5, "high": 3e-3, "log": True} == config.ranges["base_lr"]
    assert 2 == text.count("# a guess")
    head, _, own = text.partition("#\n# [[baseline]]")
    own = own.replace("# ", "").replace('rates = "rates.csv"  or ', "").replace('cosine", ', 'cosine"\n')
    now = StudyConfig.from_dict(tomllib.loads(f"{head}\n[[baseline]]{own}")).baseline[0]
    assert ("now", 3e-4, {"decay": 0.01}) == (now.name, now.base_lr, now.parameters)


def test_a_command_becomes_a_study_file_whose_length_is_to_be_set() -> None:
    """It is not run: its words stand in the file, and no scores."""
    text = run_template(
        "mine.toml",
        "mine",
        trained=["python", "train.py", "--name", 'a "b"'],
        total_steps=1000,
        reports=10,
        length="set this",
        direction="minimize",
        scores=(),
        base_lr=1e-3,
        rate="a usual rate",
    )
    config = StudyConfig.from_dict(tomllib.loads(text))
    assert config.run is not None
    assert ("python", "train.py", "--name", 'a "b"') == config.run.command
    assert "doctor" not in text
