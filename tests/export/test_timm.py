"""What is exported for timm."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.schedules import PerEpoch
from tests.export.documents import T, assert_same_rates, example
from tests.export.libraries import EXPRESSED, timm_rates


@pytest.mark.parametrize("family", EXPRESSED["timm"])
def test_timm_steps_by_the_epoch_where_the_schedule_does(family):
    """Stepped by the epoch: timm's own way of counting."""
    schedule = PerEpoch(example(family))
    assert_same_rates(schedule.schedule.lr(np.arange(T)), timm_rates(schedule, T), schedule.base_lr)
