"""The curves of a candidate over its runs."""

import numpy as np

from lrsearch.metric import Metric
from lrsearch.report.curves import distinct_rates, learning_data
from lrsearch.schedules import make_schedule
from tests.report.report_helpers import EPOCHS, STEPS, curve, trial

ACCURACY = Metric()


def test_plateau_is_drawn_from_its_own_losses():
    """Two runs of one reduce_on_plateau have two rate curves where their losses differ, and one where not."""
    schedule = make_schedule("reduce_on_plateau", total_steps=EPOCHS * STEPS, base_lr=0.4, factor=0.5, patience=0)
    falling = trial(0, "reduce_on_plateau", 0.9, schedule=schedule.params())
    stuck = trial(1, "reduce_on_plateau", 0.9, schedule=schedule.params(), curve=curve(0.9))
    stuck = trial(1, "reduce_on_plateau", 0.9, schedule=schedule.params(), curve=_flat(stuck.curve))
    both = distinct_rates([falling, stuck], epochs=EPOCHS)
    assert 2 == len(both)
    assert 0.4 == both[0][1].rates[-1]
    assert 0.1 == both[1][1].rates[-1]
    assert 1 == len(distinct_rates([falling, falling], epochs=EPOCHS))


def _flat(kept):
    values = kept.to_json() | {"select_loss": [1.0] * EPOCHS}
    return type(kept).from_json(values)


def test_bands_are_the_mean_and_one_sd_over_the_runs_that_were_there():
    """Mean and SD agree with NumPy; a run that diverged counts for the epochs it had."""
    runs = [trial(0, "a", 0.8), trial(1, "a", 0.9), trial(2, "a", 0.7, curve=curve(0.7, 2))]
    candidate = learning_data("a", runs, epochs=EPOCHS, metric=ACCURACY)
    assert candidate is not None
    last = np.array([80.0, 90.0])
    np.testing.assert_allclose(candidate.score.mean[-1], last.mean())
    np.testing.assert_allclose(candidate.score.high[-1] - candidate.score.mean[-1], last.std(ddof=1))
    first = 100 * np.array([run.curve.report_accuracy[0] for run in runs])
    np.testing.assert_allclose(candidate.score.mean[0], first.mean())
    np.testing.assert_allclose(candidate.score.mean[0] - candidate.score.low[0], first.std(ddof=1))
    assert 3 == candidate.runs


def test_a_candidate_without_any_curve_is_left_out():
    """Records of an older version, which kept no curve, give no figure rather than an error."""
    assert learning_data("a", [trial(0, "a", 0.8, curve=curve(0.8, 0))], epochs=EPOCHS, metric=ACCURACY) is None
