"""Planned looks share the error rate; smaller tuning efforts have winners and a verdict of their own."""

import json

import pytest
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.config import StudyConfig
from lrsearch.confirmation.blocks import plan_blocks
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.search.optimize import run_search
from lrsearch.storage import StudyPart, records, require_same_plan
from lrsearch.verdict.tuning_budgets import smaller_budget_candidates
from tests.confirmation_examples import config_of, noisy, stored, verdict_of
from tests.search.run_helpers import finished, make_config, search

LOOKS = {"looks": [8, 12]}


def _at_analysis(blocks: int, *, plan=LOOKS):
    scores = {"constant": noisy(89.0, blocks), "cosine": noisy(89.6, blocks)}
    study = stored(InMemoryStorage(), config_of(plan=plan), scores, planned_blocks=12)
    return verdict_of(study).comparison


@pytest.mark.parametrize(("blocks", "analysed", "analysis"), [(8, 8, 1), (11, 8, 1), (12, 12, 2), (14, 12, 2)])
def test_an_analysis_takes_its_blocks_and_its_share_of_alpha(blocks: int, analysed: int, analysis: int) -> None:
    """Between two analyses nothing new is tested; both together keep the plan's error rate."""
    compared = _at_analysis(blocks)
    assert (analysed, 0.025) == (compared.blocks, compared.settings.alpha)
    assert any(f"planned analysis {analysis} of 2 (after 8 and 12 blocks)" in warning for warning in compared.warnings)
    assert not any("interim" in warning for warning in compared.warnings)


def test_before_the_first_analysis_the_result_is_interim() -> None:
    """Seven blocks are no planned analysis."""
    assert any("interim: 7 of the 8 planned blocks" in warning for warning in _at_analysis(7).warnings)


def test_one_analysis_has_all_of_alpha() -> None:
    """Alone it divides nothing, and its intervals are narrower than those of one of two."""
    once = _at_analysis(12, plan={"blocks": 12})
    assert 0.05 == once.settings.alpha
    twice = _at_analysis(12)
    assert once.high[0, 1] - once.low[0, 1] < twice.high[0, 1] - twice.low[0, 1]


def test_blocks_beyond_the_last_look_alone_are_exploratory() -> None:
    """Blocks between two looks are planned."""
    for blocks, beyond in ((10, False), (12, False), (13, True)):
        scores = {"constant": noisy(89.0, blocks), "cosine": noisy(89.6, blocks)}
        study = stored(InMemoryStorage(), config_of(plan=LOOKS), scores, planned_blocks=12)
        assert beyond is (verdict_of(study).exploratory is not None)


def test_looks_are_fixed_beforehand() -> None:
    """A study is not judged by another number of looks than it was planned with."""
    study = stored(InMemoryStorage(), config_of(plan=LOOKS), {"constant": noisy(89.0, 8), "cosine": noisy(89.6, 8)})
    with pytest.raises(InputError, match=r"plan\.looks is \[8, 12\], not \[\]"):
        require_same_plan(StudyPart.of(study), config_of())


def test_confirm_up_to_a_look_and_on(folder) -> None:
    """The blocks of the last analysis are planned at once, so that the second part is no reading beyond the plan."""
    config = make_config(baseline=[{"name": n, "family": n, "base_lr": 0.1} for n in ("constant", "linear")])
    config = config.changed({"plan.looks": (7, 8), "plan.blocks": 8})
    options = RunOptions(device="cpu", workers=1)
    first = run_confirm(config, options, blocks=7).study
    assert (14, 8) == (len(first.get_trials()), first.user_attrs["planned_blocks"])
    whole = run_confirm(config, options).study
    assert 16 == len(whole.get_trials())
    readings = [value for key, value in whole.user_attrs.items() if key.startswith("test_ledger:")]
    assert {False} == {reading["beyond_plan"] for block in readings for reading in block}


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> tuple[StudyConfig, list[Study]]:
    """Search twelve trials in each of two replicates, none pruned."""
    config = make_config(search__pruner="none", search__replicates=2, search__trials=12)
    url = f"sqlite:///{tmp_path_factory.mktemp('budgets')}/study.db"
    studies, _ = run_search(config, RunOptions(storage=url, device="cpu", lanes=3, workers=1), lambda _: None)
    return config, studies


