"""A family is one class and one line in FAMILIES: a fourteenth one, made up here, comes into everything."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import optuna
import pytest
import torch

from lrsearch import suggest_schedule, to_torch
from lrsearch.__main__ import main
from lrsearch.config import StudyConfig
from lrsearch.experiment.space import study_space
from lrsearch.export import FORMATS
from lrsearch.report.preview import preview_html
from lrsearch.schedules import FAMILIES, Prior, Range, Shape, describe_family, make_schedule, resolve_ranges
from lrsearch.schedules.family import FloatArray
from lrsearch.schedules.parameters import FinalLr, Parameter, Span
from lrsearch.schedules.priors import FINAL_LR
from tests.export.documents import assert_same_rates, example, refusal
from tests.export.libraries import READERS
from tests.schedules import test_conformance


@dataclass(frozen=True)
class Hyperbola(Shape):
    """A hyperbola down to final_lr, ever steeper at first the larger its bend."""

    final_lr: FinalLr = 0.0
    bend: Annotated[float, Parameter("how steeply it begins", above=True, high=50)] = 3.0

    family = "hyperbola"
    formula = "r + (1 - r) (1 - x) / (1 + bend x)"
    source = "made up"
    searched = {"final_lr": FINAL_LR, "bend": Prior(0.5, 20.0, log=True)}  # noqa: RUF012
    python = "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n) / (1 + BEND * s / n)"
    optax = """\
x = lambda count: jnp.clip(count / (TOTAL_STEPS - WARMUP_STEPS), 0, 1)
schedule = lambda count: FINAL_LR + (BASE_LR - FINAL_LR) * (1 - x(count)) / (1 + BEND * x(count))"""

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the formula."""
        x, r = s / span.steps, self.final_lr / span.base_lr
        return r + (1.0 - r) * (1.0 - x) / (1.0 + self.bend * x)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """Register it: the one line."""
    monkeypatch.setitem(FAMILIES, "hyperbola", Hyperbola)


def promises() -> dict[str, Any]:
    """Return every test of the conformance suite that takes a family."""
    tests = {name: test for name, test in vars(test_conformance).items() if name.startswith("test_")}
    return {name: test for name, test in tests.items() if "family" in inspect.signature(test).parameters}


@pytest.mark.parametrize("promise", promises())
def test_it_keeps_what_every_family_promises(promise):
    """The conformance suite holds for it, each test of it drawing its parameters by their rules."""
    promises()[promise](family="hyperbola")


def test_it_is_searched():
    """A study file that names no families searches it, from the ranges that it says, in any sampler's trials."""
    assert resolve_ranges("hyperbola", {}, total_steps=100, epochs=10, momentum=0.0)["bend"] == Range(
        0.5, 20.0, log=True
    )
    space = study_space(StudyConfig.from_dict({"ranges": {"bend": {"high": 10.0}}}), steps_per_epoch=10)
    assert "hyperbola" in space.families
    assert space.distributions("hyperbola")["bend"].high == 10.0
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    schedule = suggest_schedule(study.ask(), total_steps=100, families=["hyperbola"])
    assert isinstance(schedule.shape, Hyperbola)


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_exported_or_refused(form):
    """Every format has its exact rates, or says in one line that the library has no such family."""
    schedule = example("hyperbola")
    reason = refusal(schedule, form)
    assert bool(reason) == (form in ("hf", "timm"))
    if reason:
        assert "cannot express this hyperbola exactly: it has no such schedule" in reason
        return
    steps = schedule.total_steps
    assert_same_rates(schedule.lr(np.arange(steps)), READERS[form](schedule, steps), schedule.base_lr)


def test_it_is_shown(capsys):
    """The list of families, the preview of a study and a notebook have it."""
    assert 0 == main(["families", "--format", "json"])
    shown = json.loads(capsys.readouterr().out)[-1]
    assert ("hyperbola", Hyperbola.formula, "made up") == (shown["family"], shown["formula"], shown["source"])
    assert "how steeply it begins" in shown["parameters"]["bend"] == describe_family("hyperbola").parameters["bend"]
    assert "0.5 .. 20 (log)" == shown["ranges"]["bend"]
    page = preview_html(StudyConfig.from_dict({"search": {"families": ["hyperbola"]}, "training": {"epochs": 2}}))
    assert Hyperbola.formula in page
    assert "<svg" in example("hyperbola")._repr_html_()


def test_it_trains_in_a_loop():
    """to_torch gives its rates."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    to_torch(make_schedule("hyperbola", total_steps=10, base_lr=0.5), optimizer)
    assert 0.5 == optimizer.param_groups[0]["lr"]
