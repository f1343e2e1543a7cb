"""What every family promises. Registering a family in FAMILIES brings it under these tests."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.errors import InputError
from lrsearch.schedules import (
    FAMILIES,
    PerEpoch,
    default_families,
    describe_family,
    make_schedule,
    schedule_from_params,
    schedule_from_sample,
    step_families,
)
from tests.strategies import middle_sample, plateaus, quick, rates, samples, schedules

every_shape = pytest.mark.parametrize("family", step_families())
every_family = pytest.mark.parametrize("family", FAMILIES)


def shapes(which):
    """Return a mark for those functions of the step of which `which` is true."""
    return pytest.mark.parametrize("family", [name for name in step_families() if which(FAMILIES[name])])


def test_the_registry_names_each_family_as_it_names_itself():
    """The dictionary's keys are the classes' own names; those that a search has by default stay so."""
    assert list(FAMILIES) == [shape.family for shape in FAMILIES.values()]
    assert "reduce_on_plateau" not in step_families()
    thirteen = "constant square_root exponential step multistep linear polynomial cosine cosine_restarts one_cycle"
    thirteen += " warmup_stable_decay rex reduce_on_plateau"
    assert tuple(thirteen.split()) == default_families()[:13]
    assert {"inverse_power", "power_cooldown", "spline", "schedule_free"}.isdisjoint(default_families())


def test_a_parameter_has_one_meaning_and_one_prior_in_all_families():
    """A name that two families share means the same in both, and is searched in the same range."""
    meanings, priors = {}, {}
    for family in FAMILIES.values():
        for name, rule in family.parameters().items():
            told = f"{name} of {family.family} means another thing elsewhere: share it in parameters.py, or rename it"
            assert meanings.setdefault(name, rule.meaning) == rule.meaning, told
        for name, prior in family.priors().items():
            told = f"{name} of {family.family} has another prior elsewhere: share it in priors.py, or rename it"
            assert priors.setdefault(name, prior) == prior, told


@every_shape
@quick
@given(data=st.data())
def test_rates_keep_the_shape_of_the_steps_and_stay_between_zero_and_the_peak(family, data):
    """A float64 array of the shape of the steps, finite, 0 <= lr <= base_lr, also after the end of the run."""
    schedule = data.draw(schedules(family))
    steps = np.arange(2 * schedule.total_steps).reshape(2, -1)
    lr = schedule.lr(steps)
    assert lr.shape == steps.shape
    assert lr.dtype == np.float64
    assert np.all(np.isfinite(lr))
    assert np.all(lr >= 0.0)
    assert np.all(lr <= schedule.base_lr)
    assert np.all(lr[1] == schedule.lr(schedule.total_steps))


@shapes(lambda family: family.takes_warmup and family.family != "spline")  # which goes on at its first factor
@quick
@given(data=st.data())
def test_warm_up_is_a_straight_line_to_the_peak(family, data):
    """From warmup_begin_lr at step 0 in equal rises to exactly base_lr at step warmup_steps, in every family."""
    schedule = data.draw(schedules(family))
    lr = schedule.lr(np.arange(schedule.warmup_steps + 1))
    if schedule.warmup_steps:
        line = np.linspace(schedule.warmup_begin_lr, schedule.base_lr, schedule.warmup_steps + 1)
        np.testing.assert_allclose(lr, line, rtol=1e-12, atol=1e-15 * schedule.base_lr)
    assert schedule.base_lr == lr[-1]


@every_shape
@quick
@given(data=st.data())
def test_one_step_alone_has_the_rate_it_has_in_an_array(family, data):
    """Scalar equals vector, to the bit: a rate is a function of its own step and nothing else."""
    schedule = data.draw(schedules(family, max_steps=60))
    lr = schedule.lr(np.arange(schedule.total_steps))
    assert lr.tolist() == [float(schedule.lr(step)) for step in range(schedule.total_steps)]


@every_shape
@quick
@given(data=st.data())
def test_parameters_survive_json_and_give_an_equal_schedule(family, data):
    """params() is plain JSON, and schedule_from_params gives back an equal schedule with an equal hash."""
    schedule = data.draw(schedules(family))
    again = schedule_from_params(json.loads(json.dumps(schedule.params())))
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert family == schedule.params()["family"] == schedule.family
    assert schedule != schedule_from_params({**schedule.params(), "base_lr": schedule.base_lr * 2})


@quick
@given(plateau=plateaus(), inner=schedules(), lag_lr=st.none() | rates)
def test_the_other_kinds_survive_json_too(plateau, inner, lag_lr):
    """ReduceOnPlateau and PerEpoch round-trip through JSON, equal and with equal hashes."""
    for kind in (plateau, PerEpoch(inner, lag_lr)):
        again = schedule_from_params(json.loads(json.dumps(kind.params())))
        assert kind == again
        assert hash(kind) == hash(again)


@every_shape
@quick
@given(data=st.data())
def test_epochs_cut_the_run_into_pieces(family, data):
    """The rates of the epochs, one after the other, are the rates of the run."""
    schedule = data.draw(schedules(family))
    steps_per_epoch = data.draw(st.integers(1, schedule.total_steps))
    epochs = -(-schedule.total_steps // steps_per_epoch)
    pieces = [schedule.epoch_lr(epoch, steps_per_epoch, [1.0] * epoch) for epoch in range(epochs)]
    assert schedule.lr(np.arange(epochs * steps_per_epoch)).tolist() == np.concatenate(pieces).tolist()


@shapes(lambda family: "final_lr" in family.parameters() and not family.rises)
@quick
@given(data=st.data())
def test_decays_reach_final_lr_at_the_end_of_training(family, data):
    """lr(total_steps) is final_lr (the last update, one step before, is still on its way)."""
    schedule = data.draw(schedules(family))
    np.testing.assert_allclose(
        schedule.lr(schedule.total_steps), schedule.params()["final_lr"], rtol=1e-12, atol=1e-15 * schedule.base_lr
    )


@shapes(lambda family: not family.rises)
@quick
@given(data=st.data())
def test_the_rate_never_rises_after_warm_up(family, data):
    """All families but the two that rise by design fall or stay."""
    schedule = data.draw(schedules(family))
    lr = schedule.lr(np.arange(schedule.warmup_steps, schedule.total_steps + 1))
    assert np.all(np.diff(lr) <= 1e-15 * schedule.base_lr)


@every_shape
@quick
@given(data=st.data(), ratio=st.integers(1, 5))
def test_a_longer_budget_stretches_the_curve(family, data, ratio):
    """scaled_to(k T) has at step k t the rate that the schedule has at step t."""
    schedule = data.draw(schedules(family, max_steps=100))
    scaled = schedule.scaled_to(ratio * schedule.total_steps)
    steps = np.arange(schedule.total_steps + 1)
    assert ratio * schedule.total_steps == scaled.total_steps
    if family == "one_cycle":
        # Its peak is a fraction, rounded to a step anew: the curves differ by at most that rounding of half a step.
        peaks = [np.argmax(s.lr(np.arange(s.total_steps + 1))) / s.total_steps for s in (schedule, scaled)]
        assert abs(peaks[0] - peaks[1]) <= 1.0 / schedule.total_steps
    else:
        np.testing.assert_allclose(
            scaled.lr(ratio * steps), schedule.lr(steps), rtol=1e-9, atol=1e-12 * schedule.base_lr
        )


@every_shape
@quick
@given(data=st.data(), total_steps=st.integers(1, 1000))
def test_every_budget_has_a_schedule(family, data, total_steps):
    """scaled_to never fails on a valid schedule, changes nothing for its own budget, and moves warm-up by < 1 step."""
    schedule = data.draw(schedules(family))
    scaled = schedule.scaled_to(total_steps)
    assert schedule == schedule.scaled_to(schedule.total_steps)
    assert total_steps == scaled.total_steps
    assert abs(scaled.warmup_steps - schedule.warmup_steps * total_steps / schedule.total_steps) <= 1
    assert np.all(np.isfinite(scaled.lr(np.arange(total_steps))))


@quick
@given(first=schedules(), second=schedules())
def test_distance_is_zero_to_itself_symmetric_and_at_most_one(first, second):
    """The largest relative difference: d(a, a) = 0, d(a, b) = d(b, a), within [0, 1]."""
    second = second.scaled_to(first.total_steps)
    assert first.distance(first) == 0.0
    assert first.distance(second) == second.distance(first)
    assert 0.0 <= first.distance(second) <= 1.0


@every_shape
@quick
@given(data=st.data())
def test_distance_measures_a_change_of_scale(family, data):
    """A schedule with all its rates halved is at distance 1/2, in every family."""
    params = data.draw(schedules(family)).params()
    halved = {name: value / 2 if name.endswith("_lr") else value for name, value in params.items()}
    np.testing.assert_allclose(schedule_from_params(params).distance(schedule_from_params(halved)), 0.5, rtol=1e-9)


@every_family
@quick
@given(
    data=st.data(), epochs=st.integers(1, 40), steps_per_epoch=st.integers(1, 30), momentum=st.sampled_from([0, 0.9])
)
def test_whatever_the_ranges_hold_is_a_schedule(family, data, epochs, steps_per_epoch, momentum):
    """Every draw from the default ranges, for any length of run, gives a schedule of its family with the peak drawn."""
    total_steps = epochs * steps_per_epoch
    sample = data.draw(samples(family, total_steps=total_steps, epochs=epochs, momentum=momentum))
    schedule = schedule_from_sample(family, sample, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
    assert family == schedule.family
    assert sample["base_lr"] == schedule.base_lr
    assert total_steps == schedule.total_steps


@every_family
def test_every_searched_name_is_a_name_the_family_knows(family):
    """What is drawn stands for parameters of the family, each of which can be drawn or has a default."""
    sample = middle_sample(family, total_steps=100, epochs=10)
    values = FAMILIES[family].from_sample(sample, 100)
    assert values.keys() <= {"base_lr", "warmup_steps", *describe_family(family).parameters}
    assert schedule_from_sample(family, sample, total_steps=100, steps_per_epoch=10).family == family


@every_family
def test_a_family_says_what_it_is(family):
    """Formula, source and the meaning and rule of every parameter are data."""
    description = describe_family(family)
    assert family == description.family
    assert description.formula
    assert description.source
    for name, rule in FAMILIES[family].parameters().items():
        assert rule.meaning in description.parameters[name]
        assert rule.rule in description.parameters[name]


@every_family
def test_an_unknown_parameter_is_refused_by_name(family):
    """A typo is an error that names it, and what was meant or what the family has."""
    sample = middle_sample(family, total_steps=100, epochs=10)
    params = schedule_from_sample(family, sample, total_steps=100, steps_per_epoch=10).params()
    make_schedule(**params)
    with pytest.raises(InputError, match=f"{family} has no parameter 'warmup'; did you mean 'warmup_steps'"):
        make_schedule(**params, warmup=5)
    with pytest.raises(InputError, match=f"{family} has no parameter 'zzz'; choose from .*total_steps, base_lr"):
        make_schedule(**params, zzz=5)
