import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.arrays import numbers, pairs_of
from lrsearch.comparison.inference.crosscheck import holm, iman_davenport, paired_t, planned_contrast
from lrsearch.comparison.inference.flips import flip_pairs, sampling_variance
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.comparison.inference.probability import probability_better
from lrsearch.comparison.inference.proportions import audit_pruning, good_region, proportion
from lrsearch.errors import InputError
from tests.comparison import wrong
from tests.comparison.simulations import count, keeps


def test_a_planned_contrast_covers_and_a_bootstrap_does_not(simulations):
    """C5: the t-interval of one contrast covers in 0.938 to 0.965 of samples of 10; BCa does not reach that."""
    size = 10 * simulations
    samples = np.random.default_rng(1).normal(0.0, 0.3, (size, 10))
    limits = np.array([planned_contrast(sample)[1:3] for sample in samples[: 5 * simulations]])
    covered = int(((limits[:, 0] <= 0) & (limits[:, 1] >= 0)).sum())
    assert keeps(covered, 5 * simulations, 0.938, 0.965)
    failing = 0
    for part in np.array_split(samples, size // 1000):
        found = stats.bootstrap(
            (part,), np.mean, axis=1, n_resamples=300, method="BCa", rng=np.random.default_rng(2)
        ).confidence_interval
        failing += int(((found.low <= 0) & (found.high >= 0)).sum())
    assert not keeps(failing, size, 0.938, 0.965)


@pytest.mark.parametrize("probability", [0.5, 0.71, 0.87])
def test_the_probability_of_being_better_is_covered(probability, simulations):
    """C13: the interval of P(A > B) covers at 10 correlated blocks; far from 1/2 a bootstrap does not."""
    lead = stats.norm.ppf(probability) * np.sqrt(2)

    def blocks(rng):
        shared, own = rng.normal(size=(10, 1)), rng.normal(size=(10, 2))
        return (np.sqrt(0.3) * shared + np.sqrt(0.7) * own + [lead, 0.0]).T

    def holds(rng):
        found = probability_better(*blocks(rng))
        return found.low <= probability <= found.high

    def bootstrapped(rng):
        low, high = wrong.percentile_probability(*blocks(rng), rng)
        return low <= probability <= high

    assert keeps(count(simulations, 3, holds), simulations, 0.94)
    if probability == 0.87:
        assert not keeps(count(simulations, 3, bootstrapped), simulations, 0.94)


def test_complete_separation_gives_the_exact_bound():
    """Where every run of A beats every run of B, P(A > B) is 1 down to (alpha/2)^(1/R), and mirrored for B."""
    a, b = np.arange(10.0) + 100, np.arange(10.0)
    bound = 0.025**0.1
    assert probability_better(a, b) == pytest.approx((1.0, bound, 1.0))
    assert probability_better(b, a) == pytest.approx((0.0, 0.0, 1 - bound))
    tied = probability_better(np.ones(10), np.ones(10))
    assert tied == pytest.approx((0.5, 1 - bound, bound))


def test_the_probability_has_the_variance_of_brunner_and_munzel():
    """The logit interval's standard error is that behind SciPy's Brunner-Munzel statistic."""
    rng = np.random.default_rng(4)
    a, b = np.round(rng.normal(0.3, 1, 12), 1), np.round(rng.normal(0, 1, 12), 1)
    found = probability_better(a, b)
    logit = np.log(np.array(found) / (1 - np.array(found)))
    oracle = stats.brunnermunzel(a, b, distribution="t")
    error = abs((found.estimate - 0.5) / oracle.statistic)
    freedom_quantile = (logit[2] - logit[0]) * found.estimate * (1 - found.estimate) / error
    assert 2 * stats.t.sf(abs(oracle.statistic), 22) == pytest.approx(oracle.pvalue, abs=0.005)
    assert stats.t.isf(0.025, 22) == pytest.approx(freedom_quantile, abs=0.02)


def correct_examples(rng, blocks=50, examples=400):
    """Return correct [blocks, 2, examples] of two families that differ by example and seed."""
    liking = rng.normal(0.0, 0.6, (2, examples))
    difficulty = rng.normal(1.0, 1.0, examples)
    seed = rng.normal(0.0, 0.1, (blocks, 2, 1))
    return difficulty + liking + seed + rng.normal(size=(blocks, 2, examples)) > 0


def test_the_interval_with_sampling_variance_covers_the_difference_over_all_examples():
    """C14: at 50 blocks it covers the population's difference, which the interval from seeds alone does not."""
    simulations, rng, covered = 400, np.random.default_rng(5), np.zeros(2, dtype=int)
    for _ in range(simulations):
        correct = correct_examples(rng)
        scores = 100 * correct.mean(axis=2)
        for kind, added in enumerate([sampling_variance(correct), None]):
            result = max_t(flip_pairs(scores, rng, added), 0.05)
            covered[kind] += result.low[0] <= 0 <= result.high[0]
    assert covered[0] / simulations >= 0.92
    assert not keeps(covered[1], simulations, 0.92)


def test_the_sampling_variance_is_that_of_the_two_way_table():
    """What the examples add equals the mean squares of the full table of differences, written out."""
    correct = correct_examples(np.random.default_rng(6), blocks=7, examples=60)
    d = 100.0 * (correct[:, 0].astype(float) - correct[:, 1])
    residual = d - d.mean(axis=0) - d.mean(axis=1, keepdims=True) + d.mean()
    of_both = (residual**2).sum() / (6 * 59) / (7 * 60)
    expected = max(d.mean(axis=0).var(ddof=1) / 60 - of_both, 0.0)
    assert expected == pytest.approx(sampling_variance(correct)[0])


def test_holm_is_the_closure_of_bonferroni():
    """Each adjusted p is the largest Bonferroni p over all sets of tests that hold it."""
    p = np.array([0.011, 0.04, 0.03, 0.5, 0.011])
    sets = [np.flatnonzero([(code >> i) & 1 for i in range(5)]) for code in range(1, 32)]
    expected = [max(min(1.0, len(s) * p[s].min()) for s in sets if test in s) for test in range(5)]
    assert expected == pytest.approx(holm(p).tolist())


def test_the_paired_t_is_that_of_scipy():
    """Where the differences vary the p-values are those of ttest_rel; without any they are 1, or 0 if apart."""
    scores = np.random.default_rng(7).normal(0, 1, (9, 4))
    first, second = pairs_of(4)
    expected = stats.ttest_rel(scores[:, first], scores[:, second]).pvalue
    np.testing.assert_allclose(expected, paired_t(wrong.differences(scores), 0.0))
    np.testing.assert_array_equal([1.0, 0.0], paired_t(np.tile([0.0, 1.0], (9, 1)), 0.0))


@pytest.mark.parametrize(("alternative", "p"), [("two-sided", 0.0), ("greater", 0.0), ("less", 1.0)])
def test_a_contrast_without_variance_is_certain(alternative, p):
    """Differences that are all alike give that value, without width, and p = 0 or 1."""
    assert planned_contrast(np.full(6, 0.5), alternative=alternative) == pytest.approx((0.5, 0.5, 0.5, p))


def test_iman_davenport_is_the_anova_of_the_ranks():
    """The p-value is that of the F-test for columns in the blocks x columns analysis of variance of the ranks."""
    scores = np.random.default_rng(8).normal([0.0, 0.0, 0.5, 1.0], 1.0, (9, 4))
    ranks = stats.rankdata(scores, axis=1)
    of_columns = 9 * ((ranks.mean(axis=0) - 2.5) ** 2).sum() / 3
    residual = ((ranks - ranks.mean(axis=0)) ** 2).sum() / (8 * 3)
    assert stats.f.sf(of_columns / residual, 3, 24) == pytest.approx(iman_davenport(scores))


def test_iman_davenport_at_its_ends():
    """All tied gives 1, always the same order 0, and two columns no answer."""
    ends = [iman_davenport(np.ones((6, 3))), iman_davenport(np.tile([1.0, 2.0, 3.0], (6, 1)))]
    assert ends == pytest.approx([1.0, 0.0])
    assert np.isnan(iman_davenport(np.ones((6, 2))))


@pytest.mark.parametrize("count_", [0, 3, 12])
def test_proportions_have_the_limits_of_clopper_and_pearson(count_):
    """The exact limits are quantiles of the beta distribution, and 0 and 1 at the ends."""
    found = proportion(count_, 12)
    expected = np.nan_to_num(stats.beta.ppf([0.025, 0.975], [count_, count_ + 1], [13 - count_, 12 - count_]), nan=-1)
    assert (expected[0] if count_ else 0.0) == pytest.approx(found.low)
    assert (expected[1] if count_ < 12 else 1.0) == pytest.approx(found.high)


def test_no_trials_leave_a_proportion_open():
    """Of nothing, the proportion may be anything; more than all is refused."""
    nothing = proportion(0, 0)
    assert (nothing.low, nothing.high) == pytest.approx((0, 1))
    with pytest.raises(InputError, match="count must lie between 0 and total = 3, but is 4"):
        proportion(4, 3)


def test_the_pruning_audit_counts_who_would_have_won():
    """Finished trials are counted against their own family's median and best."""
    audit = audit_pruning([90.0, 91.0, 92.5], medians=[90.5, 90.5, 91.0], bests=[92.0, 92.0, 92.0])
    expected = (2, 1, 3)
    assert expected == (audit.beat_median.count, audit.beat_best.count, audit.beat_best.total)


def test_the_good_region_is_the_share_within_the_rope_of_the_best():
    """The share counts the trials no further than the ROPE below the best one."""
    expected = (3, 4)
    found = good_region([90.0, 89.9, 89.7, 80.0], rope=0.3)
    assert expected == (found.count, found.total)
    with pytest.raises(InputError, match="at least one random"):
        good_region([], rope=0.3)


def test_values_that_are_no_numbers_are_refused():
    """An array with other axes or with NaN is named in the error."""
    with pytest.raises(InputError, match=r"loss must have the axes \[blocks, epochs\], but its shape is \(2,\)"):
        numbers([1.0, 2.0], "loss", axes="blocks, epochs")
    with pytest.raises(InputError, match="loss must hold finite numbers only, but 1 of them are not"):
        numbers([1.0, np.nan], "loss", axes="blocks")
