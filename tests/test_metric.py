"""A metric: an accuracy is read in points, everything else in its own unit."""

import pytest

from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY, POINTS, UNITS, Metric
from lrsearch.tables.values import text

LOSS = Metric("loss", "minimize", "units")


def test_an_accuracy_is_read_in_points_and_a_loss_as_it_is() -> None:
    """In numbers, units, titles and decimals alike; nothing says which difference of a loss would not matter."""
    assert (100.0, "points", "accuracy (points)", 2) == (
        ACCURACY.scale,
        ACCURACY.unit,
        ACCURACY.title,
        ACCURACY.decimals,
    )
    assert (1.0, "units", "loss", None) == (LOSS.scale, LOSS.unit, LOSS.title, LOSS.decimals)
    assert ("+1.00", "0.01235") == (ACCURACY.number(1.0, signed=True), LOSS.number(0.0123456))
    assert (1.0, -1.0) == (ACCURACY.sign, LOSS.sign)
    assert (float("-inf"), float("inf")) == (ACCURACY.worst, LOSS.worst)
    assert ("0.3 points", "1 point", "1 unit") == (ACCURACY.amount(0.3), ACCURACY.amount(1.0), LOSS.amount(1))
    assert (0.3, None) == (ACCURACY.default_rope, LOSS.default_rope)


@pytest.mark.parametrize(
    ("metric", "title", "shown", "scale"),
    [
        (Metric("BLEU", unit="BLEU points"), "BLEU (BLEU points)", "31.42", 1.0),
        (Metric("reward", unit=UNITS), "reward", "31.42", 1.0),
        (Metric("error", "minimize", POINTS), "error (points)", "3142.00", 100.0),
    ],
)
def test_the_unit_and_not_the_direction_says_how_a_value_is_read(metric, title, shown, scale) -> None:
    """A reward is maximised and is no fraction; an error rate is minimised and may be one."""
    assert (title, shown, scale) == (metric.title, text(metric.stored(31.42)), metric.scale)


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        (("accuracy", "maximize", None), POINTS),
        (("Top-5 accuracy", "maximize", None), POINTS),
        (("accuracy", "minimize", None), UNITS),
        (("AUC", "maximize", None), UNITS),
        (("AUC", "maximize", POINTS), POINTS),
        (("validation loss", "minimize", "nats"), "nats"),
    ],
)
def test_scores_without_a_unit_are_in_points_where_they_are_called_accuracies(given, unit) -> None:
    """Nothing else is taken for a percentage."""
    assert unit == Metric.of_scores(*given).unit


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"direction": "up"}, "direction must be maximize or minimize, got 'up'"),
        ({"name": " "}, "metric must not be empty"),
        ({"unit": ""}, "unit must not be empty"),
        ({"unit": "n\x1b[2J"}, "unit must hold no control characters, got 'n\\\\x1b"),
    ],
)
def test_a_metric_outside_its_rule_is_refused(given, complaint) -> None:
    """Before any score is seen."""
    with pytest.raises(InputError, match=complaint):
        Metric(**given)


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
