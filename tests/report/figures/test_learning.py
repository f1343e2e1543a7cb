"""Rates and learning curves as they are drawn."""

import numpy as np
import pytest

from lrsearch.report.figures.learning import entry_figure, entry_table, learning_data, overview_table, run_rates
from lrsearch.report.figures.schedules import best_samples, own_parameters
from lrsearch.report.rates import rate_curve
from lrsearch.schedules import PerEpoch, make_schedule
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.storage.attributes import StudyAttributes
from tests.report.report_helpers import EPOCHS, STEPS, curve, small_config, trial


def test_thinned_rates_keep_both_sides_of_a_jump():
    """Of 11,700 rates few are drawn, each is exact to four digits, and a milestone's jump stays one step wide."""
    schedule = make_schedule("multistep", total_steps=11_700, base_lr=0.3, milestones=(4321,), gamma=0.1)
    drawn = rate_curve(schedule, epochs=30)
    assert len(drawn.rates) < 300
    steps = np.round(drawn.epochs * 390).astype(int)
    np.testing.assert_allclose(drawn.rates, schedule.lr(steps), rtol=1e-3)
    assert {4320, 4321} <= set(steps.tolist())


def test_rates_stepped_once_per_epoch_are_drawn_as_steps():
    """Each epoch of a PerEpoch schedule has its rate from its beginning to its end, its lag included."""
    schedule = PerEpoch(make_schedule("square_root", total_steps=3, base_lr=0.1, timescale=1), lag_lr=0.3)
    drawn = rate_curve(schedule, epochs=3)
    assert [0, 1, 1, 2, 2, 3] == drawn.epochs.tolist()
    np.testing.assert_allclose(drawn.rates, [0.3, 0.3, 0.1, 0.1, 0.1 / 2**0.5, 0.1 / 2**0.5], rtol=1e-3)
    np.testing.assert_allclose(drawn.at_end, [0.3, 0.1, 0.1 / 2**0.5])


def test_the_rate_at_the_end_of_an_epoch_is_that_of_its_last_update():
    """A milestone at the very beginning of the second epoch leaves the first one's last rate alone."""
    schedule = make_schedule("multistep", total_steps=1500, base_lr=0.3, milestones=(500,), gamma=0.1)
    np.testing.assert_allclose(rate_curve(schedule, epochs=3).at_end, [0.3, 0.03, 0.03])


def test_plateau_is_drawn_from_its_own_losses():
    """Two runs of one reduce_on_plateau have two rate curves where their losses differ, and one where not."""
    schedule = make_schedule("reduce_on_plateau", total_steps=EPOCHS * STEPS, base_lr=0.4, factor=0.5, patience=0)
    falling = trial(0, "reduce_on_plateau", 0.9, schedule=schedule.params())
    stuck = trial(1, "reduce_on_plateau", 0.9, schedule=schedule.params(), curve=curve(0.9))
    stuck = trial(1, "reduce_on_plateau", 0.9, schedule=schedule.params(), curve=_flat(stuck.curve))
    both = run_rates([falling, stuck], epochs=EPOCHS)
    assert 2 == len(both)
    assert 0.4 == both[0].rates[-1]
    assert 0.1 == both[1].rates[-1]
    assert 1 == len(run_rates([falling, falling], epochs=EPOCHS))


def _flat(kept):
    values = kept.to_json() | {"select_loss": [1.0] * EPOCHS}
    return type(kept).from_json(values)


def test_bands_are_the_mean_and_one_sd_over_the_runs_that_were_there():
    """Mean and SD agree with NumPy; a run that diverged counts for the epochs it had."""
    runs = [trial(0, "a", 0.8), trial(1, "a", 0.9), trial(2, "a", 0.7, curve=curve(0.7, 2))]
    entry = learning_data("a", runs, epochs=EPOCHS, scale=100.0)
    assert entry is not None
    last = np.array([80.0, 90.0])
    np.testing.assert_allclose(entry.score.mean[-1], last.mean())
    np.testing.assert_allclose(entry.score.high[-1] - entry.score.mean[-1], last.std(ddof=1))
    first = 100 * np.array([run.curve.report_accuracy[0] for run in runs])
    np.testing.assert_allclose(entry.score.mean[0], first.mean())
    np.testing.assert_allclose(entry.score.mean[0] - entry.score.low[0], first.std(ddof=1))
    assert 3 == entry.runs


@pytest.mark.parametrize(("test", "part"), [(True, "test"), (False, "report")])
def test_curves_show_the_test_set_only_where_it_was_read_every_epoch(test, part):
    """Without a test curve the report part is shown, which nothing was chosen by."""
    entry = learning_data("a", [trial(0, "a", 0.8, curve=curve(0.8, test=test))], epochs=EPOCHS, scale=1.0)
    assert entry is not None
    assert part == entry.part
    assert any(trace.name == f"{part} loss" for trace in entry_figure(entry, "#123456").data)


def test_an_entry_without_any_curve_is_left_out():
    """Records of an older version, which kept no curve, give no figure rather than an error."""
    assert learning_data("a", [trial(0, "a", 0.8, curve=curve(0.8, 0))], epochs=EPOCHS, scale=1.0) is None


def test_tables_end_at_the_last_epoch():
    """The table beside the curve ends with the last epoch's means and rate."""
    entry = learning_data("a", [trial(0, "a", 0.8), trial(1, "a", 0.9)], epochs=EPOCHS, scale=100.0)
    assert entry is not None
    assert (str(EPOCHS), "0.250", "0.250", "85.00", "0.1000") == entry_table(entry, "accuracy").cells[-1]
    assert ("a", "2", "85.00", "7.071", "0.2500", "0.2500") == overview_table([entry], "accuracy").cells[0]


def test_the_best_of_each_family_are_drawn_the_best_family_first():
    """One schedule a family, under its name."""
    search = StudyPart("s", small_config(), StudyAttributes(), read=lambda: [trial(0, "a", 0.9), trial(1, "b", 0.95)])
    best = StoredStudy("s", (search,)).best_by_family()
    assert ["b", "a"] == [sample.name for sample in best_samples(best, epochs=EPOCHS)]


def test_own_parameters_leave_out_what_says_nothing():
    """The family, the length of the run and a warm-up of 0 are not shown; a final rate of 0 is."""
    schedule = make_schedule("cosine", total_steps=40, base_lr=0.1, final_lr=0.0).params()
    assert {"base_lr", "final_lr"} <= own_parameters(schedule).keys()
    assert not {"family", "total_steps", "warmup_steps"} & own_parameters(schedule).keys()
    warm = make_schedule("cosine", total_steps=40, base_lr=0.1, final_lr=0.0, warmup_steps=5).params()
    assert 5 == own_parameters(warm)["warmup_steps"]
