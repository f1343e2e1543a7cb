"""One winner: which stored trial stands for the preferred candidate, in words, and in what order the others follow."""

import json
from dataclasses import replace

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

import lrsearch
from lrsearch.export import load_configuration
from lrsearch.metric import ACCURACY
from lrsearch.storage import StoredStudy, StudyPart, create_study
from lrsearch.verdict.study_verdict import study_verdict
from lrsearch.verdict.winner import candidate_trial, candidates_in_order, configuration_in_words
from tests.confirmation_examples import config_of, noisy, run_of, stored

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10), "linear": noisy(91.05, 10)}


def _searched(storage, name: str, values: dict[str, float], config=None) -> None:
    """Store a search of one trial of each family, whose base_lr is its score."""
    study = create_study(
        storage, name, config or config_of(), metric=ACCURACY, data_fingerprint="f", attributes={"split_seed": 1}
    )
    for family, value in values.items():
        record = {
            "schedule": {"family": family, "base_lr": value, "total_steps": 120},
            "init_seed": 1,
            "order_seed": 2,
            "epochs": 12,
            "seconds": 3600.0,
        }
        drawn = {"params": {"family": family}, "distributions": {"family": CategoricalDistribution(list(values))}}
        study.add_trial(create_trial(state=TrialState.COMPLETE, value=value, user_attrs=record, **drawn))


def test_after_one_search_the_verdict_and_not_its_luckiest_trial_is_exported(database, run, folder) -> None:
    """Export, best_schedule and the table agree on one; --by search takes the other; recommended are by score."""
    _searched(database, "tab", {"constant": 0.99, "cosine": 0.8})
    stored(database, config_of(), SCORES)
    comparison = study_verdict(StoredStudy.read(database, "tab")).comparison
    assert "constant" not in comparison.recommended
    assert ["linear", "cosine"] == sorted(comparison.recommended, reverse=True)
    order = candidates_in_order(comparison)
    assert comparison.preferred == order[0]
    assert "constant" == order[-1]
    assert run("export", "-o", "best.toml").code == 0
    chosen = load_configuration(folder / "best.toml").scores
    assert "preferred by the verdict" == chosen["chosen"]
    assert comparison.family_table().cells[0][0] == f"★ {comparison.preferred}"
    assert (0.1, 0.99) == (lrsearch.best_schedule("tab").base_lr, lrsearch.best_schedule("tab", by="search").base_lr)


def test_after_replicates_it_is_the_best_of_its_family_and_says_so(database, run, folder) -> None:
    """The configuration of the preferred family with the best validation score, marked as one of six."""
    config = config_of(search={"families": ["constant", "cosine"], "trials": 2, "replicates": 6})
    for replicate in range(6):
        values = {"constant": 0.99, "cosine": 0.5 + replicate / 100}
        _searched(database, f"tab/search-{replicate:02d}", values, config)
    stored(database, config, {name: SCORES[name][:6] for name in ("constant", "cosine")}, searches=6)
    assert 0.55 == lrsearch.best_schedule("tab").base_lr
    assert 0.99 == lrsearch.best_schedule("tab", by="search").base_lr
    shown = run("compare").out
    assert shown.startswith("Use `cosine` (base_lr 0.55; one of 6; the claim is about the family): ")
    assert "mean and SD of 6 independent searches." in shown
    assert "Cost: 24 runs, 12 hours of training summed over processes." in shown
    run("export", "-o", "best.json")
    said = json.loads((folder / "best.json").read_text())["scores"]["chosen"]
    assert "preferred by the verdict; one of 6; the claim is about the family" == said


def test_a_fixed_schedule_of_the_user_may_win(database) -> None:
    """Among the recommended it is preferred, having nothing to tune, and stands for itself."""
    config = config_of(baseline=[{"name": "mine", "family": "constant", "base_lr": 0.1}])
    stored(database, config, {**SCORES, "mine": noisy(91.0, 10, seed=1)})
    study = StoredStudy.read(database, "tab")
    comparison = study_verdict(study).comparison
    assert "mine" == comparison.preferred
    assert comparison.lines[0].startswith("Use `mine` (constant; base_lr 0.1): ")
    assert "mine" == candidate_trial(study, comparison, "mine")[1].family


def test_what_was_searched_beside_the_schedule_is_part_of_the_configuration(database) -> None:
    """Whether a trial of the search stands for the candidate or a confirmed run."""
    config = config_of(name="tab", optimizer={"name": "sgd", "momentum": {"low": 0.5, "high": 0.95}})
    study = StudyPart.of(create_study(database, "tab", config, metric=ACCURACY, data_fingerprint="f", attributes={}))
    trial = run_of("cosine", 0, 90.0, schedule={"family": "cosine", "base_lr": 0.1}, params={"momentum": 0.9})
    assert "base_lr 0.1, momentum 0.9" == configuration_in_words((study, trial))
    confirmed = replace(trial, params={"factor_1": 1.0}, settings={"momentum": 0.8})
    assert "base_lr 0.1, momentum 0.8" == configuration_in_words((study, confirmed))


def test_where_nothing_is_recommended_export_ends_with_the_reason(database, run) -> None:
    """Exit code 1; the search's own best can be had all the same."""
    failing = {name: [10.0, *scores[1:]] for name, scores in SCORES.items()}
    stored(database, config_of(), failing)
    done = run("export")
    assert (1, "") == (done.code, done.out)
    assert "nothing is recommended: each candidate has failed runs (constant 1 of 10, cosine 1 of 10" in done.err
    assert 0 == run("export", "--by", "search").code
    shown = run("compare")
    assert "Use none of these yet: every one has a failed run. To change: train for more epochs" in shown.out
    assert "Next: lrsearch report" in shown.err


def test_verdict_json_holds_the_answer_at_its_top_level(database, run, folder) -> None:
    """The file and `--format json` are the same."""
    stored(database, config_of(), SCORES)
    run("compare", "-o", "verdict.json")
    written = json.loads((folder / "verdict.json").read_text())
    assert json.loads(run("compare", "--format", "json").out) == written
    assert 4 == len(written["lines"])
    assert {"linear", "cosine"} == set(written["recommended"])
    assert written["preferred"] in written["lines"][0]


def test_a_rope_below_one_test_example_is_warned_of() -> None:
    """0.3 points of 60 examples is a fifth of one of them."""
    correct = np.random.default_rng(0).random((8, 2, 60)) < 0.8
    scores = np.round(100 * correct.mean(axis=2), 2)
    given = {"rng": np.random.default_rng(0), "correct": correct}
    fine, coarse = (lrsearch.compare_scores(scores, ["a", "b"], rope=rope, **given).warnings for rope in (1.7, 0.3))
    assert "the ROPE of 0.3 points is below one test example of 60 (1.67 points)" in "".join(coarse)
    assert "test example" not in "".join(fine)
