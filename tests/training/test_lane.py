"""What an epoch leaves: it says which of its numbers are not finite."""

from math import inf, nan

import pytest

from lrsearch.training.lane import EpochMetrics


@pytest.mark.parametrize(
    ("train_loss", "loss", "score", "named"),
    [
        (0.5, {"select": 0.4, "report": 0.3}, {"select": 0.9, "test": 0.8}, ()),
        (inf, {}, {}, ("training loss",)),
        (0.5, {"select": nan, "report": 0.3}, {"select": 0.9, "report": -inf}, ("validation loss", "holdout score")),
        (0.5, {"test": 0.1}, {"test": nan}, ("test score",)),
    ],
)
def test_an_epoch_names_what_is_not_finite(train_loss, loss, score, named) -> None:
    """By the words that a person reads; any of them means that the run has diverged."""
    metrics = EpochMetrics(1, train_loss, loss, score)
    assert named == metrics.not_finite
    assert bool(named) == metrics.diverged
