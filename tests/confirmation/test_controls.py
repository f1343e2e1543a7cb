"""Controls: a twin that must not be separated, and a weakened one that must be found."""

import json
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from lrsearch.comparison.controls import check_controls
from lrsearch.comparison.from_records import ConfirmationPlan, compare_records
from lrsearch.comparison.settings import Settings
from lrsearch.confirmation.blocks import Block
from lrsearch.confirmation.candidates import Candidate
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.confirmation.controls import with_controls
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.search.optimize import run_search
from lrsearch.storage import open_storage, records
from tests.confirmation_examples import noisy, table_of
from tests.search.run_helpers import finished, make_config

FIXED = [
    {"name": "falling", "family": "cosine", "base_lr": 0.3, "final_lr": 0.01},
    {"name": "plain", "family": "constant", "base_lr": 0.5},
]
TWIN, WEAK = "falling (A/A)", "plain at 0.01 x its rate (positive)"


def _quiet(_) -> None: ...


def _confirm(config, **given):
    return run_confirm(config, RunOptions(device="cpu", workers=1), **given).study


def test_controls_are_trained_stored_and_left_out_of_the_verdict(folder, run) -> None:
    """The twin has its entry's schedule and split, an initialisation and an order of its own; both are shown."""
    study = _confirm(make_config(baseline=FIXED, data__train="all"), blocks=6, controls=["aa", "positive"])
    assert {TWIN: {"kind": "aa", "of": "falling"}, WEAK: {"kind": "positive", "of": "plain"}} == (
        study.user_attrs["controls"]
    )
    runs = {(r.block, r.family): r for r in records(study)}
    for block in range(6):
        entry, twin, weak, plain = (runs[block, name] for name in ("falling", TWIN, WEAK, "plain"))
        assert (entry.schedule, entry.split_seed) == (twin.schedule, twin.split_seed)
        assert entry.init_seed != twin.init_seed
        assert entry.order_seed != twin.order_seed
        assert entry.curve != twin.curve
        assert ("constant", 0.005) == (weak.schedule["family"], weak.schedule["base_lr"])
        assert (plain.init_seed, plain.order_seed) == (weak.init_seed, weak.order_seed)
    twins = {runs[block, TWIN].init_seed for block in range(6)}
    assert 6 == len(twins)
    assert not twins & {runs[block, "falling"].init_seed for block in range(6)}
    shown = run("compare", "--details")
    assert 0 == shown.code
    assert f"Controls: {TWIN}: " in shown.out
    assert TWIN not in "".join(json.loads(run("compare", "--format", "json").out)["lines"])
    assert 2 == sum(" control " in row for row in shown.out.splitlines())


def test_controls_cannot_be_switched_later(folder) -> None:
    """A confirmation without controls is not continued with them: its blocks would not be whole."""
    _confirm(make_config(baseline=FIXED), blocks=1)
    with pytest.raises(InputError, match="controls were changed"):
        _confirm(make_config(baseline=FIXED), blocks=1, controls=["aa"])


def test_an_unknown_control_is_refused_before_anything_is_stored(folder) -> None:
    """The error names what there is."""
    for wrong in (["a/a"], ["aa", "aa"]):
        with pytest.raises(InputError, match="control must be aa or positive"):
            _confirm(make_config(baseline=FIXED), blocks=1, controls=wrong)
    assert [] == [study.study_name for study in open_storage("sqlite:///lrsearch.db").get_all_studies()]


def test_controls_of_a_search_are_made_of_each_blocks_winner(folder) -> None:
    """In block b both are made of the winner of search b, in the family that all searches together found the best."""
    config = make_config(search__replicates=2, search__pruner="none", optimizer__momentum={"low": 0.0, "high": 0.5})
    studies, _ = run_search(config.changed({"search.trials": 6}), RunOptions(device="cpu", lanes=3, workers=1), _quiet)
    study = _confirm(config, controls=["aa", "positive"])
    best = {
        family: fmean(max(t.value for t in finished(s) if t.params["family"] == family) for s in studies)
        for family in config.search.families
    }
    beside = max(best, key=best.__getitem__)
    assert {beside} == {control["of"] for control in study.user_attrs["controls"].values()}
    runs = {(r.block, r.family): r for r in records(study)}
    settings = {(t.user_attrs["block"], t.user_attrs["entry"]): t.user_attrs["settings"] for t in study.get_trials()}
    weak, twin = f"{beside} at 0.01 x its rate (positive)", f"{beside} (A/A)"
    for block in (0, 1):
        assert runs[block, beside].schedule == runs[block, twin].schedule
        assert "constant" == runs[block, weak].schedule["family"]
        assert pytest.approx(0.01 * runs[block, beside].schedule["base_lr"]) == runs[block, weak].schedule["base_lr"]
        assert settings[block, beside] == settings[block, weak] == settings[block, twin]
    assert runs[0, weak].schedule["base_lr"] != runs[1, weak].schedule["base_lr"]


