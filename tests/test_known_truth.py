"""The study whose answer is known is the problem whose optima are known."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np

from lrsearch.config import StudyConfig
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.workloads.quadratic import NoisyQuadratic

FOLDER = Path(__file__).parent.parent / "studies" / "benchmarks"


def test_the_study_is_the_case_of_its_optima(monkeypatch) -> None:
    """The same spaces, updates and problem; the kept optimum has the loss that it is kept with."""
    monkeypatch.syspath_prepend(str(FOLDER))
    cases, known = import_module("sampler_cases"), import_module("known_truth")
    experiment = prepare_experiment(StudyConfig.load("quadratic"))
    assert cases.STEPS == experiment.total_steps
    fixed = experiment.config.parameters
    assert (8,) == fixed["batch"]
    for family in experiment.config.search.families:
        searched = experiment.space.distributions(family)
        assert cases.space().distributions(family) == {name: searched[name] for name in searched if name not in fixed}
    optimum = cases.optima(known.CASE)["linear"]
    kept = json.loads(cases.OPTIMA.read_text())[known.CASE.name]["linear"]["params"]
    rates = experiment.schedule({"family": "linear", **kept}).lr(np.arange(cases.STEPS))
    exact = NoisyQuadratic(spectrum=1.0, batch=8).expected_loss(rates)
    assert abs(10 ** (-optimum / 10) - exact) < 1e-5
