"""From a stored confirmation to its verdict: the plan is kept, what lies beyond is named, claims are tested."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.metric import ACCURACY
from lrsearch.storage import StudyPart, create_study, open_storage, require_same_plan
from tests.confirmation_examples import comparison_of, config_of, noisy, stored, verdict_of
from tests.search.run_helpers import make_config, search

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10)}


def test_the_verdict_is_that_of_the_plan(storage) -> None:
    """ROPE, error rate, metric and claim come from the study; searches decide what is claimed."""
    config = config_of(plan={"rope": 0.7, "alpha": 0.01})
    compared = comparison_of(stored(storage, config, SCORES))
    assert (0.7, 0.01, 10, ACCURACY) == (
        compared.settings.rope,
        compared.settings.alpha,
        compared.blocks,
        compared.settings.metric,
    )
    assert "these configurations, measured by accuracy on this workload" in compared.verdict_text
    several = stored(storage, config, SCORES, name="many/confirm", searches=10, trials_per_family=5)
    assert "these families, tuned with 5 trials by gp" in comparison_of(several).verdict_text


def test_few_blocks_are_shown_and_not_judged(database, run) -> None:
    """In the table and in JSON, controls left out; what follows is more blocks, and what needs a verdict says so."""
    few = {name: values[:3] for name, values in SCORES.items()}
    controls = {"cosine (A/A)": {"kind": "aa", "of": "cosine"}}
    stored(database, config_of(), few | {"cosine (A/A)": noisy(95.0, 3)}, controls=controls, twins=["cosine (A/A)"])
    shown = run("compare")
    assert 0 == shown.code
    assert "No answer yet. 3 paired blocks are shown and not judged: a verdict needs at least 6" in shown.out
    assert "Controls" not in shown.out
    assert "Next: lrsearch confirm with more blocks" in shown.err
    data = json.loads(run("compare", "--format", "json").out)
    assert (None, [], "No answer yet.") == (data["preferred"], data["recommended"], data["lines"][0][:14])
    assert "has no verdict: 3 paired blocks" in run("compare", "--studies", "tab,tab2").complaint


@pytest.mark.parametrize(("searches", "blocks"), [(1, 10), (3, 3)])
def test_blocks_are_added_to_few(storage, searches, blocks) -> None:
    """Three planned ones were no analysis: those of the study file are planned. Replicates are what they are."""
    study = stored(storage, config_of(), SCORES, planned_blocks=3, searches=searches)
    assert blocks == comparison_of(study).blocks


def test_a_family_left_out_is_named_in_the_verdict(storage) -> None:
    """Of whom no trial was finished, nothing can be said, and the verdict says so."""
    verdict = verdict_of(stored(storage, config_of(), SCORES, left_out=["linear"]))
    assert ("linear",) == verdict.left_out
    assert "(without linear, of which no trial was finished)" in verdict.comparison.verdict_text


def test_blocks_beyond_the_plan_are_exploratory(storage) -> None:
    """The verdict is that of the planned blocks, and one with all blocks stands beside it under another title."""
    more = {name: values + noisy(95.0, 4) for name, values in SCORES.items()}
    planned = verdict_of(stored(storage, config_of(), SCORES)).comparison
    beyond = verdict_of(stored(storage, config_of(), more, name="more/confirm", planned_blocks=10))
    assert planned.verdict_text == beyond.comparison.verdict_text
    np.testing.assert_array_equal(planned.scores, beyond.comparison.scores)
    assert beyond.exploratory is not None
    assert 14 == beyond.exploratory.blocks


def test_another_rope_than_the_planned_one_is_exploratory(database, run) -> None:
    """It is honoured, and named beside the plan's; the error rate likewise."""
    stored(database, config_of(), SCORES)
    planned = run("compare")
    explored = run("compare", "--rope", "5", "--alpha", "0.2")
    assert "region of practical equivalence 5 points" in explored.out
    assert "simultaneous 80% intervals" in explored.out
    assert "exploratory: judged with rope 5 (planned: 0.3) and alpha 0.2 (planned: 0.05), chosen after" in explored.err
    assert "xploratory" not in planned.out + planned.err
    assert "alpha must be above 0 and below 1, got 2" in run("compare", "--alpha", "2").complaint


