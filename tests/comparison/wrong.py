"""The wrong implementations that the checks must catch. Each takes scores[blocks, families] as the right one does."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import stats

from lrsearch.comparison.arrays import pairs_of
from lrsearch.comparison.inference.crosscheck import holm
from lrsearch.comparison.inference.flips import flip_pairs, moderated, sign_patterns


def differences(scores):
    first, second = pairs_of(scores.shape[1])
    return scores[:, first] - scores[:, second]


def uncorrected_t(scores):
    """p-values [pairs] of the paired t-test, each as if it were the only one."""
    return stats.ttest_rel(*[scores[:, side] for side in pairs_of(scores.shape[1])]).pvalue


def holm_t(scores):
    """p-values [pairs] of the paired t-test with Holm."""
    return holm(uncorrected_t(scores))


def wilcoxon_holm(scores):
    """p-values [pairs] of the exact signed-rank test with Holm."""
    return holm(stats.wilcoxon(differences(scores) + 1e-9, axis=0, method="exact").pvalue)


def pointwise_limits(scores):
    """Limits [pairs] of the t-interval of each pair alone."""
    d = differences(scores)
    half = stats.t.isf(0.025, len(d) - 1) * d.std(axis=0, ddof=1) / np.sqrt(len(d))
    return d.mean(axis=0) - half, d.mean(axis=0) + half


@lru_cache
def _tukey_quantile(families, freedom):
    return float(stats.studentized_range.isf(0.05, families, freedom))


def blocked_tukey_limits(scores):
    """Limits [pairs] of Tukey's test on the residuals of blocks + families, one variance for all pairs."""
    blocks, families = scores.shape
    residual = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    freedom = (blocks - 1) * (families - 1)
    half = _tukey_quantile(families, freedom) * np.sqrt((residual**2).sum() / freedom / blocks)
    mean = differences(scores).mean(axis=0)
    return mean - half, mean + half


def permutation_rejects(scores, rng, permutations=199):
    """Whether any mean difference [pairs] is beyond the largest of tables permuted within their blocks."""
    tables = rng.permuted(np.broadcast_to(scores, (permutations, *scores.shape)), axis=2).mean(axis=1)
    ranges = np.ptp(tables, axis=1)
    return np.abs(differences(scores).mean(axis=0)) > np.quantile(ranges, 0.95)


def uncentred_flips(scores, rng):
    """Flip the differences themselves instead of their residuals."""
    d = differences(scores)
    mean = sign_patterns(len(d), rng) @ d / len(d)
    variance = ((d**2).sum(axis=0) - len(d) * mean**2) / (len(d) - 1)
    return replace(flip_pairs(scores, rng), null=mean / np.sqrt(moderated(variance) / len(d)))


def v_statistic(values, k):
    """Return the expected best of k drawn with replacement."""
    y, trials = np.sort(values), len(values)
    ranks = np.arange(1, trials + 1)
    return float(((ranks / trials) ** k - ((ranks - 1) / trials) ** k) @ y)


def bootstrap_band(values, k, rng, resamples=200):
    """Percentile bootstrap of the median best of k."""
    drawn = rng.choice(values, (resamples, len(values)))
    return np.quantile(np.quantile(drawn, 0.5 ** (1 / k), axis=1, method="inverted_cdf"), [0.025, 0.975])


def percentile_probability(first, second, rng, resamples=200):
    """Paired percentile bootstrap of the share of blocks in which the first is better."""
    wins = np.mean(rng.choice(first > second, (resamples, len(first))), axis=1)
    return np.quantile(wins, [0.025, 0.975])


def blocked_tukey_p(scores):
    """0 for a pair [pairs] that Tukey's blocked limits separate, else 1."""
    low, high = blocked_tukey_limits(scores)
    return np.where((low > 0) | (high < 0), 0.0, 1.0)
