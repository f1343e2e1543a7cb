"""What is exported for transformers, timm and optax is run with them and has the searched rates, or is refused."""

from __future__ import annotations

import re
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from lrsearch.errors import InputError
from lrsearch.export import FORMATS, hf, render, timm
from lrsearch.export.source_code import run_rates
from lrsearch.schedules import FAMILIES, PerEpoch, ReduceOnPlateau, schedule_from_sample, step_families
from tests.export.documents import (
    STEPS_PER_EPOCH,
    T,
    assert_same_rates,
    document,
    example,
    refusal,
    run_code,
    sgd,
)
from tests.export.libraries import RATES, optax_rates, timm_rates
from tests.strategies import samples, schedules

EXPRESSED = {
    "hf": tuple(family for family in step_families() if "transformers" in FAMILIES[family].twins),
    "timm": tuple(family for family in step_families() if "timm" in FAMILIES[family].twins),
    "optax": tuple(family for family in step_families() if FAMILIES[family].optax is not None),
}


def variants(family, form):
    """Return examples of a family that the format must express, by what is special in them."""
    suited = {"warmup_begin_lr": 0.01} if (form, family) == ("hf", "warmup_stable_decay") else {}
    found = {"": example(family, **suited)}
    if family != "one_cycle":
        even = {"first_cycle_steps": 70} if family == "cosine_restarts" else {}
        found["no warm-up"] = example(family, warmup_steps=0, **even)
    if form != "hf" and family != "one_cycle":
        found["warm-up from a rate"] = example(family, warmup_begin_lr=0.02)
    if family in ("linear", "cosine"):
        found["down to 0"] = example(family, final_lr=0.0)
    if family == "cosine" and form != "hf":
        found["over before the end"] = example(family, decay_steps=200)
    if family == "cosine_restarts" and form != "hf":
        found["growing cycles"] = example(family, first_cycle_steps=36, cycle_mult=2, final_lr=0.01)
        found["cut off"] = example(family, first_cycle_steps=100)
    if family == "warmup_stable_decay":
        for shape in ("linear", "cosine"):
            found[shape] = example(family, decay_shape=shape, **suited)
    if form == "optax":
        found["rescaled"] = example(family).scaled_to(193)
    return found


CASES = [
    pytest.param(form, schedule, id=f"{form}-{family}{special and ', '}{special}")
    for form, families in EXPRESSED.items()
    for family in families
    for special, schedule in variants(family, form).items()
]


@pytest.mark.parametrize(("form", "schedule"), CASES)
def test_the_real_library_has_the_searched_rates(form, schedule):
    """Each library, given what is exported, has the rates of the whole run and of the step after it."""
    steps = schedule.total_steps + 1
    assert_same_rates(schedule.lr(np.arange(steps)), RATES[form](schedule, steps), schedule.base_lr)


def check_draws(form, family, draws, examples):
    """Hold so many drawn schedules against the library, unless they are refused; return the refusals."""
    seen = []

    @settings(max_examples=examples, deadline=None)
    @given(draws)
    def check(schedule):
        seen.append(refusal(schedule, form))
        if not seen[-1]:
            steps = schedule.total_steps + 1
            assert_same_rates(schedule.lr(np.arange(steps)), RATES[form](schedule, steps), schedule.base_lr)

    check()
    assert family in EXPRESSED[form] or all(seen)


def searched(family):
    """Return a strategy of what a search draws from the default ranges of a family, over 120 steps."""
    return samples(family, total_steps=120, epochs=30).map(
        lambda sample: schedule_from_sample(family, sample, total_steps=120, steps_per_epoch=4)
    )


FEW = {"hf": 6, "timm": 6, "optax": 1}  # optax takes a tenth of a second a curve


@pytest.mark.parametrize("form", RATES)
@pytest.mark.parametrize("family", step_families())
def test_what_is_not_refused_is_exact(form, family):
    """Whatever a family's numbers, the library has its curve, or the export is refused; so too where a search drew."""
    check_draws(form, family, schedules(family, max_steps=60) | searched(family), FEW[form])


@pytest.mark.slow
@pytest.mark.parametrize("form", RATES)
@pytest.mark.parametrize("family", step_families())
def test_what_is_not_refused_is_exact_in_many_draws(form, family):
    """The same, a hundred times."""
    check_draws(form, family, schedules(family, max_steps=60) | searched(family), 100)


@pytest.mark.parametrize("lag_lr", [None, 0.7])
def test_optax_counts_the_updates_of_a_schedule_by_the_epoch(lag_lr):
    """Stepped by the epoch: every update of an epoch has the epoch's rate."""
    schedule = PerEpoch(example("multistep"), lag_lr)
    expected = np.concatenate([schedule.epoch_lr(epoch, STEPS_PER_EPOCH) for epoch in range(T)])
    assert_same_rates(expected, optax_rates(schedule, T * STEPS_PER_EPOCH), schedule.base_lr)


