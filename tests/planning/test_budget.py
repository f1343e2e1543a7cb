"""A study within a budget of time."""

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from lrsearch.comparison.inference.power import Noise
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.planning import budget
from lrsearch.planning.budget import fit_study
from lrsearch.planning.budgeted_study import BudgetedStudy
from lrsearch.planning.noise import ASSUMED, AssumedNoise, noise_for
from lrsearch.planning.timing import Timing
from tests.confirmation_examples import config_of
from tests.runs.training_examples import STUDY as TOY

LARGE = {"families": ["rex", "step", "constant", "cosine", "linear", "exponential"], "trials": 120}
UNKNOWN = AssumedNoise(ASSUMED, "as there is no pilot", known=False)
SECOND = Timing(epoch_seconds=1.0, start_seconds=0.0, workers=2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch) -> None:
    """Simulate the power a few times only: what is tested are orders of magnitude."""
    monkeypatch.setattr(budget, "_SIMULATIONS", 15)


def fitted(minutes: float | None, *, sd: float = 0.3, **tables: Any) -> BudgetedStudy:
    """Return what a budget holds of a study of six families and 20 blocks, a trial of which takes 12 seconds."""
    config = config_of(**{"search": LARGE, "plan": {"rope": 0.5}, **tables})
    return fit_study(
        prepare_experiment(config, RunOptions(device="cpu")),
        SECOND,
        AssumedNoise(Noise(sd, 0.3), "stated", unit="points"),
        minutes=minutes,
    )


def test_without_a_limit_the_plan_is_that_of_the_study_file() -> None:
    """It is told with its time and with what it detects: 12 epochs x (120 trials + 6 x 20 runs) / 2, and two starts."""
    planned = fitted(None)
    assert (planned.config, ()) == (config_of(search=LARGE, plan={"rope": 0.5}), planned.reductions)
    assert 12 * (120 + 120) / 2 + 2 * 12 == planned.seconds
    assert (
        "6 families x 20 trials x 12 epochs, then 20 seeds: 240 runs, about 24 minutes on 2 processes; diff"
        in planned.sentence
    )
    assert f"differences above {planned.detectable:.2g} points will be seen with power 0.8 (stated)" in planned.sentence


def test_blocks_are_bought_until_the_power_is_there_and_the_rest_is_for_trials() -> None:
    """A small scatter needs few blocks, a large one takes what eight trials of a family leave."""
    little, much = fitted(12, sd=0.1), fitted(12, sd=2.0)
    assert little.config.plan.blocks < much.config.plan.blocks
    assert little.config.search.trials > much.config.search.trials >= 6 * 8
    assert (little.power_at_rope or 0) >= 0.8
    for planned in (little, much):
        assert planned.seconds <= 12 * 60
        assert 6 == len(planned.config.search.families)
        assert any("seeds instead of 20" in words for words in planned.reductions)


def test_families_are_left_out_and_then_epochs_each_in_words() -> None:
    """The well-known families stay; what is less is told."""
    four = fitted(5)
    assert ("constant", "cosine", "linear") == tuple(
        f for f in four.config.search.families if f in ("constant", "cosine", "linear")
    )
    assert (4, 12) == (len(four.config.search.families), four.config.epochs)
    assert "4 of 6 families: rex, constant, cosine, linear" in four.reductions
    shorter = fitted(3.5)
    assert 6 == shorter.config.epochs
    assert "6 epochs instead of 12" in shorter.reductions


def test_what_does_not_hold_the_smallest_sound_plan_is_refused_with_that_plan() -> None:
    """Families, trials, epochs, blocks, power and time are named, and the minutes that would do."""
    with pytest.raises(
        InputError, match=r"--minutes 1 does not hold .*: 4 families x 5 trials x 6 epochs, then 6 seeds"
    ) as refused:
        fitted(1)
    assert "power 0." in str(refused.value)
    needed = int(str(refused.value).partition("give --minutes ")[2].partition(" ")[0])
    assert 60 * needed >= fitted(needed).seconds


@pytest.mark.parametrize("tables", [{"plan": {"looks": [10, 20]}}, {"search": {**LARGE, "replicates": 8}}])
def test_a_plan_that_was_written_for_one_size_is_not_made_smaller(tables) -> None:
    """Interim analyses and replicates fix the numbers: they fit as they are, or not at all."""
    assert fitted(None, **tables).config == fitted(10_000, **tables).config
    with pytest.raises(InputError, match="smallest sound plan"):
        fitted(10, **tables)


def test_runs_keep_their_length_and_their_scatter_is_not_known() -> None:
    """A run cannot be shortened; search and confirmation have half the time each, and differences are in SDs."""
    toy = prepare_experiment(
        StudyConfig.from_dict(tomllib.loads(TOY)).changed({"search.trials": 40, "plan.blocks": 40})
    )
    noise = noise_for(toy, UNKNOWN)
    assert "times the scatter between seeds" == noise.unit
    planned = fit_study(toy, Timing(1.0, 2.0, workers=1), noise, minutes=4)
    assert planned.power_at_rope is None
    assert planned.confirm_seconds <= 120
    assert planned.seconds <= 240
    assert 4 == planned.config.epochs
    assert f": {planned.runs} runs, about 4 minutes with 1 at a time; differences" in planned.sentence
    with pytest.raises(InputError, match="2 families x 5 trials x 4 reports, then 6 seeds"):
        fit_study(toy, Timing(1.0, 2.0, workers=1), noise, minutes=1)


def test_accuracies_scatter_as_their_test_examples_let_them() -> None:
    """The SD of a proportion at an error rate of 5 %, as few test examples give it."""
    experiment = prepare_experiment(config_of(), RunOptions(device="cpu"))
    examples = len(experiment.dataset.test_y)
    assumed = noise_for(experiment, UNKNOWN)
    assert assumed.noise.sd == pytest.approx(max(0.25, 100 * (0.05 * 0.95 / examples) ** 0.5))
    assert assumed.source.endswith("test examples, as there is no pilot")
    measured = AssumedNoise(Noise(0.7, 0.2), "measured")
    assert replace(measured, unit="points") == noise_for(experiment, measured)
    with pytest.raises(InputError, match="all scores of the table are from 0 to 1, and accuracy is in points here"):
        noise_for(experiment, replace(measured, of_fractions=True))