def test_a_tuning_budget_stands_for_the_first_trials_alone(searched) -> None:
    """The candidate after k trials is the best of the family's first k; a winner is not trained twice."""
    config, studies = searched
    plan = plan_blocks(WorkloadExperiment.prepare(config, device="cpu"), studies, blocks=2, tuning_budgets=[1, 3])
    added = 0
    for study, block, *stands in zip(studies, plan.blocks, plan.tuning_budgets[1], plan.tuning_budgets[3], strict=True):
        candidates = {candidate.name: candidate for candidate in block.candidates}
        for family in config.search.families:
            trials_of_family = [trial for trial in finished(study) if trial.params["family"] == family]
            for trials, standing in zip((1, 3), stands, strict=True):
                best = max(trials_of_family[:trials], key=lambda trial: trial.value)
                candidate = candidates[standing[family]]
                assert best.user_attrs["schedule"] == candidate.schedule
                assert (candidate.name == family) is (
                    best.number == max(trials_of_family, key=lambda t: t.value).number
                )
                added += candidate.name != family
        schedules = [json.dumps(candidate.schedule, sort_keys=True) for candidate in block.candidates]
        assert len(schedules) == len(set(schedules))
    assert 0 < added


def test_tuning_budgets_beyond_the_search_are_refused(searched) -> None:
    """The claim `tuned with k trials` needs k trials and more of every family."""
    config, studies = searched
    with pytest.raises(InputError, match=r"tuning_efforts must be below the number of trials of every family, got 9"):
        plan_blocks(WorkloadExperiment.prepare(config, device="cpu"), studies, blocks=2, tuning_budgets=[9])


def test_every_effort_has_a_verdict_of_its_own(folder, run) -> None:
    """The main verdict leaves the entries of smaller efforts out; each effort is compared under the families' names."""
    config = make_config(search__pruner="none").changed({"plan.tuning_efforts": (1, 2), "plan.blocks": 6})
    search(config, 12)
    study = run_confirm(config.changed({"search.trials": 12}), RunOptions(device="cpu", workers=1)).study
    extra = smaller_budget_candidates(StudyPart.of(study))
    assert extra
    assert all(" after " in name for name in extra)
    verdict = verdict_of(study)
    families = set(config.search.families)
    assert families == set(verdict.comparison.families)
    assert [1, 2] == [effort.trials for effort in verdict.tuning_budgets]
    runs = {(record.block, record.family): record.test_accuracy for record in records(study)}
    for effort in verdict.tuning_budgets:
        assert effort.comparison is not None
        assert families == set(effort.comparison.families)
        stands = study.user_attrs["efforts"][str(effort.trials)]
        for place, family in enumerate(effort.comparison.families):
            expected = [100 * runs[block, stands[block][family]] for block in range(6)]
            assert expected == pytest.approx(effort.comparison.scores[:, place].tolist())
    shown = run("compare").out
    assert "If fewer trials can be afforded" in shown
    assert "After 1 trial of each family" in shown
    assert 0 == run("report", "-o", "page.html").code
    assert "If fewer trials can be afforded" in (folder / "page.html").read_text()


def test_a_family_without_a_complete_trial_is_left_out_of_that_effort(searched, monkeypatch) -> None:
    """Pruned first trials leave nothing to stand for them."""
    config, studies = searched
    first = next(t for t in finished(studies[0]) if t.params["family"] == "cosine")
    original = studies[0].get_trials

    def pruned(*args, **kwargs):
        trials = original(deepcopy=True, **{k: v for k, v in kwargs.items() if k != "deepcopy"})
        for trial in trials:
            if trial.number == first.number:
                trial.state = TrialState.PRUNED
        return trials

    monkeypatch.setattr(studies[0], "get_trials", pruned)
    plan = plan_blocks(WorkloadExperiment.prepare(config, device="cpu"), studies, blocks=2, tuning_budgets=[1])
    assert "cosine" not in plan.tuning_budgets[1][0]
    assert "cosine" in plan.tuning_budgets[1][1]
