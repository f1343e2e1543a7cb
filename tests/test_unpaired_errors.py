"""The simulations behind the tests of unpaired tables: they keep to their error rate, and see what is there."""

import numpy as np
import pytest
from scipy import stats

from studies.unpaired_errors import FREEDOM, Case, cases, errors, power

NAMED_ERROR = 0.061
"""The largest error rate that the procedure was chosen with."""
OF_OTHER_TESTS = np.ones(len(FREEDOM))
SIZES = [25, pytest.param(2000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("simulations", SIZES)
def test_the_used_test_keeps_its_error_rate_where_groups_are_unlike(simulations) -> None:
    """Five groups of 3 to 30 runs, their scatter 1:6 either way: not more errors than the named rate allows."""
    rng = np.random.default_rng(0)
    unlike = [case for case in cases(5, None) if case.noise == "normal"]
    assert 3 == len(unlike)
    for case in unlike:
        used = simulations * errors(case, simulations, rng, OF_OTHER_TESTS)[0]
        assert used <= stats.binom.ppf(0.999, simulations, NAMED_ERROR)


@pytest.mark.parametrize("simulations", SIZES)
def test_the_used_test_sees_a_difference(simulations) -> None:
    """Two SDs with 10 runs of each of five: nine of ten; a test that never rejects would fail here."""
    case = Case((10,) * 5, (1.0,) * 5, "normal", lead=2.0)
    seen = simulations * power(case, simulations, np.random.default_rng(1), OF_OTHER_TESTS)[0]
    assert seen >= stats.binom.ppf(0.001, simulations, 0.88)
