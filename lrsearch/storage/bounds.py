"""Whether a winner lies at the edge of what was searched, where a better one may lie beyond."""

from __future__ import annotations

import math

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.study import Study

from lrsearch.records import TrialRecord

_EDGE = 0.05


def near_bounds(record: TrialRecord, study: Study) -> list[str]:
    """Return the parameters of a trial within 5 % of a bound of their range (of its logarithm where it is one)."""
    distributions = study.get_trials(deepcopy=False)[record.number].distributions
    near = []
    for name, distribution in distributions.items():
        if isinstance(distribution, FloatDistribution | IntDistribution) and not distribution.single():
            scale = math.log if distribution.log else float
            low, value, high = (scale(v) for v in (distribution.low, record.params[name], distribution.high))
            if not _EDGE <= (value - low) / (high - low) <= 1 - _EDGE:
                near.append(name)
    return near
