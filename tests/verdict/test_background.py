"""What the verdict says beside scores, of studies whose lanes average their weights."""

from __future__ import annotations

import pytest

from lrsearch.comparison.failure import Failure
from lrsearch.comparison.inference.proportions import proportion
from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.export import Configuration, best_trials, configuration, exported
from lrsearch.export.retrain import train_configuration
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy
from lrsearch.verdict.background import average_in_words, what_to_change
from lrsearch.verdict.study_verdict import study_verdict
from tests.confirmation_examples import config_of


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        ({}, ()),
        ({"average": "ema"}, ("Scores are of an exponential average of the weights (ema_decay 0.999).",)),
        (
            {"average": "ema", "ema_decay": {"low": 0.9, "high": 0.99}},
            ("Scores are of an exponential average of the weights (ema_decay searched).",),
        ),
    ],
)
def test_of_which_weights_the_scores_are(optimizer, said) -> None:
    """Nothing where it is the last."""
    assert said == average_in_words(config_of(optimizer=optimizer))


@pytest.mark.integration
def test_averages_go_through_every_step_of_a_study(tmp_path) -> None:
    """Searched, confirmed, named apart, exported with what it needs, and trained again to the same score."""
    config = StudyConfig.from_dict(
        {
            "name": "averages",
            "workload": "tests.workload_examples:batch_norm",
            "training": {"epochs": 2},
            "optimizer": {"name": "adamw", "average": "ema", "ema_decay": 0.9},
            "search": {"families": ["cosine", "schedule_free"], "trials": 4, "pruner": "none"},
        }
    )
    options = RunOptions(storage=f"sqlite:///{tmp_path}/study.db", device="cpu", workers=1)
    run_search(config, options)
    run_confirm(config, options, blocks=6)
    study = StoredStudy.open(options.storage)
    verdict = study_verdict(study)
    assert any("schedule_free uses another optimizer, Schedule-Free" in text for text in verdict.comparison.warnings)
    assert "average of the weights (ema_decay 0.9)" in verdict.comparison.verdict_text
    for family, optimizer, needs in (
        ("cosine", "name, beta1, beta2, eps, weight_decay, average, ema_decay", "keeps 0.9 at each update"),
        ("schedule_free", "name, beta2, eps, weight_decay", "AdamWScheduleFree(parameters, betas=("),
    ):
        [(part, trial)] = best_trials(study, family)
        assert (2 if family == "cosine" else 0) == len(trial.curve.more.get("accuracy of the last weights", ()))
        document = configuration(study, part, trial)
        assert optimizer == ", ".join(document["optimizer"])
        assert needs in document["provenance"]["needs"]
        assert needs in next(iter(exported(study, "python", family=family).values()))
        trained = train_configuration(Configuration.from_dict(document), device="cpu", trust_config=True)
        searched = best_trials(study, family)[0][1]
        assert searched.curve.select_accuracy == pytest.approx(trained.curve.select_accuracy, abs=1e-6)


@pytest.mark.parametrize(
    ("diverged", "crashed", "advice"),
    [
        (2, 0, ["give base_lr a lower upper end"]),
        (1, 0, ["give base_lr a lower upper end", "train for more epochs"]),
        (0, 0, ["train for more epochs"]),
        (0, 2, ["mend what crashed, as lrsearch trials --crashed tells"]),
    ],
)
def test_what_to_change_names_each_way_in_which_runs_have_failed(diverged, crashed, advice) -> None:
    """Those that diverged need lower rates, those that learned too little more training; scripts that crash mending."""
    said = what_to_change([Failure("cosine", proportion(2, 10), diverged, crashed)]).split("; ")
    assert len(advice) == len(said)
    assert all(words.startswith(opening) for words, opening in zip(said, advice, strict=True))