def test_exploratory_readings_are_labelled_by_compare(database, run) -> None:
    """The command prints the label; without such blocks it does not."""
    stored(database, config_of(), SCORES, planned_blocks=8)
    assert "Exploratory, with blocks beyond the plan" in run("compare").out
    other = open_storage("sqlite:///other.db")
    stored(other, config_of(), SCORES)
    assert "xploratory" not in run("compare", "--storage", "sqlite:///other.db").out


def test_a_look_before_the_planned_one_is_warned_of(storage) -> None:
    """Seven of twenty blocks are an interim result."""
    compared = comparison_of(stored(storage, config_of(), SCORES, planned_blocks=20))
    assert any("interim: 10 of the 20 planned blocks" in warning for warning in compared.warnings)
    assert not any(
        "interim" in w for w in comparison_of(stored(storage, config_of(), SCORES, name="b/confirm")).warnings
    )


def test_a_control_that_fails_is_a_warning(storage) -> None:
    """A twin that is separated means that the procedure is not to be trusted; it is never recommended."""
    scores = {**SCORES, "cosine (A/A)": noisy(95.0, 10)}
    controls = {"cosine (A/A)": {"kind": "aa", "of": "cosine"}}
    study = stored(storage, config_of(), scores, controls=controls, twins=["cosine (A/A)"])
    compared = comparison_of(study)
    assert ("cosine",) == compared.recommended
    assert "Controls: cosine (A/A): SEPARATED in error" in compared.verdict_text
    assert any("not to be trusted: cosine (A/A)" in warning for warning in compared.warnings)


@pytest.mark.parametrize(
    ("plan", "difference"),
    [
        ({"rope": 0.5}, "plan.rope is 0.3, not 0.5"),
        ({"alpha": 0.1}, "plan.alpha is 0.05, not 0.1"),
        ({"contrasts": {"against": "cosine"}}, "plan.contrasts is 'all', not {'against': 'cosine'"),
        ({"claims": "article"}, "plan.claims is [], not [{'"),
    ],
)
def test_another_plan_is_refused_with_the_difference(storage, plan, difference) -> None:
    """What was searched under one plan is not judged by another; other numbers of blocks are no other plan."""
    study = create_study(storage, "tab", config_of(), metric=ACCURACY, data_fingerprint="f", attributes={})
    with pytest.raises(InputError) as caught:
        require_same_plan(StudyPart.of(study), config_of(plan=plan))
    assert difference in str(caught.value)
    require_same_plan(StudyPart.of(study), config_of(plan={"blocks": 50}))
    stored(storage, config_of(plan=plan), SCORES)
    with pytest.raises(InputError, match="planned otherwise"):
        verdict_of(study)


def test_everything_is_strict_json(database, run) -> None:
    """The command's JSON has the comparison and what stands beside it, and no NaN."""
    scores = {**SCORES, "cosine (A/A)": [10.0 - 5] * 10}
    stored(
        database, config_of(), scores, controls={"cosine (A/A)": {"kind": "aa", "of": "cosine"}}, twins=["cosine (A/A)"]
    )
    text = run("compare", "--format", "json").out
    printed = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {"verdict_text", "controls", "claims", "exploratory", "left_out", "good_regions"} <= printed.keys()
    assert printed["controls"][0]["low"] is None


def test_confirm_keeps_the_plan_of_its_search_and_of_its_own_blocks(folder) -> None:
    """A plan that was changed after the search, or between two parts of a confirmation, is refused before training."""
    config = make_config(baseline=[{"name": "plain", "family": "constant", "base_lr": 0.1}])
    changed = config.changed({"plan.rope": 0.9})
    options = RunOptions(device="cpu", workers=1)
    run_confirm(config, options, blocks=1)
    with pytest.raises(InputError, match=r"'tab/confirm' was planned otherwise: its plan.rope is 0.3, not 0.9"):
        run_confirm(changed, options, blocks=2)
    elsewhere = replace(options, storage="sqlite:///other.db")
    search(config, 3, database="other.db")
    with pytest.raises(InputError, match=r"'tab' was planned otherwise"):
        run_confirm(changed, elsewhere, blocks=1)
    assert ["tab"] == [study.study_name for study in open_storage(elsewhere.storage).get_all_studies()]
