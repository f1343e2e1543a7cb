"""What was tried, and which parameter mattered."""

import numpy as np

from lrsearch.metric import Metric
from lrsearch.report.figures.parameters import (
    importance_figure,
    importance_table,
    parallel_data,
    parallel_figure,
    parallel_table,
)
from tests.report.report_helpers import trial

ACCURACY, LOSS = Metric(), Metric("loss", "minimize", "units")


def test_parallel_positions_follow_the_scale_of_each_range():
    """A logarithmic range puts its geometric mean in the middle, a choice its place, the best trial comes first."""
    ranges = {
        "base_lr": {"low": 0.01, "high": 1.0, "log": True},
        "decay_shape": {"choices": ["linear", "cosine", "1-sqrt"]},
    }
    trials = [
        trial(0, "a", 0.5, params={"family": "a", "base_lr": 0.01, "decay_shape": "linear"}),
        trial(1, "a", 0.9, params={"family": "a", "base_lr": 0.1, "decay_shape": "cosine"}),
        trial(2, "a", 0.7, params={"family": "a", "base_lr": 1.0, "decay_shape": "1-sqrt"}),
        trial(3, "a", 0.99, state="pruned"),
    ]
    data = parallel_data(trials, ranges, ACCURACY)
    assert data is not None
    np.testing.assert_allclose(data.lines, [[0.5, 0.5, 1.0], [1.0, 1.0, 0.5], [0.0, 0.0, 0.0]], atol=1e-12)
    assert ("base_lr", "decay_shape", "validation accuracy (points)") == data.axes
    assert ("0.01", "linear", "50.00") == data.lowest
    assert 3 == len(parallel_figure(data).data)
    assert ("0.100", "cosine", "90.00") == parallel_table(data, ACCURACY).cells[0]
    assert parallel_data([], ranges, ACCURACY) is None


def test_importance_is_drawn_by_family_and_its_first_parameter_named():
    """One bar a family; the table begins with the parameter of the largest share."""
    shares = {"a": {"rate": 0.9, "noise": 0.1}}
    assert ["a"] == list(importance_figure(shares).data[0].y)
    assert importance_table(shares).rows[0][1].startswith("rate")
