"""Outcomes and their normal scores."""

import numpy as np
import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState
from scipy.stats import norm

from lrsearch.search.gp.targets import Outcomes, normal_scores, outcomes


def trial(value: float | None, *reports: float, pruned: bool = False) -> optuna.trial.FrozenTrial:
    """Return a finished trial that reported at epochs 1, 2, ..."""
    state = TrialState.PRUNED if pruned else TrialState.COMPLETE
    return optuna.trial.create_trial(state=state, value=value, intermediate_values=dict(enumerate(reports, start=1)))


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


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_pruned_trial_is_placed_by_its_last_report(sign: float) -> None:
    """Three of four complete trials were worse at epoch 2: it has the third of their values, in both directions."""
    complete = [trial(sign * final, sign * 0.0, sign * early) for final, early in ((9.0, 1.0), (5.0, 2.0), (7.0, 4.0))]
    diverged = trial(sign * 0.5, sign * 0.0)  # before epoch 2
    stopped = [trial(sign * 3.0, sign * 0.0, sign * 3.0, pruned=True), trial(sign * -1.0, sign * -1.0, pruned=True)]
    direction = StudyDirection.MAXIMIZE if sign > 0 else StudyDirection.MINIMIZE
    values = outcomes([*stopped, *complete, diverged], direction)
    assert values.tolist() == [7.0, 0.5, 9.0, 5.0, 7.0, 0.5]


def test_pruned_trials_alone_are_compared_by_their_reports() -> None:
    """Without a complete trial to be placed among; one that has reported nothing is the lowest."""
    pruned = [trial(2.0, 2.0, pruned=True), trial(3.0, 1.0, 3.0, pruned=True), trial(None, pruned=True)]
    assert outcomes(pruned, StudyDirection.MAXIMIZE).tolist() == [2.0, 3.0, -np.inf]


def test_outcomes_do_not_depend_on_how_many_trials_come_at_a_time() -> None:
    """A search takes them in one after the other, a resumed search all at once."""
    rng = np.random.default_rng(0)
    trials = [trial(rng.random(), *rng.random(rng.integers(1, 5)), pruned=rng.random() < 0.5) for _ in range(30)]
    collected = Outcomes(StudyDirection.MINIMIZE)
    for count, one in enumerate(trials, start=1):
        collected.add([one])
        assert collected.values().tolist() == outcomes(trials[:count], StudyDirection.MINIMIZE).tolist()