@pytest.mark.parametrize("family", EXPRESSED["timm"])
def test_timm_steps_by_the_epoch_where_the_schedule_does(family):
    """Stepped by the epoch: timm's own way of counting."""
    schedule = PerEpoch(example(family))
    assert_same_rates(schedule.schedule.lr(np.arange(T)), timm_rates(schedule, T), schedule.base_lr)


def compiled_rates(schedule, steps):
    """Return the rates of updates 0 .. steps - 1 as a compiled training step of jax has them, in its float32."""
    pytest.importorskip("optax", reason="optax is in the group `parity`")
    jax = pytest.importorskip("jax", reason="jax comes with optax")
    made = run_code(schedule, "optax")["make_schedule"]()
    rates = jax.jit(lambda: jax.lax.map(lambda count: jax.numpy.float32(made(count)), jax.numpy.arange(steps)))()
    assert rates.dtype == np.float32
    return np.asarray(rates)


@pytest.mark.parametrize("family", step_families())
def test_optax_has_the_rates_under_jit_and_float32(family):
    """Compiled, and in jax's default precision, nothing is off by a step: 1e-5 of the peak."""
    for schedule in (example(family), example(family).scaled_to(193)):
        steps = schedule.total_steps + 1
        np.testing.assert_allclose(compiled_rates(schedule, steps), schedule.lr(np.arange(steps)), rtol=1e-4, atol=3e-6)


@pytest.mark.parametrize("step_size", [41, 82, 121, 131, 242, 337])
def test_optax_drops_in_time_whatever_the_step_size(step_size):
    """A division that is compiled as a product comes out below the whole number at many step sizes."""
    schedule = example("step", total_steps=1000, step_size=step_size)
    np.testing.assert_allclose(compiled_rates(schedule, 1001), schedule.lr(np.arange(1001)), rtol=1e-5)


def test_transformers_drops_on_a_plateau_where_ours_does():
    """reduce_on_plateau without warm-up: its scheduler, given the losses, has our rates."""
    transformers = pytest.importorskip("transformers", reason="transformers is in the group `parity`")
    schedule = ReduceOnPlateau(0.5, 40, factor=0.3, patience=1, min_lr=0.01)
    arguments = run_code(schedule, "hf")["TRAINING_ARGUMENTS"]
    optimizer = sgd(arguments["learning_rate"])
    scheduler = transformers.get_scheduler(
        arguments["lr_scheduler_type"], optimizer, 0, 40, arguments["lr_scheduler_kwargs"]
    )
    losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.9, 0.8, 0.9, 0.9, 0.9]
    for epoch, loss in enumerate(losses):
        expected = schedule.epoch_lr(epoch, 4, losses[:epoch])
        np.testing.assert_allclose(optimizer.param_groups[0]["lr"], expected, rtol=1e-12)
        scheduler.step(loss)


