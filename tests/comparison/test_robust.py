"""Why the primary test keeps the plain mean: what a robust scale and a trimmed mean would bring and cost."""

from collections.abc import Callable

import numpy as np
import pytest

from lrsearch.comparison.arrays import pairs_of
from lrsearch.comparison.inference.flips import moderated, sign_patterns

BLOCKS, FAMILIES, SD, SHIFT, TRIMMED = 10, 8, 0.25, 0.3, 1
Estimator = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def plain(d):
    """Return mean and squared standard error of d[..., blocks]."""
    return d.mean(axis=-1), d.var(axis=-1, ddof=1) / BLOCKS


def robust_scale(d):
    """Return the mean, and its squared standard error from the median absolute deviation."""
    spread = np.median(np.abs(d - np.median(d, axis=-1, keepdims=True)), axis=-1)
    return d.mean(axis=-1), (1.4826 * spread) ** 2 / BLOCKS


def trimmed(d):
    """Return the mean without the largest and the smallest value, and its squared standard error (Yuen 1974)."""
    ordered, kept = np.sort(d, axis=-1), BLOCKS - 2 * TRIMMED
    winsorized = np.clip(ordered, ordered[..., TRIMMED, None], ordered[..., -TRIMMED - 1, None])
    centre = ordered[..., TRIMMED:-TRIMMED].mean(axis=-1)
    return centre, winsorized.var(axis=-1, ddof=1) * (BLOCKS - 1) / (kept * (kept - 1))


def rejected(scores, estimator: Estimator, rng):
    """Return which pairs the residual max-T of an estimator calls different at 5 %."""
    first, second = pairs_of(scores.shape[1])
    d = (scores[:, first] - scores[:, second]).T
    centre, squared_error = estimator(d)
    observed = np.abs(centre) / np.sqrt(np.maximum(moderated(squared_error), 1e-12))
    flipped = sign_patterns(BLOCKS, rng)[:, None, :] * (d - centre[:, None])
    null_centre, null_error = estimator(flipped)
    largest = (np.abs(null_centre) / np.sqrt(np.maximum(moderated(null_error), 1e-12))).max(axis=-1)
    return (1 + (largest >= observed[:, None] - 1e-9).sum(axis=1)) / (1 + len(largest)) <= 0.05


def rates(estimator: Estimator, noise, simulations: int) -> tuple[float, float]:
    """Return the family-wise error, and the power for one given pair that differs by 0.3 points."""
    rng, wrong, right = np.random.default_rng(0), 0, 0
    for _ in range(simulations):
        scores = noise(rng)
        wrong += rejected(scores, estimator, rng).any()
        scores[:, 0] += SHIFT
        right += rejected(scores, estimator, rng)[0]
    return wrong / simulations, right / simulations


def normal(rng):
    return rng.normal(0, SD, (BLOCKS, FAMILIES))


def with_outliers(rng):
    """5 % of the runs scatter ten times as much."""
    return np.where(rng.random((BLOCKS, FAMILIES)) < 0.05, 10 * normal(rng), normal(rng))


def exponential_differences(rng):
    """Two families whose differences are exponential."""
    return np.column_stack([rng.exponential(SD, BLOCKS) - SD, np.zeros(BLOCKS)])


@pytest.mark.slow
def test_no_robust_estimator_is_worth_its_price():
    """A robust scale breaks the error rate; trimming wins little with outliers, and loses elsewhere."""
    outliers = {estimator: rates(estimator, with_outliers, 400) for estimator in (plain, robust_scale, trimmed)}
    quiet = {estimator: rates(estimator, normal, 400) for estimator in (plain, trimmed)}
    skewed = {estimator: rates(estimator, exponential_differences, 2000)[0] for estimator in (plain, trimmed)}
    assert outliers[robust_scale][0] > 0.1 > 0.065 >= outliers[plain][0]
    assert outliers[trimmed][1] < outliers[plain][1] + 0.15
    assert quiet[trimmed][1] < quiet[plain][1]
    assert skewed[trimmed] > skewed[plain] + 0.02 > 0.08
