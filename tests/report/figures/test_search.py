"""The search's figures, from hand-made trials."""

import numpy as np
import optuna
import pytest

from lrsearch.comparison.budget import expected_best
from lrsearch.report.figures.budgets import budget_data, budget_figure
from lrsearch.report.figures.parameters import (
    importance_figure,
    importance_table,
    parallel_data,
    parallel_figure,
    parallel_table,
)
from lrsearch.report.figures.search import (
    ecdf_figure,
    endings_data,
    endings_figure,
    endings_table,
    history_data,
    history_figure,
    history_table,
    values_by_family,
)
from lrsearch.search.importance import FEWEST_TRIALS, family_importances
from tests.report.report_helpers import EPOCHS, trial


def test_best_so_far_is_over_complete_trials_in_their_order():
    """A pruned trial never counts as the best, whatever its value, nor does an unfinished one."""
    search = [
        trial(2, "b", 0.7),
        trial(0, "a", 0.6, state="pruned"),
        trial(1, "a", 0.5),
        trial(3, "a", None, state="running"),
        trial(4, "a", 0.65),
    ]
    history = history_data(search, scale=100.0, maximize=True)
    assert (0, 1, 2, 4) == history.numbers
    assert (None, 50.0, 70.0, 70.0) == history.best
    assert (60.0, 50.0, 70.0, 65.0) == pytest.approx(history.values)
    assert (None, 0.5, 0.5, 0.5) == history_data(search, scale=1.0, maximize=False).best
    rows = history_table([history], "accuracy").rows
    assert [(0, 1, "a", 50.0), (0, 2, "b", 70.0)] == list(rows)


def test_history_marks_pruned_trials_as_open():
    """Every finished trial is drawn once, pruned ones with an open mark."""
    drawn = history_figure(
        [history_data([trial(0, "a", 0.6, state="pruned"), trial(1, "a", 0.5)], scale=1, maximize=True)], "x"
    )
    assert ["circle-open", "circle"] == list(drawn.data[0].marker.symbol)


def test_an_empty_search_has_an_empty_history():
    """A search whose first trials still run gives no figure but no error either."""
    assert () == history_data([trial(0, "a", 0.5, state="running")], scale=1.0, maximize=True).numbers


def test_endings_count_every_trial_once():
    """Complete, pruned by epoch, diverged and unfinished trials add up, and so do the epochs they had."""
    search = [
        trial(0, "a", 0.9),
        trial(1, "a", 0.1, stop_reason="diverged", reported={1: 0.1}),
        trial(2, "a", 0.3, state="pruned", reported={1: 0.2, 2: 0.3}),
        trial(3, "a", None, state="running"),
        trial(4, "b", 0.8),
    ]
    first, second, third = endings_data(search, ("a", "b", "c"), epochs=EPOCHS, scale=100.0, maximize=True)
    assert (1, 1, {2: 1}, 1) == (first.complete, first.diverged, first.pruned, first.unfinished)
    assert (EPOCHS + 1 + 2, 3 * EPOCHS) == (first.epochs, first.epochs_in_full)
    assert (90.0, 50.0) == (first.best, first.median)
    assert (80.0, 1) == (second.best, second.complete)
    assert (None, 0) == (third.best, third.complete)
    drawn = endings_figure([first, second, third])
    assert {"complete", "pruned after epoch 2", "diverged"} == {bar.name for bar in drawn.data}
    assert 4 == sum(sum(bar.x) for bar in drawn.data)
    assert "1 after epoch 2" in endings_table([first], "accuracy").rows[0]


def test_ecdf_is_the_share_of_complete_trials_at_or_below():
    """The drawn steps agree with counting; pruned trials are not among them."""
    trials = [trial(n, "a", v) for n, v in enumerate((0.3, 0.1, 0.2, 0.2))] + [trial(9, "a", 0.9, state="pruned")]
    values = values_by_family(trials, scale=1.0)
    assert {"a": [0.1, 0.2, 0.2, 0.3]} == values
    line = ecdf_figure(values, "x").data[0]
    at = {x: max(y for u, y in zip(line.x, line.y, strict=True) if u == x) for x in line.x}
    assert {0.1: 0.25, 0.2: 0.75, 0.3: 1.0} == at


def test_budget_curves_draw_no_band_without_both_limits():
    """The line is the U-statistic at every k; the band ends where the median best of k has no upper limit."""
    values = {"a": np.random.default_rng(0).normal(size=40).tolist()}
    curve = budget_data(values, maximize=True, alpha=0.05)["a"]
    band, line = budget_figure({"a": curve}, "x").data
    assert 40 == line.x[-1]
    assert [expected_best(values["a"], k) for k in line.x] == pytest.approx(list(line.y))
    assert max(band.x) <= 40 / 5.3
    assert all(np.isfinite(band.y))


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
    data = parallel_data(trials, ranges, metric="accuracy", scale=100.0, maximize=True)
    assert data is not None
    np.testing.assert_allclose(data.lines, [[0.5, 0.5, 1.0], [1.0, 1.0, 0.5], [0.0, 0.0, 0.0]], atol=1e-12)
    assert ("base_lr", "decay_shape", "accuracy") == data.axes
    assert ("0.01", "linear", "50") == data.lowest
    assert 3 == len(parallel_figure(data).data)
    assert (0.1, "cosine", 90.0) == parallel_table(data).rows[0]
    assert parallel_data([], ranges, metric="accuracy", scale=1.0, maximize=True) is None


def test_importance_finds_the_parameter_that_decides():
    """The parameter that the value depends on gets nearly all of the share; a family with few trials gets none."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(t):
        family = t.suggest_categorical("family", ["a", "few"])
        rate, noise = t.suggest_float("rate", 0, 1), t.suggest_float("noise", 0, 1)
        return rate + 0 * noise + (family == "few")

    for number in range(60):
        study.enqueue_trial({"family": "few" if number < FEWEST_TRIALS - 1 else "a"})
    study.optimize(objective, n_trials=60)
    shares = family_importances([study])
    assert {"a"} == set(shares)
    assert shares["a"]["rate"] > 0.8
    assert 1.0 == pytest.approx(sum(shares["a"].values()))
    assert ["a"] == list(importance_figure(shares).data[0].y)
    assert importance_table(shares).rows[0][1].startswith("rate")
