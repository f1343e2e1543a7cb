"""The plan: what a budget would detect and how long it would take, before anything runs."""

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from lrsearch.comparison.inference.power import Noise, plan_power
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.planning import plan as planning
from lrsearch.planning.noise import ASSUMED, AssumedNoise
from lrsearch.planning.plan import plan_study
from lrsearch.storage import existing_storage
from tests.confirmation_examples import config_of
from tests.runs.training_examples import STUDY as TOY

NOISE = AssumedNoise(Noise(0.25, 0.3), "stated", of_searches=True)
CPU = RunOptions(device="cpu", workers=1)


@pytest.fixture
def quick(monkeypatch) -> None:
    """Simulate the power a few times only, where a test asks for nothing that depends on it."""
    monkeypatch.setattr(
        planning, "plan_power", lambda *given, **named: plan_power(*given, **named | {"simulations": 50})
    )


def test_the_power_is_that_of_the_verdicts_own_procedure() -> None:
    """A row holds what `plan_power` gives for its blocks, families and error rate."""
    config = config_of(plan={"alpha": 0.1, "rope": 0.4})
    (row,) = plan_study(config, CPU, NOISE, blocks=[12]).rows
    alone = plan_power(NOISE.noise, blocks=12, families=3, rng=np.random.default_rng(1), alpha=0.1, simulations=400)
    assert alone.detectable() == pytest.approx(row.detectable, rel=0.1)
    assert alone.power(0.4) == pytest.approx(row.power_at_rope, abs=0.06)
    assert row.detectable_against < row.detectable


def test_more_blocks_detect_less_and_cost_more(quick) -> None:
    """Along the table the detectable difference falls, and the price rises by the entries of a block."""
    baseline = [{"name": "plain", "family": "constant", "base_lr": 0.1}]
    plan = plan_study(config_of(baseline=baseline), CPU, NOISE, blocks=[30, 6, 12, 6])
    assert [6, 12, 30] == [row.blocks for row in plan.rows]
    assert sorted((row.detectable for row in plan.rows), reverse=True) == [row.detectable for row in plan.rows]
    assert [12 * (6 + 4 * blocks) for blocks in (6, 12, 30)] == [row.trial_epochs for row in plan.rows]
    for row in plan.rows:
        assert row.trial_epochs * plan.seconds_per_trial_epoch == pytest.approx(row.seconds)
    halved = plan_study(config_of(), replace(CPU, workers=2), NOISE, blocks=[6])
    assert halved.rows[0].trial_epochs * halved.seconds_per_trial_epoch / 2 == pytest.approx(halved.rows[0].seconds)


def test_a_replicate_is_a_block_with_a_search_of_its_own(quick) -> None:
    """With replicates every block costs a search, and the noise of fixed configurations is called too small."""
    config = config_of(search={"families": ["constant", "cosine"], "trials": 8, "replicates": 12})
    plan = plan_study(config, CPU, replace(NOISE, of_searches=False), blocks=[12, 20])
    assert [12 * (blocks * 8 + blocks * 2) for blocks in (12, 20)] == [row.trial_epochs for row in plan.rows]
    assert 12 == plan.planned_blocks
    assert any("winners of whole searches vary more" in remark for remark in plan.remarks)
    assert not any("vary more" in remark for remark in plan_study(config, CPU, NOISE, blocks=[12]).remarks)


def test_fixed_schedules_have_no_search_to_pay(quick) -> None:
    """Where every example is fitted only the baselines are compared, and nothing is searched."""
    fixed = [{"name": n, "family": "constant", "base_lr": r} for n, r in (("a", 0.1), ("b", 0.2))]
    plan = plan_study(config_of(baseline=fixed, data={"train": "all"}), CPU, NOISE, blocks=[8])
    assert (2, 0, 12 * 2 * 8) == (plan.columns, plan.trials, plan.rows[0].trial_epochs)


