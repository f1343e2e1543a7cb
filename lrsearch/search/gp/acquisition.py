"""Which trial of a family is worth most: log expected improvement over many candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from scipy.special import erfcx
from scipy.stats import qmc

from lrsearch.experiment.space import FAMILY
from lrsearch.search.gp.features import CurveFeatures, from_unit, to_unit

FloatArray: TypeAlias = NDArray[np.float64]

_POINTS, _DRAWN = 2048, 384
_FIRST, _LATER = (16, 0.12), ((12, 0.06), (12, 0.02))  # neighbours of each of the best three, SD of a step
BEST = 3
_MOVED = 0.6  # the probability that a neighbour differs in a coordinate


def log_expected_improvement(mean: FloatArray, sd: FloatArray, best: float) -> FloatArray:
    """Return ln E max(y - best, 0) of normal y, also where it is far below what a float can hold.

    With z = (mean - best) / sd it is ln sd + ln(phi(z) + z Phi(z)); below z = -1 by Mills' ratio (Ament et al. 2023,
    "Unexpected improvements to expected improvement", arXiv:2310.20708, equation 9).
    """
    z = (mean - best) / sd
    log_phi = -0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    near = np.maximum(z, -1.0)
    far = np.minimum(z, -1.0)
    mills = np.sqrt(np.pi / 2.0) * erfcx(-far / np.sqrt(2.0))
    remainder = np.where(far < -1e5, np.square(1.0 / far), 1.0 + far * mills)
    cumulative = 1.0 - 0.5 * np.exp(-0.5 * near * near) * erfcx(np.abs(near) / np.sqrt(2.0))
    cumulative = np.where(near < 0.0, 1.0 - cumulative, cumulative)
    direct = np.log(np.exp(-0.5 * near * near) / np.sqrt(2.0 * np.pi) + near * cumulative)
    return np.asarray(np.log(sd) + np.where(z > -1.0, direct, log_phi + np.log(remainder)))


class Candidates:
    """The points of one family's space, on the unit cube, from which the next trial is taken."""

    def __init__(self, family: str, distributions: Mapping[str, BaseDistribution], features: CurveFeatures, seed: int):
        self._family, self._distributions, self._features = family, dict(distributions), features
        self._fixed: FloatArray = qmc.Sobol(len(distributions), rng=np.random.default_rng(seed)).random(_POINTS)
        self._of_fixed = np.full((_POINTS, len(features)), np.nan)  # the features of those that were drawn before

    def params(self, unit: FloatArray) -> dict[str, Any]:
        """Return the parameters at a point `[dimensions]`, the family left out."""
        pairs = zip(self._distributions.items(), unit.tolist(), strict=True)
        return {name: from_unit(distribution, place) for (name, distribution), place in pairs}

    def units(self, many: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the points `[m, dimensions]` of `m` sets of parameters."""
        places = [to_unit(one, params[name]) for params in many for name, one in self._distributions.items()]
        return np.array(places).reshape(len(many), len(self._distributions))

    def best(
        self, worth: Callable[[FloatArray], FloatArray], around: FloatArray, rng: np.random.Generator
    ) -> dict[str, Any]:
        """Return the parameters of largest `worth`.

        384 of 2,048 fixed Sobol points and 16 neighbours of each point `around` `[m, dimensions]` are tried, then
        twice 12 neighbours, ever nearer, of each of the three best so far.
        """
        drawn = rng.choice(_POINTS, _DRAWN, replace=False)
        near = _neighbours(around, *_FIRST, rng)
        units = np.concatenate([self._fixed[drawn], near])
        worths = worth(np.concatenate([self._drawn_features(drawn), self._features_of(near)]))
        for count, width in _LATER:
            top = np.argsort(-worths, kind="stable")[:BEST]
            near = _neighbours(units[top], count, width, rng)
            units = np.concatenate([units[top], near])
            worths = np.concatenate([worths[top], worth(self._features_of(near))])
        return self.params(units[int(np.argmax(worths))])

    def _drawn_features(self, drawn: NDArray[np.int64]) -> FloatArray:
        new = drawn[np.isnan(self._of_fixed[drawn, 0])]
        self._of_fixed[new] = self._features_of(self._fixed[new])
        return self._of_fixed[drawn]

    def _features_of(self, units: FloatArray) -> FloatArray:
        return self._features([{FAMILY: self._family, **self.params(unit)} for unit in units])


def _neighbours(points: FloatArray, count: int, width: float, rng: np.random.Generator) -> FloatArray:
    """Return `count` points around each of `points` `[m, dimensions]`, moved by steps of SD `width`."""
    repeated = np.repeat(points, count, axis=0)
    moved = rng.random(repeated.shape) < _MOVED
    return np.clip(repeated + width * moved * rng.standard_normal(repeated.shape), 0.0, 1.0)
