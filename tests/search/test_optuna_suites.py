"""Optuna's own conformance suites for samplers, on ours.

The multi-objective suites do not apply: a search has one metric. Optuna has no suite for pruners.
"""

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, RelativeSamplerTestCase

from lrsearch.names import SamplerKind
from lrsearch.search.sampling import FamilySampler


@pytest.fixture(params=["tpe", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("gp", "random", "qmc"))])
def kind(request) -> SamplerKind:
    return request.param


class TestFamilySampler(BasicSamplerTestCase, RelativeSamplerTestCase):
    """Objectives that know nothing of schedules, under every kind of family sampler."""

    @pytest.fixture
    def sampler(self, kind) -> Callable[[], BaseSampler]:
        """Return what makes a sampler of its kind."""
        return lambda: FamilySampler.for_schedules(total_steps=100, kind=kind)