def test_a_study_of_runs_is_planned_in_runs(quick) -> None:
    """Every run pays its start, and as many go side by side as are asked for; what takes a while is said before."""
    steps: list[tuple[str, float]] = []
    toy = StudyConfig.from_dict(tomllib.loads(TOY))
    plan = plan_study(toy, CPU, NOISE, blocks=[6], on_step=lambda *step: steps.append(step))
    [row] = plan.rows
    assert (4 + 6 * 2, 4 * 16, True) == (row.runs, row.trial_epochs, plan.of_runs)
    assert row.seconds == pytest.approx(16 * plan.seconds_a_run)
    assert ["loading", "timing", "simulating the power of 6 blocks"] == [what for what, _ in steps]


def test_the_columns_are_what_will_be_compared(quick) -> None:
    """reduce_on_plateau costs time but is no column; groups are columns; one column is refused."""
    families = ["constant", "cosine", "reduce_on_plateau"]
    plan = plan_study(config_of(search={"families": families}), CPU, NOISE, blocks=[6])
    assert (2, 12 * (100 + 6 * 3)) == (plan.columns, plan.rows[0].trial_epochs)
    groups = {"contrasts": {"groups": {"no": ["constant"], "decay": ["cosine", "linear"]}}}
    assert 2 == plan_study(config_of(plan=groups), CPU, NOISE, blocks=[6]).columns
    with pytest.raises(InputError, match="at least 2 families"):
        plan_study(config_of(search={"families": ["cosine", "reduce_on_plateau"]}), CPU, NOISE, blocks=[6])
    with pytest.raises(InputError, match="blocks must be from 6 to 10000, got 5"):
        plan_study(config_of(), CPU, NOISE, blocks=[5])


def test_the_command_leaves_nothing_behind(study_file, run, quick) -> None:
    """It prints a table or JSON, reads no test set, and makes no storage."""
    shown = run("plan", study_file, "--blocks", "6,12", "--sd", "0.5", "--device", "cpu", "--workers", "1")
    assert 0 == shown.code
    assert "SD 0.5 points, correlation 0.3 (stated)" in shown.err
    plan = json.loads(run("plan", study_file, "--blocks", "6", "--device", "cpu", "--format", "json").out)
    assert [6] == [row["blocks"] for row in plan["rows"]]
    assert plan["noise"]["source"].endswith("assumed from 60 test examples, as there is no pilot")
    assert ["tab.toml"] == [path.name for path in study_file.parent.iterdir()]
    assert existing_storage("sqlite:///lrsearch.db") is None
    assert existing_storage("journal:///none.log") is None


def test_wrong_flags_are_one_line(study_file, run) -> None:
    """Blocks below six, words for numbers, a pilot that is not there."""
    assert "must be from 6 to 10000, got 5" in run("plan", study_file, "--blocks", "5", "--device", "cpu").complaint
    assert "--blocks must be an integer" in run("plan", study_file, "--blocks", "many").complaint
    assert "pilot 'other' has no confirmation" in run("plan", study_file, "--pilot", "other").complaint


@pytest.mark.parametrize("blocks", [(5,), (12, 99_999_999_999)])
def test_a_number_of_blocks_outside_its_range_is_refused_before_anything_is_loaded(blocks) -> None:
    """The rule and what was given are named."""
    config = StudyConfig.for_workload("no.such.module:workload")
    with pytest.raises(InputError, match=rf"blocks must be from 6 to 10000, got {', '.join(map(str, blocks))}"):
        plan_study(config, RunOptions(), AssumedNoise(ASSUMED, "assumed"), blocks=blocks)


def test_a_plan_names_the_unit_of_its_metric(quick) -> None:
    """A minimised metric is read in its own unit, not in points."""
    config = StudyConfig.for_workload("tests.workload_examples:regression")
    config = config.changed({"search.families": ("constant", "cosine")})
    assert "units" == plan_study(config, CPU, NOISE, blocks=[6]).unit
    assert "points" == plan_study(config_of(), CPU, NOISE, blocks=[6]).unit
