"""From a study to a document: what it holds, in every format, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.export import FORMATS, best_trials, configuration, exported
from lrsearch.schedules import schedule_from_params
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy
from tests.export.documents import STUDY


def test_the_document_is_the_best_trial_and_what_produced_it(source):
    """Every table holds what the storage holds of that trial."""
    [(part, trial)] = best_trials(source)
    best = max(part.records, key=lambda record: record.value)
    document = configuration(source, part, trial)
    assert best.number == trial.number == document["provenance"]["trial"]
    assert best.value == document["scores"]["search_value"]
    assert best.schedule == document["schedule"] == schedule_from_params(document["schedule"]).params()
    assert {"name": "sgd", "momentum": 0.5, "nesterov": False, "weight_decay": 0.0} == document["optimizer"]
    seeds = {"split": part.attributes.split_seed, "init": best.init_seed}
    assert seeds == {name: document["training"]["seeds"][name] for name in seeds}
    assert (2, STUDY["workload"]) == (document["training"]["epochs"], document["training"]["workload"])
    assert {"dataset", "batch_size"}.isdisjoint(document["training"])  # the workload's own
    assert part.attributes.data_fingerprint == document["provenance"]["data_fingerprint"]


def test_scores_of_a_confirmation_have_a_t_interval(source):
    """Mean, SD and interval are those of SciPy over the blocks of that configuration."""
    [(part, trial)] = best_trials(source, "cosine")
    scores = configuration(source, part, trial)["scores"]["confirmation"]
    values = [run.value for run in source.confirmation.runs if run.family == "cosine"]
    assert 6 == len(values) == scores["blocks"]
    mean, sd = np.mean(values), np.std(values, ddof=1)
    expected = stats.t.interval(0.95, 5, loc=mean, scale=sd / np.sqrt(6)) if sd else (mean, mean)
    assert pytest.approx((mean, sd, *expected)) == tuple(scores[name] for name in ("mean", "sd", "low", "high"))


def test_a_trial_that_was_not_confirmed_has_no_confirmation(source):
    """The second best of a family is another configuration."""
    _, (part, second) = best_trials(source, "cosine", top=2)
    assert "confirmation" not in configuration(source, part, second)["scores"]


def test_a_baseline_is_exported_as_it_was_confirmed(source):
    """An entry of the confirmation, by its name: its schedule by the epoch, late as it was, and its block's seeds."""
    [(part, trial)] = best_trials(source, "flat")
    document = configuration(source, part, trial)
    assert ("epoch", 0.2, 2) == (
        document["training"]["interval"],
        document["schedule"]["lag_lr"],
        document["training"]["epochs"],
    )
    assert document["training"]["seeds"]["split"] == trial.split_seed
    assert "search_value" not in document["scores"]
    assert 6 == document["scores"]["confirmation"]["blocks"]


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """Search and confirm a metric of its own that is to be small; return the source."""
    url = f"sqlite:///{tmp_path_factory.mktemp('regression')}/study.db"
    changes = {"name": "error", "workload": "tests.workload_examples:regression", "baseline": []}
    changes |= {"ranges": {"base_lr": {"low": 0.001, "high": 0.02}, "warmup_steps": {"low": 0, "high": 0}}}
    config = StudyConfig.from_dict({**STUDY, **changes, "search": {**STUDY["search"], "families": ("constant",)}})
    options = RunOptions(storage=url, device="cpu", workers=1)
    run_search(config, options)
    run_confirm(config, options, blocks=6)
    return StoredStudy.open(url)


@pytest.mark.parametrize("form", FORMATS)
def test_a_metric_that_is_to_be_small_is_exported_under_its_name(regression, form):
    """Its name, its direction and its interval are in every format, and the best is the smallest."""
    [(part, trial)] = best_trials(regression)
    assert min(r.value for r in part.records if r.value is not None) == trial.value
    scores = configuration(regression, part, trial)["scores"]
    assert ("squared error", "minimize", trial.value) == tuple(
        scores[name] for name in ("metric", "direction", "search_value")
    )
    confirmed = scores["confirmation"]
    assert confirmed["low"] < confirmed["mean"] < confirmed["high"]
    [text] = exported(regression, form).values()
    for value in ("squared error", "minimize", repr(confirmed["low"]), repr(confirmed["high"])):
        assert value in text


@pytest.mark.parametrize(("steps", "epochs"), [(101, 11), (40, 4), (1, 1)])
def test_another_budget_keeps_every_fraction(source, steps, epochs):
    """--steps is scaled_to; the epochs are as many as it takes (an epoch has ten updates here)."""
    [(part, trial)] = best_trials(source, "step")
    document = configuration(source, part, trial, steps=steps)
    original = schedule_from_params(trial.schedule)
    assert original.scaled_to(steps).params() == document["schedule"]
    assert (epochs, 20) == (document["training"]["epochs"], document["provenance"]["rescaled_from_total_steps"])
    assert 20 == document["scores"]["measured_at_total_steps"]
