"""A metric: a score that is maximised is read in points, a loss in its own unit."""

import pytest

from lrsearch.tables import Metric
from lrsearch.tables.values import text

ACCURACY, LOSS = Metric(), Metric("loss", maximize=False)


def test_a_score_is_read_in_points_and_a_loss_as_it_is() -> None:
    """In numbers, units, titles and decimals alike."""
    assert (100.0, "points", "accuracy (points)", 2) == (
        ACCURACY.scale,
        ACCURACY.unit,
        ACCURACY.title,
        ACCURACY.decimals,
    )
    assert (1.0, "units", "loss", None) == (LOSS.scale, LOSS.unit, LOSS.title, LOSS.decimals)


def test_columns_name_the_unit_in_which_people_read() -> None:
    """The key under which programs find a column stays without it."""
    assert ["accuracy (points)", "mean", "loss"] == [
        ACCURACY.column().title,
        ACCURACY.column("mean").title,
        LOSS.column().title,
    ]
    assert [("best", "best (points)"), ("best", "best")] == [
        (column.key, column.title) for column in (ACCURACY.stored_column("best"), LOSS.stored_column("best"))
    ]


def test_a_stored_value_stays_for_programs() -> None:
    """People read 83.12 points where 0.8312 is stored; what is missing stays missing."""
    assert (0.8312, "83.12") == (ACCURACY.stored(0.8312), text(ACCURACY.stored(0.8312)))
    assert (0.8312, "0.8312") == (LOSS.stored(0.8312), text(LOSS.stored(0.8312)))
    assert ACCURACY.stored(None) is None


@pytest.mark.parametrize(("metric", "best"), [(ACCURACY, 0.9), (LOSS, 0.1)])
def test_the_best_is_the_most_or_the_least(metric, best) -> None:
    """Of nothing there is none."""
    assert best == metric.best(iter([0.5, 0.9, 0.1]))
    assert metric.best([]) is None