REFUSED = {
    "hf, unknown family": ("hf", example("rex"), "has no such schedule"),
    "hf, warm-up from a rate": (
        "hf",
        example("cosine", warmup_begin_lr=0.02),
        "warm-up begins at 0, this one's at 0.02",
    ),
    "hf, its wsd warms up from the final rate": (
        "hf",
        example("warmup_stable_decay"),
        "begins at 0.01, this one's at 0",
    ),
    "hf, cosine over early": ("hf", example("cosine", decay_steps=200), "after 256 steps, this one after 200"),
    "hf, cycles that grow": ("hf", example("cosine_restarts", cycle_mult=2), "these grow by 2"),
    "hf, cycles to a rate": ("hf", example("cosine_restarts", final_lr=0.1), "cycles end at 0"),
    "hf, uneven cycles": ("hf", example("cosine_restarts", first_cycle_steps=100), "these begin every 100 steps"),
    "hf, by the epoch": ("hf", PerEpoch(example("cosine")), "steps at every update"),
    "hf, plateau after warm-up": ("hf", ReduceOnPlateau(0.5, 40, 5), "has no warm-up, this one has 5 steps"),
    "hf, no decay": ("hf", example("linear", final_lr=0.3), "final rate must be below base_lr = 0.3"),
    "timm, unknown family": ("timm", example("one_cycle"), "has no such schedule"),
    "timm, drops between steps": ("timm", example("step", step_size=70.5), "every 70.5 steps"),
    "timm, cycles between steps": ("timm", example("cosine_restarts", first_cycle_steps=50.5), "take 50.5 steps"),
    "timm, cycles that triple": ("timm", example("cosine_restarts", cycle_mult=3), "misses restarts by a rounding"),
    "timm, decay between steps": ("timm", example("warmup_stable_decay", decay_steps=99.5), "rounds the length"),
    "timm, an epoch late": ("timm", PerEpoch(example("cosine"), 0.3), "this one an epoch late"),
    "timm, plateau": ("timm", ReduceOnPlateau(0.5, 40), "deprecated"),
    "optax, plateau": ("optax", ReduceOnPlateau(0.5, 40), "reads the validation loss"),
    "csv, plateau": ("csv", ReduceOnPlateau(0.5, 40), "depend on the validation loss"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_library_cannot_express_is_refused_with_the_difference(name):
    """The refusal is one line that says what differs and which format can."""
    form, schedule, difference = REFUSED[name]
    message = refusal(schedule, form)
    assert difference in message
    assert "--format python" in message
    assert "\n" not in message


def test_the_exports_know_what_a_family_says_of_itself():
    """The families that transformers and timm are given arguments for are those that name a twin there."""
    assert set(hf._FAMILIES) == set(EXPRESSED["hf"])
    assert set(timm._FAMILIES) == set(EXPRESSED["timm"])
    assert {"constant", "rex", "one_cycle"} < set(EXPRESSED["optax"])


NEAR = {
    "hf, its wsd warms up from the final rate": ("hf", example("warmup_stable_decay")),
    "hf, warm-up from a rate": ("hf", example("linear", warmup_begin_lr=0.02)),
    "hf, cosine over early": ("hf", example("cosine", decay_steps=200)),
    "hf, cycles to a rate": ("hf", example("cosine_restarts", final_lr=0.02)),
    "hf, cycles of uneven length": ("hf", example("cosine_restarts", first_cycle_steps=256 / 3)),
    "hf, cycles that grow": ("hf", example("cosine_restarts", first_cycle_steps=256 / 7, cycle_mult=2, final_lr=0.001)),
    "timm, drops between steps": ("timm", example("step", step_size=70.5)),
    "timm, cycles between steps": ("timm", example("cosine_restarts", first_cycle_steps=50.5)),
    "timm, decay between steps": ("timm", example("warmup_stable_decay", decay_steps=99.5)),
    "timm, an epoch late": ("timm", PerEpoch(example("cosine"), 0.3)),
}


@pytest.mark.parametrize("name", NEAR)
def test_the_nearest_curve_differs_by_what_is_said(name, caplog):
    """--approximate takes it; refusal, warning and file say the largest difference, which the library really has."""
    form, schedule = NEAR[name]
    said = re.search(
        r"--approximate one that (differs by up to (\S+) % of base_lr, (\S+) % on average)$", refusal(schedule, form)
    )
    actual = np.array(RATES[form](schedule, schedule.total_steps, approximate=True))
    apart = 100 * np.abs(actual - run_rates(schedule)) / schedule.base_lr
    stated = (float(said[2]), float(said[3]))
    assert (np.max(apart), np.mean(apart)) == pytest.approx(stated, rel=0.06, abs=1e-6)
    note = f"approximate, {said[1]}, from the searched {schedule.family}"
    assert note in caplog.text
    assert note[1:] in render(document(schedule), form, approximate=True)


@pytest.mark.parametrize(("form", "family"), [("hf", "rex"), ("hf", "step"), ("timm", "one_cycle")])
def test_what_has_nothing_near_stays_refused(form, family):
    """Without a like schedule in the library, --approximate does not help, and is not offered."""
    assert "--approximate" not in refusal(example(family), form)
    with pytest.raises(InputError, match="has no such schedule"):
        render(document(example(family)), form, approximate=True)


def test_what_is_exact_is_not_called_approximate():
    """The flag changes nothing where nothing differs."""
    for form in FORMATS:
        text = render(document(example("cosine")), form)
        assert text == render(document(example("cosine")), form, approximate=True)


OPTIMIZERS = {
    "sgd": ({"name": "sgd", "momentum": 0.9, "weight_decay": 1e-4}, torch.optim.SGD, {"momentum": 0.9}),
    "adamw": ({"name": "adamw", "beta1": 0.8, "eps": 1e-6}, torch.optim.AdamW, {"betas": (0.8, 0.999), "eps": 1e-6}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_transformers_makes_the_optimizer_of_the_trial(name):
    """Its own factory, given the exported arguments, chooses the trial's optimizer and numbers."""
    transformers = pytest.importorskip("transformers", reason="transformers is in the group `parity`")
    table, cls, numbers = OPTIMIZERS[name]
    arguments = run_code(example("cosine"), "hf", optimizer=table)["TRAINING_ARGUMENTS"]
    defaults = {field.name: field.default for field in fields(transformers.TrainingArguments)}
    made = transformers.Trainer.get_optimizer_cls_and_kwargs(SimpleNamespace(**{**defaults, **arguments}))
    assert cls is made[0]
    assert numbers == {key: made[1][key] for key in numbers}
    assert table.get("weight_decay", 0.0) == arguments["weight_decay"]


def test_transformers_is_told_no_optimizer_that_it_lacks():
    """Nesterov momentum has no argument there: the file says to pass the optimizer."""
    table = {"name": "sgd", "momentum": 0.9, "nesterov": True}
    assert "optim" not in run_code(example("cosine"), "hf", optimizer=table)["TRAINING_ARGUMENTS"]