def test_no_control_is_made_of_a_family_that_is_not_compared(folder) -> None:
    """reduce_on_plateau is passed over; alone it leaves nothing to make a control of."""
    experiment = WorkloadExperiment.prepare(make_config(), device="cpu")
    plateau = Candidate("reduce_on_plateau", {"family": "reduce_on_plateau", "base_lr": 0.1})
    cosine = Candidate("cosine", {"family": "cosine", "base_lr": 0.4})
    seeds = Seeds.of(0, "confirm", 0)
    (block,) = with_controls(experiment, [Block(0, seeds, (plateau, cosine))], ["aa", "positive"])
    assert ["cosine", "cosine"] == [control.control_of for control in block.candidates[2:]]
    assert pytest.approx(0.004) == block.candidates[3].schedule["base_lr"]
    with pytest.raises(InputError, match="reads no metric"):
        with_controls(experiment, [Block(0, seeds, (plateau,))], ["aa"])


PLAN = ConfirmationPlan(Settings(rope=0.3, worst_value=10.0), controls=("twin", "weak"), excluded=("twin", "weak"))
CONTROLS = {"twin": {"kind": "aa", "of": "cosine"}, "weak": {"kind": "positive", "of": "constant"}}
TRUE = {"cosine": 90.0, "constant": 89.0, "twin": 90.0, "weak": 80.0}


def _records(**means: float):
    scores = {name: noisy(mean, 12, seed=len(name) + 1) for name, mean in (TRUE | means).items()}
    records = table_of(scores)
    return [
        replace(r, init_seed=9000 + r.block, order_seed=9100 + r.block) if r.family == "twin" else r for r in records
    ]


def _check(records, controls=CONTROLS):
    return check_controls(records, PLAN, controls, np.random.default_rng(0))


def test_the_truth_is_found() -> None:
    """A twin without difference is not separated, a weak one is found; both sentences say so with the interval."""
    twin, weak = _check(_records())
    assert (True, True) == (twin.passed, weak.passed)
    assert twin.low < 0 < twin.high
    assert weak.high < 0
    assert "twin: not separated, as it must be (" in twin.sentence
    assert "weak: found to be worse, as it must be (-9" in weak.sentence or "(-8" in weak.sentence


def test_an_error_is_not_passed_over() -> None:
    """A twin that differs and a weak one that does not are called by their names; better is not found either."""
    twin, weak = _check(_records(twin=92.0, weak=89.0))
    assert (False, False) == (twin.passed, weak.passed)
    assert "SEPARATED in error" in twin.sentence
    assert "NOT found" in weak.sentence
    assert _check(_records(weak=95.0))[1].passed is False


def test_failed_runs_find_the_weak_and_leave_the_twin_untested() -> None:
    """Runs at chance are what the rule for failures is for."""
    twin, weak = _check(_records(weak=10.0))
    assert (True, True, True) == (twin.passed, weak.passed, weak.failed)
    assert "failed runs, as it must be" in weak.sentence
    lost = [replace(r, test_accuracy=0.1) if (r.family, r.block) == ("twin", 0) else r for r in _records()]
    assert _check(lost)[0].passed is None
    assert "untested" in _check(lost)[0].sentence
    lost = [replace(r, test_accuracy=0.1) if (r.family, r.block) == ("constant", 0) else r for r in _records()]
    assert _check(lost)[1].passed is None


def test_a_twin_on_the_seeds_of_its_entry_is_refused() -> None:
    """It would agree to the bit under any procedure."""
    same = [replace(r, init_seed=1000 + r.block, order_seed=2000 + r.block) for r in _records()]
    with pytest.raises(InputError, match="seeds of its own"):
        _check(same)
    with pytest.raises(InputError, match="'other' of kind 'aa' beside 'cosine'"):
        _check(_records(), {"other": {"kind": "aa", "of": "cosine"}})


def test_controls_do_not_change_the_verdict() -> None:
    """The comparison of the others is the same to the bit with and without them."""
    records = _records()
    alone = compare_records(
        [r for r in records if r.family not in CONTROLS], replace(PLAN, controls=()), np.random.default_rng(0)
    )
    beside = compare_records(records, PLAN, np.random.default_rng(0))
    assert ("cosine", "constant") == beside.families
    np.testing.assert_array_equal(alone.p, beside.p)
    np.testing.assert_array_equal(alone.low, beside.low)


@pytest.mark.slow
def test_twins_are_separated_as_rarely_as_alpha_says() -> None:
    """Over 400 confirmations without any difference the A/A control calls out in at most the family-wise rate."""
    wrong = 0
    for repetition in range(400):
        rng = np.random.default_rng([7, repetition])
        scores = {name: rng.normal(90.0, 0.3, 10).tolist() for name in TRUE}
        records = [
            replace(r, init_seed=9000 + r.block, order_seed=9100 + r.block) if r.family == "twin" else r
            for r in table_of(scores)
        ]
        wrong += check_controls(records, PLAN, {"twin": CONTROLS["twin"]}, rng)[0].passed is False
    assert wrong <= 32  # 0.05 x 400 = 20 at most in truth; 3 SD above
