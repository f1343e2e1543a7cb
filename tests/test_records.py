"""Records: plain data that survives JSON."""

import json
import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrsearch.records import LearningCurve, TrialRecord, mean_and_sd, pack_scores, unpack_scores


def test_a_curve_grows_by_one_value_a_part_each_epoch() -> None:
    """Each epoch extends the parts that were evaluated, and leaves the others empty."""
    curve = LearningCurve()
    for epoch in (1, 2):
        curve = curve.extended(1.0 / epoch, {"select": 2.0 / epoch}, {"select": 0.1 * epoch})
    assert LearningCurve(train_loss=(1.0, 0.5), select_loss=(2.0, 1.0), select_accuracy=(0.1, 0.2)) == curve
    assert () == curve.report_loss
    assert () == curve.test_accuracy


def test_a_curve_survives_json_and_never_writes_nan() -> None:
    """What is not finite is null in JSON, which has no NaN, and comes back as NaN; the rest comes back exactly."""
    curve = LearningCurve(train_loss=(0.1, math.inf, math.nan), select_loss=(1 / 3, 2.0, 3.0))
    text = json.dumps(curve.to_json(), allow_nan=False)
    assert {"train_loss": [0.1, None, None], "select_loss": [1 / 3, 2.0, 3.0]} == json.loads(text)
    back = LearningCurve.from_json(json.loads(text))
    assert curve.select_loss == back.select_loss
    assert 0.1 == back.train_loss[0]
    assert all(math.isnan(value) for value in back.train_loss[1:])


def test_a_curve_of_another_version_is_read() -> None:
    """Unknown parts are ignored, lacking or null ones are empty."""
    assert LearningCurve(train_loss=(1.0,)) == LearningCurve.from_json(
        {"train_loss": [1], "select_loss": None, "gradient_norm": [2]}
    )


@pytest.mark.parametrize(
    ("state", "finished"),
    [("complete", True), ("pruned", True), ("running", False), ("waiting", False), ("fail", False)],
)
def test_complete_and_pruned_trials_are_finished(state, finished) -> None:
    """Only these count towards `--trials`."""
    assert finished == TrialRecord(0, state, "cosine").finished


def test_a_record_cannot_be_changed() -> None:
    """Every later room reads the same record."""
    with pytest.raises(FrozenInstanceError):
        TrialRecord(0, "complete", "cosine").value = 1.0  # type: ignore[misc]


def test_mean_and_sd_are_of_what_is_finite() -> None:
    """A diverged run's loss does not spoil the mean of the others, and too few values give None."""
    assert (2.0, 2**0.5) == pytest.approx(mean_and_sd([1.0, float("nan"), 3.0, float("inf")]))
    assert (1.0, None) == mean_and_sd([1.0, float("nan")])
    assert (None, None) == mean_and_sd([float("nan")])


@settings(deadline=None)  # a busy machine is no failure
@given(arrays(np.float32, st.integers(1, 100), elements=st.sampled_from([0.0, 1.0])))
def test_packed_scores_come_back(scores) -> None:
    """Eight to a byte, for any number of them."""
    back = unpack_scores(json.loads(json.dumps(pack_scores(scores))))
    assert back is not None
    assert scores.astype(bool).tolist() == back.tolist()


def test_scores_that_are_not_0_or_1_come_back_in_single_precision() -> None:
    """A regression's errors are no bits; what is not finite, damaged or too much is not kept."""
    scores = np.array([0.0, 0.1, -3e5])
    kept = json.loads(json.dumps(pack_scores(scores)))
    assert scores.astype(np.float32).tolist() == unpack_scores(kept).tolist()
    assert unpack_scores({**kept, "test_examples": 4}) is None
    assert {} == pack_scores(np.array([0.5, np.inf])) == pack_scores(np.full(100_001, 0.5))
    assert unpack_scores({}) is None
