"""Which parameter mattered: shares within a family, and none from too few trials."""

import optuna
import pytest

from lrsearch.search.importance import FEWEST_TRIALS, family_importances


def test_importance_finds_the_parameter_that_decides():
    """The parameter that the value depends on gets nearly all of the share; a family with few trials gets none."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(t):
        family = t.suggest_categorical("family", ["a", "few"])
        rate, noise = t.suggest_float("rate", 0, 1), t.suggest_float("noise", 0, 1)
        return rate + 0 * noise + (family == "few")

    for number in range(60):
        study.enqueue_trial({"family": "few" if number < FEWEST_TRIALS - 1 else "a"})
    study.optimize(objective, n_trials=60)
    shares = family_importances([study])
    assert {"a"} == set(shares)
    assert shares["a"]["rate"] > 0.8
    assert 1.0 == pytest.approx(sum(shares["a"].values()))
