"""The next trial of a family, from the finished and running trials of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from lrsearch.errors import InputError
from lrsearch.experiment.space import FAMILY, Space
from lrsearch.search.family_samplers import derived_seed
from lrsearch.search.gp.acquisition import BEST, Candidates, log_expected_improvement
from lrsearch.search.gp.features import CurveFeatures, FloatArray, is_known_beforehand
from lrsearch.search.gp.model import Hyperparameters, IntArray, Posterior, fit
from lrsearch.search.gp.targets import Outcomes, normal_scores, outcomes

MOST_TRIALS = 1500
"""Above this number of finished trials the model keeps the best half of them and as many drawn ones."""

_EVERY_ROUND, _THEN_EVERY = 20, 5
_MOST_FITTED = 240


class CurveSearch:
    """Proposes trials for the families whose curve is known before training.

    A proposal depends on the arguments of `propose` alone: after a restart it is the same. A round is as many finished
    trials as there are families. The hyperparameters are fitted to complete rounds, at each up to the 20th, then at
    every fifth; above 240 trials to the best 120 and 120 drawn. The posterior is that of all finished trials, or above
    `MOST_TRIALS` that of the best and of as many drawn at the last fit, and of all that came since.
    """

    def __init__(self, space: Space, *, seed: int, direction: StudyDirection) -> None:
        self.families = tuple(family for family in space.families if is_known_beforehand(space, family))
        self._seed = seed
        self._direction = direction
        self._features = CurveFeatures(space)
        self._candidates = {
            family: Candidates(family, space.distributions(family), self._features, derived_seed(seed, "gp", family))
            for family in self.families
        }
        self._read = 0  # of the finished trials
        self._trials: list[FrozenTrial] = []  # those that have features
        self._outcomes = Outcomes(direction)  # theirs
        self._x = np.zeros((0, len(self._features)))
        self._family: IntArray = np.zeros(0, dtype=np.intp)
        self._fitted_at = -1  # the round
        self._members: IntArray = self._family  # the trials that the posterior holds
        self._posterior: Posterior

    def propose(
        self, family: str, index: int, finished: Sequence[FrozenTrial], running: Iterable[FrozenTrial]
    ) -> dict[str, Any]:
        """Return the parameters of a family's draw number `index`.

        Args:
            family: one of `families`.
            index: counts the family's draws.
            finished: complete and pruned trials of all families in the order in which they ended; it only grows.
            running: trials under way, of all families; they enter with the mean that is expected of them.
        """
        self._learn(finished)
        number = self.families.index(family)
        x, of, _ = self._with_features(running)
        believed = self._posterior.believing(x, of)
        members = self._members[self._family[self._members] == number]
        if len(members):
            means = self._posterior.mean(self._x[members], self._family[members])
            top = members[np.argsort(-means, kind="stable")[:BEST]]
            best = float(means.max())
        else:
            top, best = members, 0.0
        candidates = self._candidates[family]
        around = candidates.units([self._trials[i].params for i in top])

        def worth(x: FloatArray) -> FloatArray:
            mean, sd = believed.mean_and_sd(x, np.full(len(x), number))
            return log_expected_improvement(mean, sd, best)

        rng = np.random.default_rng(derived_seed(self._seed, "gp", family, index))
        return candidates.best(worth, around, rng)

    def _learn(self, finished: Sequence[FrozenTrial]) -> None:
        """Bring the posterior up to the finished trials."""
        x, family, trials = self._with_features(finished[self._read :])
        self._read = len(finished)
        self._x, self._family = np.vstack([self._x, x]), np.append(self._family, family)
        self._trials += trials
        self._outcomes.add(trials)
        rounds = len(self._trials) // len(self.families)
        fit_at = rounds if rounds <= _EVERY_ROUND else rounds - rounds % _THEN_EVERY
        if fit_at != self._fitted_at:
            self._fit(fit_at)
        first = int(self._members[-1]) + 1 if len(self._members) else 0
        for i in range(max(first, fit_at * len(self.families)), len(self._trials)):
            self._posterior.add(self._x[i], int(self._family[i]))
            self._members = np.append(self._members, i)
        self._posterior.observe(normal_scores(self._outcomes.values())[self._members])

    def _fit(self, fit_at: int) -> None:
        """Fit the hyperparameters to the trials of the first rounds, and begin a posterior with them."""
        count = fit_at * len(self.families)
        y = normal_scores(outcomes(self._trials[:count], self._direction))
        if count:
            chosen = self._best_and_drawn(y, _MOST_FITTED, fit_at)
            hyper = fit(self._x[chosen], self._family[chosen], y[chosen], len(self.families))
        else:
            hyper = Hyperparameters.prior_mean(self._x.shape[1], len(self.families))
        self._members = self._best_and_drawn(y, MOST_TRIALS, fit_at)
        self._posterior = Posterior(hyper, self._x[self._members], self._family[self._members])
        self._fitted_at = fit_at

    def _best_and_drawn(self, y: FloatArray, most: int, fit_at: int) -> IntArray:
        """Return the numbers of all of `y`, or of the best `most` / 2 and as many drawn of the others, rising."""
        if len(y) <= most:
            return np.arange(len(y))
        order = np.argsort(-y, kind="stable")
        rng = np.random.default_rng(derived_seed(self._seed, "gp", fit_at))
        drawn = rng.choice(order[most // 2 :], most - most // 2, replace=False)
        return np.sort(np.append(order[: most // 2], drawn))

    def _with_features(self, trials: Iterable[FrozenTrial]) -> tuple[FloatArray, IntArray, list[FrozenTrial]]:
        """Return features, family numbers and trials; those that make no schedule of this space are left out."""
        rows, numbers, kept = [], [], []
        for trial in trials:
            row = self._row(trial.params)
            if row is not None:
                rows.append(row)
                numbers.append(self.families.index(trial.params[FAMILY]))
                kept.append(trial)
        return np.array(rows).reshape(len(rows), len(self._features)), np.array(numbers, np.intp), kept

    def _row(self, params: Mapping[str, Any]) -> FloatArray | None:
        if params.get(FAMILY) not in self.families:
            return None
        try:
            return np.asarray(self._features([params])[0])
        except (InputError, KeyError):  # enqueued by a person with other parameters, or still without some
            return None
