"""The shared search by itself: repeatable, robust, bounded."""

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from lrsearch.experiment.space import Space
from lrsearch.search.gp import curve_search
from lrsearch.search.gp.curve_search import CurveSearch
from lrsearch.search.gp.features import from_unit
from tests.search.sampling_helpers import accuracy, make_space

FOUR = ("constant", "cosine", "one_cycle", "reduce_on_plateau")


def finished(space: Space, n: int, value: float | None = None, seed: int = 0) -> list[FrozenTrial]:
    """Return random complete trials, the families in turn."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(n):
        family = space.families[number % len(space.families)]
        named = space.distributions(family)
        params = {name: from_unit(distribution, rng.random()) for name, distribution in named.items()}
        trials.append(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE,
                value=accuracy(params) if value is None else value,
                params={"family": family, **params},
                distributions={"family": space.family_distribution, **named},
            )
        )
    return trials


def search(space: Space, direction: StudyDirection = StudyDirection.MAXIMIZE) -> CurveSearch:
    """Return a fresh search."""
    return CurveSearch(space, seed=5, direction=direction)


def test_what_was_asked_before_changes_nothing() -> None:
    """A search that was asked at every length proposes, to the bit, what a fresh one does."""
    space = make_space()
    trials = finished(space, 40)
    long_lived = search(space)
    for length in range(0, 41, 5):
        old = long_lived.propose("cosine", 7, trials[:length], trials[30:32])
        assert old == search(space).propose("cosine", 7, trials[:length], trials[30:32])


def test_it_learns_from_the_other_families() -> None:
    """A family without trials of its own is proposed a rate near the best that the others have found."""
    space = make_space()
    others = [trial for trial in finished(space, 60) if trial.params["family"] != "cosine"]
    rates = [search(space).propose("cosine", index, others, ())["base_lr"] for index in range(5)]
    assert abs(np.log(np.median(rates) / 0.15)) < 0.5


@pytest.mark.parametrize("direction", list(StudyDirection)[1:])
def test_directions(direction: StudyDirection) -> None:
    """A minimised score is led down: here to the ends of the range, away from the rate that is best."""
    space = make_space(("constant", "linear"))
    rate = search(space, direction).propose("linear", 5, finished(space, 60), ())["base_lr"]
    away = abs(np.log(rate / 0.15))
    assert away < 0.7 if direction == StudyDirection.MAXIMIZE else away > 1.5


@pytest.mark.parametrize("value", [0.5, 0.0, float("-inf"), float("inf")])
@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_scores_that_tell_nothing(value: float, n: int) -> None:
    """All equal, all diverged: a proposal within the ranges, for the first trials as well."""
    space = make_space(("constant", "cosine"))
    params = search(space).propose("cosine", n, finished(space, n, value), finished(space, 3, seed=1))
    assert all(one._contains(one.to_internal_repr(params[name])) for name, one in space.distributions("cosine").items())


def test_running_trials_are_avoided() -> None:
    """What is under way in any family is not asked for again."""
    space = make_space(("constant", "cosine"))
    trials = finished(space, 6)
    first = search(space).propose("cosine", 9, trials, ())
    running = optuna.trial.create_trial(
        state=TrialState.COMPLETE,
        value=0.0,
        params={"family": "cosine", **first},
        distributions={"family": space.family_distribution, **space.distributions("cosine")},
    )
    second = search(space).propose("cosine", 9, trials, [running] * 3)
    assert abs(np.log(first["base_lr"] / second["base_lr"])) > 0.1


def test_foreign_trials_are_left_out() -> None:
    """A trial without parameters, or of a family that reads a metric, changes nothing."""
    space = make_space(FOUR)
    odd: list[Any] = [
        optuna.trial.create_trial(value=1.0),
        optuna.trial.create_trial(
            value=1.0,
            params={"family": "cosine"},
            distributions={"family": space.family_distribution},
        ),
        *[trial for trial in finished(space, 8) if trial.params["family"] == "reduce_on_plateau"],
    ]
    assert search(space).families == FOUR[:3]
    assert search(space).propose("cosine", 3, odd, odd) == search(space).propose("cosine", 3, [], ())


def test_a_long_study_is_learnt_from_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit the posterior holds the best half and as many drawn, the same after a restart."""
    monkeypatch.setattr(curve_search, "MOST_TRIALS", 40)
    monkeypatch.setattr(curve_search, "_MOST_FITTED", 20)
    space = make_space(("constant", "cosine"))
    trials = finished(space, 127)
    long_lived = search(space)
    for length in (50, 90, 127):
        proposed = long_lived.propose("cosine", 3, trials[:length], ())
        assert proposed == search(space).propose("cosine", 3, trials[:length], ())
    kept = set(long_lived._members.tolist())
    best = np.argsort([-float(trial.value or 0) for trial in trials[:120]])[:20]
    assert len(kept) == 40 + 7
    assert set(best.tolist()) < kept
