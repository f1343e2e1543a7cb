"""A Gaussian process of several families: what they share, and a part of its own for each.

Two points x, x' of the families f, f' have the covariance

    s^2 c(f, f') k(x, x') + o^2 [f = f'],    c(f, f') = 1 where f = f' and a_f a_f' elsewhere,

with k the Matern 5/2 kernel of r^2 = sum_j (x_j - x'_j)^2 / l_j^2 and prior mean zero; observations add independent
noise of variance sigma^2. The loading a_f in 0 .. 1 says how much of a family's surface is the common one: with 0 it
has one of its own, with the same length scales. This is the linear model of coregionalization with one common process
(Alvarez, Rosasco and Lawrence 2012, arXiv:1106.6251, section 4.2); the kernel is that of Rasmussen and Williams 2006,
"Gaussian Processes for Machine Learning", equation 4.17, the likelihood and its gradient their equations 5.8 and 5.9.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, lapack, solve_triangular
from scipy.optimize import minimize

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

_JITTER = 1e-6
_ITERATIONS = 30
_SD_BOUND = 3.0  # how many SDs of its prior a hyperparameter may lie away from the prior's mean


@dataclass(frozen=True)
class Hyperparameters:
    """The numbers of the covariance.

    Attributes:
        lengths: l `[features]`.
        signal: s^2.
        offset: o^2.
        noise: sigma^2.
        loadings: a `[families]`.
    """

    lengths: FloatArray
    signal: float
    offset: float
    noise: float
    loadings: FloatArray

    @classmethod
    def of_vector(cls, vector: FloatArray, features: int) -> Hyperparameters:
        """Return them from ln l, ln s^2, ln o^2, ln sigma^2, logit a, one after the other."""
        signal, offset, noise = np.exp(vector[features : features + 3]).tolist()
        loadings = 1.0 / (1.0 + np.exp(-vector[features + 3 :]))
        return cls(np.exp(vector[:features]), signal, offset, noise, loadings)

    @classmethod
    def prior_mean(cls, features: int, families: int) -> Hyperparameters:
        """Return what is assumed without data."""
        return cls.of_vector(prior(features, families)[0], features)


def prior(features: int, families: int) -> tuple[FloatArray, FloatArray]:
    """Return the means and SDs of the independent normal priors, in the order of `Hyperparameters.of_vector`."""
    length = math.log(0.6) + 0.5 * math.log(features)
    means = [length] * features + [0.0, math.log(0.1), math.log(0.03)] + [2.0] * families
    sds = [1.0] * (features + 2) + [1.5] + [0.6] * families
    return np.array(means), np.array(sds)


def fit(x: FloatArray, family: IntArray, y: FloatArray, families: int) -> Hyperparameters:
    """Return the hyperparameters of largest posterior density, from the prior's means in at most 30 iterations.

    Args:
        x: features `[n, features]`.
        family: numbers `[n]` in 0 .. families - 1.
        y: observations `[n]`, of about unit scale.
        families: their number.
    """
    means, sds = prior(x.shape[1], families)
    bounds = list(zip(means - _SD_BOUND * sds, means + _SD_BOUND * sds, strict=True))
    options = {"maxiter": _ITERATIONS}
    optimum = minimize(
        negative_log_posterior, means, (x, family, y, families), "L-BFGS-B", jac=True, bounds=bounds, options=options
    )
    return Hyperparameters.of_vector(optimum.x, x.shape[1])


def negative_log_posterior(
    vector: FloatArray, x: FloatArray, family: IntArray, y: FloatArray, families: int
) -> tuple[float, FloatArray]:
    """Return -log p(y, vector) up to a constant, and its gradient."""
    features = x.shape[1]
    hyper = Hyperparameters.of_vector(vector, features)
    same = family[:, None] == family[None, :]
    loading = hyper.loadings[family]
    coupling = np.where(same, 1.0, np.outer(loading, loading))
    matern, slope = _matern(x / hyper.lengths, x / hyper.lengths)
    signal = hyper.signal * coupling * matern
    covariance = signal + hyper.offset * same
    covariance[np.diag_indices_from(covariance)] += hyper.noise + _JITTER
    factor = cholesky(covariance, lower=True, check_finite=False)
    inverse = _inverse(factor)
    alpha = inverse @ y
    means, sds = prior(features, families)
    away = (vector - means) / sds
    value = 0.5 * (y @ alpha) + np.log(np.diag(factor)).sum() + 0.5 * (away @ away)

    # Half the trace of (K^-1 - alpha alpha') dK: all gradients are sums over its product with dK.
    weight = 0.5 * (inverse - np.outer(alpha, alpha))
    bent = weight * coupling * slope * hyper.signal
    scaled = x / hyper.lengths
    lengths = 2.0 * (bent.sum(axis=1) @ scaled**2 - np.einsum("ij,ij->j", scaled, bent @ scaled))
    across = np.where(same, 0.0, weight * hyper.signal * matern) @ loading
    by_family = np.bincount(family, across, minlength=families)
    loadings = 2.0 * by_family * hyper.loadings * (1.0 - hyper.loadings)
    amounts = [np.sum(weight * signal), hyper.offset * np.sum(weight[same]), hyper.noise * np.trace(weight)]
    return float(value), np.concatenate([lengths, amounts, loadings]) + away / sds


class Posterior:
    """The process after some points, to which more may be added one at a time.

    The factor of the covariance depends on the order of the points and on how many were there at first, to the last
    bit; the same history gives the same numbers.
    """

    def __init__(self, hyper: Hyperparameters, x: FloatArray, family: IntArray) -> None:
        self._hyper = hyper
        self._x, self._family = x, family
        covariance = self._covariance(x, family, x, family)
        covariance[np.diag_indices_from(covariance)] += hyper.noise + _JITTER
        self._factor: FloatArray = cholesky(covariance, lower=True, check_finite=False) if len(x) else covariance
        self._alpha = np.zeros(len(x))

    def __len__(self) -> int:
        return len(self._x)

    def add(self, x: FloatArray, family: int) -> None:
        """Add a point with features `[features]`; `observe` is to follow."""
        n = len(self)
        numbers = np.array([family])
        row = self._solve(self._covariance(self._x, self._family, x[None], numbers))[:, 0]
        rest = self._hyper.signal + self._hyper.offset + self._hyper.noise + _JITTER - row @ row
        factor = np.zeros((n + 1, n + 1))
        factor[:n, :n], factor[n, :n], factor[n, n] = self._factor, row, math.sqrt(max(float(rest), _JITTER))
        self._factor = factor
        self._x, self._family = np.vstack([self._x, x]), np.append(self._family, numbers)

    def observe(self, y: FloatArray) -> None:
        """Take `y` `[n]` for what was observed at the points, in their order."""
        self._alpha = solve_triangular(self._factor, self._solve(y), lower=True, trans=1, check_finite=False)

    def mean(self, x: FloatArray, family: IntArray) -> FloatArray:
        """Return the means `[m]` at points `[m, features]`."""
        observed = len(self._alpha)
        return np.asarray(self._covariance(x, family, self._x[:observed], self._family[:observed]) @ self._alpha)

    def mean_and_sd(self, x: FloatArray, family: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the means and SDs `[m]` at points `[m, features]`, without the noise of an observation."""
        cross = self._covariance(self._x, self._family, x, family)
        explained = np.square(self._solve(cross)).sum(axis=0)
        variance = self._hyper.signal + self._hyper.offset - explained
        return cross[: len(self._alpha)].T @ self._alpha, np.sqrt(np.maximum(variance, 1e-12))

    def believing(self, x: FloatArray, family: IntArray) -> Posterior:
        """Return the process if the means at points `[m, features]` had been observed: equal means, smaller SDs."""
        other = copy(self)
        for point, number in zip(x, family.tolist(), strict=True):
            other.add(point, number)
        return other

    def _covariance(self, x: FloatArray, family: IntArray, other: FloatArray, others: IntArray) -> FloatArray:
        same = family[:, None] == others[None, :]
        loadings = self._hyper.loadings
        coupling = np.where(same, 1.0, np.outer(loadings[family], loadings[others]))
        matern, _ = _matern(x / self._hyper.lengths, other / self._hyper.lengths)
        return np.asarray(self._hyper.signal * coupling * matern + self._hyper.offset * same)

    def _solve(self, right: FloatArray) -> FloatArray:
        if not len(right):
            return right
        return np.asarray(solve_triangular(self._factor, right, lower=True, check_finite=False))


def _matern(x: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return k `[n, m]` of points `[n, features]`, `[m, features]` in units of the lengths, and -2 dk / d(r^2)."""
    squares = np.square(x).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None, :] - 2.0 * (x @ other.T)
    r = np.sqrt(5.0 * np.maximum(squares, 0.0))
    decay = np.exp(-r)
    return (1.0 + r + r * r / 3.0) * decay, (5.0 / 3.0) * (1.0 + r) * decay


def _inverse(factor: FloatArray) -> FloatArray:
    """Return the inverse of the matrix whose lower Cholesky factor this is."""
    lower, _ = lapack.dpotri(factor, lower=1)
    return np.asarray(np.tril(lower) + np.tril(lower, -1).T)
