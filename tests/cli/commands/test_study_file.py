"""The command that writes a study file."""

from __future__ import annotations

from pathlib import Path

from lrsearch.config import StudyConfig


def test_init_writes_a_study_file_and_overwrites_none(folder, run) -> None:
    """Of one's own, or a copy of a built-in one."""
    assert 0 == run("init", "--workload", "tests.workload_examples:tabular").code
    assert "tests.workload_examples:tabular" == StudyConfig.load("study.toml").workload
    assert "study.toml is there already" in run("init").complaint
    assert 0 == run("init", "copy.toml", "--like", "article").code
    assert StudyConfig.load("article") == StudyConfig.load("copy.toml")
    assert "did you mean 'article'" in run("init", "more.toml", "--like", "artcle").complaint
    assert "must be called *.toml" in run("init", "more").complaint


def test_init_fills_in_a_training_function(folder, run, monkeypatch) -> None:
    """What was measured stands in the file; two ways to say what is trained are refused."""
    from lrsearch.planning import measure as module
    from lrsearch.planning.trial_run import Trial

    training = "tests.runs.training_examples:quadratic"
    trial = Trial((2.0, 1.0), (4, 8), (1.0, 2.0), "epochs", 8, 8, asks_set=False)
    monkeypatch.setattr(module, "try_run", lambda _spec, **_how: trial)
    assert 0 == run("init", "mine.toml", "--training", training).code
    assert "total_steps = 40  # measured: 10 epochs of 4 updates" in Path("mine.toml").read_text()
    assert not StudyConfig.load("mine.toml").run.test
    assert 0 == run("init", "command.toml", "--command", "python train.py").code
    assert 'command = ["python", "train.py"]' in Path("command.toml").read_text()
    refused = run("init", "other.toml", "--training", training, "--workload", "m:f")
    assert "--workload, --training, --command and --like exclude each other" in refused.complaint
