"""The preview shows what a study would try, without its data."""

import sys

import numpy as np
import pytest

from lrsearch.config import StudyConfig, built_in_study
from lrsearch.errors import InputError
from lrsearch.experiment.space import study_space
from lrsearch.report.preview import baseline_samples, family_samples, nominal_steps_per_epoch, preview_html
from lrsearch.schedules import FAMILIES
from lrsearch.workloads.images import IMAGE_DATASETS
from tests.report.report_helpers import EVIL, small_config


@pytest.mark.parametrize("study", ["quick", "article", "fashion_lenet"])
def test_every_family_and_every_baseline_is_on_the_page(study):
    """Each shipped study's families have a figure and a table, its fixed schedules their names."""
    config = StudyConfig.load(built_in_study(study))
    html = preview_html(config)
    for family in config.search.families:
        assert f"<h3>{family}</h3>" in html
    for baseline in config.baseline:
        assert baseline.name in html
    figures = len(config.search.families) + bool(config.baseline)
    assert figures == html.count('class="figure"')
    assert figures <= html.count("<table>")


def test_equal_studies_give_equal_pages_and_another_seed_another():
    """The page is a function of the study file, its seed included."""
    config = small_config()
    assert preview_html(config) == preview_html(config)
    assert preview_html(config) != preview_html(config.changed({"seed": 1}))


def test_steps_per_epoch_are_those_of_the_search():
    """The number that needs no data is the one that the loaded data give."""
    from lrsearch.experiment.workload_experiment import WorkloadExperiment

    config = StudyConfig.load(built_in_study("quick"))
    experiment = WorkloadExperiment.prepare(config, device="cpu")
    steps, _ = nominal_steps_per_epoch(config)
    assert experiment.steps_per_epoch == steps
    assert experiment.space.to_json() == study_space(config, steps).to_json()


def test_every_built_in_data_set_has_its_number_of_steps():
    """No data set of the built-in workload is missing, and the default batch size is the workload's."""
    from lrsearch.workloads.fashion_lenet import fashion_lenet

    for dataset in IMAGE_DATASETS:
        config = small_config(data={"dataset": dataset})
        steps, origin = nominal_steps_per_epoch(config)
        assert f"batches of {fashion_lenet(dataset).batch_size}" in origin
        assert steps > 0
    assert 390 == nominal_steps_per_epoch(small_config(data={"dataset": "fashion-mnist"}))[0]


def test_an_own_workload_has_a_nominal_number_of_steps_and_says_so():
    """Neither the workload nor its data is loaded for a preview."""
    config = small_config(workload="no_such_package:function")
    html = preview_html(config)
    assert "a nominal number" in html


def test_samples_lie_in_the_ranges_of_the_study():
    """Every drawn schedule stays between 0 and its base rate, and its base rate in the study's own range."""
    config = small_config(ranges={"base_lr": {"low": 0.2, "high": 0.3}}, search={"families": list(FAMILIES)})
    space = study_space(config, 20)
    for family in FAMILIES:
        for sample in family_samples(config, space, family):
            assert 0.2 <= sample.parameters["base_lr"] <= 0.3
            assert np.all(sample.curve.rates >= 0)
            assert np.all(sample.curve.rates <= 1.001 * sample.parameters["base_lr"])


def test_the_plateau_family_falls_in_a_preview():
    """It is drawn for a loss that never falls, so that its steps can be seen."""
    config = small_config(training={"epochs": 30})
    samples = family_samples(config, study_space(config, 20), "reduce_on_plateau")
    assert all(sample.curve.rates[-1] < sample.curve.rates.max() for sample in samples)


def test_a_study_stepped_by_the_epoch_is_drawn_in_epochs():
    """With interval = "epoch" the rates of a sample are constant within each epoch."""
    config = small_config(training={"epochs": 5, "interval": "epoch"}, search={"families": ["cosine"]})
    (sample, *_) = family_samples(config, study_space(config, 20), "cosine")
    assert 10 == len(sample.curve.rates)
    assert np.array_equal(sample.curve.rates[::2], sample.curve.rates[1::2])


def test_baselines_are_drawn_as_the_study_file_says():
    """The article's square root begins at its lagging rate 0.3 and then falls from 0.1."""
    config = StudyConfig.load(built_in_study("article"))
    samples = {sample.name: sample for sample in baseline_samples(config, 468)}
    rates = samples["square root"].curve.rates
    assert (0.3, 0.1) == (rates[0], rates[2])


def test_names_are_escaped():
    """A name that is HTML stands on the page as text."""
    html = preview_html(small_config())
    assert EVIL not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_too_large_a_batch_is_refused():
    """A batch larger than the data gives a line that names both numbers."""
    with pytest.raises(InputError, match="batch_size must be at most the 1251 examples to fit, got 2000"):
        preview_html(small_config(training={"epochs": 2, "batch_size": 2000}))


@pytest.mark.integration
def test_neither_page_needs_torch():
    """The report room imports no torch, not even through another room."""
    import subprocess

    code = "import sys, lrsearch.report.preview, lrsearch.report.assemble; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
