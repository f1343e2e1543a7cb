"""Outcomes and their normal scores."""

import numpy as np
import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState
from scipy.stats import norm

from lrsearch.search.gp.targets import normal_scores, outcomes


def trial(value: float | None, state: TrialState = TrialState.COMPLETE) -> optuna.trial.FrozenTrial:
    """Return a finished trial."""
    return optuna.trial.create_trial(state=state, value=value)


def test_normal_scores_by_hand() -> None:
    """Quantiles of the normal distribution; equal values share their mean rank, infinite ones are the lowest."""
    scores = normal_scores(np.array([3.0, -np.inf, 1.0, 1.0]))
    np.testing.assert_allclose(scores, norm.ppf([3.5 / 4, 0.5 / 4, 2 / 4, 2 / 4]), atol=1e-12)
    assert normal_scores(np.full(5, 2.0)).tolist() == [0.0] * 5
    assert len(normal_scores(np.zeros(0))) == 0


@pytest.mark.parametrize(("direction", "expected"), [("MAXIMIZE", [2.0, -np.inf]), ("MINIMIZE", [-2.0, -np.inf])])
def test_larger_outcomes_are_better(direction: str, expected: list[float]) -> None:
    """A loss changes its sign, and infinity is the lowest in both directions."""
    assert outcomes([trial(2.0), trial(float("inf"))], StudyDirection[direction]).tolist() == expected
