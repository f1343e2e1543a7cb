"""Features of the curve by hand, ranges to the unit scale and back."""

import math

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from lrsearch.experiment.space import Space
from lrsearch.schedules import FAMILIES, default_families, reads_metric
from lrsearch.search.gp.features import CurveFeatures, from_unit, is_known_beforehand, to_unit
from tests.search.sampling_helpers import make_space, plain_space

LINEAR = {"family": "linear", "base_lr": 0.5, "warmup_steps": 0, "final_lr": 1e-5}


def test_the_features_of_a_line_by_hand() -> None:
    """Means over the parts of the curve, as logarithms on the scale of base_lr's range, 0.01 .. 1."""
    space = make_space(("linear",), total_steps=200)
    rates = space.schedule(LINEAR).epoch_lr(0, 200)
    parts = [rates[:1].repeat(2), rates, rates[:20], rates[-5:], rates[-20:], rates[-60:]]
    expected = [math.log(part.mean()) / math.log(100) for part in parts]
    np.testing.assert_allclose(CurveFeatures(space)([LINEAR])[0], expected, rtol=1e-12)


def test_a_long_run_has_the_features_of_a_short_one() -> None:
    """Features count in fractions of the run, up to the width of a step; a run of one step has them too."""
    short, long = (CurveFeatures(make_space(("linear",), total_steps=steps)) for steps in (400, 40_000))
    np.testing.assert_allclose(short([LINEAR]), long([LINEAR]), atol=0.03)
    single = make_space(("constant",), total_steps=1)
    params = {"family": "constant", "base_lr": 1.0, "warmup_steps": 0}
    assert CurveFeatures(single)([params]).tolist() == [[0.0] * 6]


def test_rates_far_below_the_range_are_alike() -> None:
    """Below a thousandth of the highest rate nothing is told apart; a range of one rate is a range."""
    fixed = make_space(("linear",), overrides={"base_lr": {"low": 0.5, "high": 0.5}})
    low = make_space(("constant",), overrides={"base_lr": {"low": 1e-9}})
    features = CurveFeatures(low)([{"family": "constant", "base_lr": 1e-8, "warmup_steps": 0}])
    np.testing.assert_allclose(features, math.log(1e-3) / math.log(1e9))
    assert np.all(np.isfinite(CurveFeatures(fixed)([LINEAR])))


def test_searched_settings_are_columns_and_momentum_scales_the_rates() -> None:
    """A rate of 0.1 with momentum 0.9 stands where 1.0 does without; each setting has a column, a choice several."""
    settings: dict[str, BaseDistribution] = {
        "momentum": FloatDistribution(0.0, 0.9),
        "weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
        "kind": CategoricalDistribution(("a", "b")),
    }
    space = make_space(("constant",), momentum=0.9, beside=settings)
    features = CurveFeatures(space)
    common = {"family": "constant", "warmup_steps": 0, "weight_decay": 1e-4, "kind": "b"}
    heavy = features([{**common, "base_lr": 0.01, "momentum": 0.9}])[0]
    plain = features([{**common, "base_lr": 0.1, "momentum": 0.0}])[0]
    assert len(features) == len(heavy) == 10
    np.testing.assert_allclose(heavy[:6], plain[:6])
    np.testing.assert_allclose(heavy[6:], [1.0, 0.5, 0.0, 1.0])


def test_which_curves_are_known_beforehand() -> None:
    """All but that of the family that reads a metric, and of families that make no schedules."""
    assert not is_known_beforehand(plain_space(), "a")
    space = make_space(default_families())
    assert [f for f in space.families if not is_known_beforehand(space, f)] == ["reduce_on_plateau"]


@pytest.mark.parametrize("family", [name for name in FAMILIES if not reads_metric(name)])
def test_every_place_of_a_range_is_a_value_and_back(family: str) -> None:
    """Corners, the middle and random places of every family make a schedule, and a value finds its place again."""
    space: Space = make_space((family,))
    distributions = space.distributions(family)
    features = CurveFeatures(space)
    for units in [*np.random.default_rng(0).random((20, len(distributions))), *np.eye(len(distributions))]:
        pairs = zip(distributions.items(), units.tolist(), strict=True)
        params = {name: from_unit(distribution, unit) for (name, distribution), unit in pairs}
        assert np.all(np.isfinite(features([{"family": family, **params}])))
        for name, distribution in distributions.items():
            assert from_unit(distribution, to_unit(distribution, params[name])) == pytest.approx(params[name])


def test_whole_numbers_are_equally_likely() -> None:
    """Each of 2 .. 4 takes a third of the unit scale; a value out of its range is at the end of it."""
    cycles = IntDistribution(2, 4)
    assert np.bincount([from_unit(cycles, unit) for unit in np.linspace(0, 1, 300)])[2:].tolist() == [100, 100, 100]
    assert to_unit(FloatDistribution(1e-5, 1e-2, log=True), 0.0) == 0.0
    assert to_unit(cycles, 9) == 1.0
