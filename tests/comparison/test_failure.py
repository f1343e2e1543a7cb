"""What counts as a failed run: divergence, or a score little better than knowing nothing, in either direction."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison import compare_scores
from lrsearch.comparison.failure import FailureRule
from lrsearch.comparison.from_records import ConfirmationPlan, compare_records, failure_rule, scores_of
from lrsearch.comparison.settings import Settings
from lrsearch.metric import Metric
from tests.comparison.examples import compare
from tests.comparison.simulations import count, draw_scores
from tests.confirmation_examples import noisy, run_of, table_of

LOSS = Settings(rope=0.01, metric=Metric("loss", "minimize", "units"))


def rule_of(scores, settings, diverged=None):
    table = np.asarray(scores, dtype=float)
    return FailureRule.of(table, np.zeros(table.shape, dtype=bool) if diverged is None else diverged, settings)


@pytest.mark.parametrize(
    ("best", "worst", "limit"),
    [(90.0, 10.0, 18.0), (97.0, 50.0, 54.7), (43.0, 100 / 3, 34.3), (9.0, 10.0, 10.0)],
    ids=["ten classes", "two classes", "three hard classes", "none learned"],
)
def test_the_limit_is_a_tenth_of_the_way_to_the_best_median(best, worst, limit):
    """Of two classes at 97 % nothing has failed; what is worth no more than guessing has."""
    rule = rule_of([[best, worst - 1]] * 7, Settings(rope=0.3, worst_value=worst))
    assert limit == pytest.approx(rule.limit)
    assert f"worse than {limit:.2f} counts as failed" == rule.sentence
    around = np.array([best, limit + 0.1, limit - 0.1, worst])
    learned = best > worst
    assert [not learned, False, True, True] == rule.failed(around, np.zeros(4, dtype=bool)).tolist()


def test_the_rule_follows_the_direction():
    """Of a loss the worst value is the largest, and what is larger than the limit has failed."""
    rule = rule_of([[0.3, 0.5]] * 7, replace(LOSS, worst_value=2.3))
    assert 2.1 == pytest.approx(rule.limit)
    assert [False, True] == rule.failed(np.array([2.0, 2.2]), np.zeros(2, dtype=bool)).tolist()


@pytest.mark.parametrize("worst", [None, np.inf, -np.inf, np.nan])
def test_without_a_worst_value_only_divergence_counts(worst):
    """No limit can be derived; a run that diverged has failed in any direction."""
    for settings in (
        Settings(rope=0.3, worst_value=worst),
        replace(LOSS, worst_value=worst),
    ):
        rule = rule_of([[90.0, 10.0]] * 7, settings)
        assert rule.limit is None
        assert "only a run that diverged counts as failed" == rule.sentence
        assert [True, False] == rule.failed(np.array([90.0, 10.0]), np.array([True, False])).tolist()


def test_an_explicit_limit_replaces_the_derived_one():
    """What the workload or the caller says holds, beyond the worst value too."""
    rule = rule_of([[90.0, 10.0]] * 7, Settings(rope=0.3, worst_value=10.0, failed_at=5.0))
    assert 5.0 == rule.limit
    assert [True, False] == rule.failed(np.array([4.0, 6.0]), np.zeros(2, dtype=bool)).tolist()


def test_a_diverged_run_of_a_loss_is_a_failure_and_no_score():
    """Its worst value, finite or not, neither enters the mean nor separates anybody."""
    losses = {"calm": noisy(20.0, 8), "middle": noisy(21.0, 8), "wild": noisy(20.0, 8)}
    records = [run for run in table_of(losses) if (run.family, run.block) != ("wild", 3)]
    for worst in (230.0, np.inf):
        diverged = run_of("wild", 3, worst, stop_reason="diverged")
        plan = ConfirmationPlan(LOSS)
        compared = compare_records([*records, diverged], plan, np.random.default_rng(0))
        assert [("wild", 1, 1)] == [(f.family, f.runs.count, f.diverged) for f in compared.failures]
        assert "1 of 8 runs of wild failed (exact interval 0 to 53 %, 1 diverged)" in compared.verdict_text
        assert "wild" not in compared.recommended
        wild = compared.families.index("wild")
        kept = [run.test_accuracy for run in records if run.family == "wild"]
        assert np.mean(kept) == pytest.approx(compared.means.mean[wild])
        assert compared.to_dict()["scores"][3][wild] is None


@pytest.mark.parametrize("score", [np.nan, np.inf, None])
def test_a_run_without_a_finite_score_has_diverged(score):
    """Flagged or not, it is a failure of its family and no number among scores."""
    records = table_of({"calm": noisy(90.0, 8), "wild": noisy(91.0, 8)})
    broken = replace(records[-1], test_accuracy=score)
    plan = ConfirmationPlan(Settings(rope=0.3))
    [scores], [diverged] = scores_of([[*records[:-1], broken]], plan)
    assert [False] * 15 + [True] == diverged.tolist()
    assert np.isnan(scores[-1])
    if score is not None:  # a run without any is not there
        compared = compare_records([*records[:-1], broken], plan, np.random.default_rng(0))
        assert ["wild"] == [failure.family for failure in compared.failures]
        assert "nan" not in compared.verdict_text


def test_a_family_whose_runs_all_diverged_is_shown_without_a_mean():
    """The others are compared, and the table still has a row of it, at its end."""
    records = table_of({"calm": noisy(20.0, 8), "middle": noisy(21.0, 8)})
    records += [run_of("wild", block, np.inf, stop_reason="diverged") for block in range(8)]
    plan = ConfirmationPlan(LOSS)
    compared = compare_records(records, plan, np.random.default_rng(0))
    assert ("calm",) == compared.recommended
    assert ("wild", "-") == compared.family_table().cells[-1][:2]
    assert "8 of 8 runs of wild failed" in compared.verdict_text


@pytest.mark.parametrize(
    ("crashed", "avoid", "sentence"),
    [
        (0, "`wild`, which diverged twice in 8", "2 of 8 runs of wild failed (exact interval 3 to 65 %, 2 diverged)"),
        (1, "`wild`, which failed twice in 8, 1 diverged, 1 crashed", "3 to 65 %, 1 diverged, 1 crashed)"),
        (2, "`wild`, which crashed twice in 8", "3 to 65 %, 2 crashed)"),
    ],
)
def test_a_crash_is_not_called_a_divergence(crashed, avoid, sentence):
    """Both leave a run without a score, and ask for something else."""
    records = table_of({"calm": noisy(20.0, 8), "middle": noisy(21.0, 8), "wild": noisy(20.5, 6)})
    for block in (6, 7):
        reason = "crashed" if block - 6 < crashed else "diverged"
        records.append(run_of("wild", block, np.inf, stop_reason=reason))
    compared = compare_records(records, ConfirmationPlan(LOSS), np.random.default_rng(0))
    assert avoid in "\n".join(compared.lines)
    assert sentence in compared.verdict_text
    assert {"diverged": 2 - crashed, "crashed": crashed}.items() <= compared.to_dict()["failures"][0].items()


def test_a_fixed_rule_does_not_move_with_later_blocks():
    """Later blocks raise the best median; a run that had not failed by the planned blocks does not fail by them."""
    scores = {"cosine": [60.0 + x for x in noisy(0.0, 8)] + [95.0] * 16, "low": [*noisy(16.0, 8), *[70.0] * 16]}
    plan = ConfirmationPlan(Settings(rope=0.3, worst_value=10.0))
    records = table_of(scores)
    rule = failure_rule(records, ConfirmationPlan(plan.settings, blocks=8))
    assert 15.0 == pytest.approx(rule.limit, abs=0.1)
    fixed = compare_records(records, ConfirmationPlan(plan.settings, failure_rule=rule), np.random.default_rng(0))
    moved = compare_records(records, plan, np.random.default_rng(0))
    assert ([], ["low"]) == ([f.family for f in fixed.failures], [f.family for f in moved.failures])


def test_two_classes_are_compared():
    """Breast cancer at 97 %: below twice chance, and nothing has failed."""
    scores = np.column_stack([noisy(97.0, 10), noisy(95.0, 10, seed=1)])
    compared = compare_scores(scores, ["a", "b"], rope=0.3, rng=np.random.default_rng(0), chance=50.0)
    assert () == compared.failures
    assert ("a",) == compared.recommended


def test_one_diverged_run_leaves_the_power_of_the_others_alone(simulations):
    """C8b: with the failure rule a diverged run costs its own family alone; without it, all power is lost."""
    simulations //= 3

    def table(rng):
        scores = draw_scores(rng, 12, 4, shift=[0.6, 0.0, 0.0, 0.0])
        scores[5, 3] = 10.0
        return scores

    def seen(chance):
        return lambda rng: compare(table(rng), chance=chance).p[0, 1] <= 0.05

    assert count(simulations, 4, seen(10.0)) > 0.9 * simulations
    assert count(simulations, 4, seen(None)) < 0.1 * simulations


def test_a_failed_family_is_shown_but_neither_tested_nor_recommended():
    """Its mean counts the failure, its pairs say so, and the verdict begins with it."""
    scores = draw_scores(np.random.default_rng(5), 12, 4, shift=[0.0, 0.5, 1.0, 1.5])
    scores[2, 3] = 9.8
    compared = compare(scores, chance=10.0)
    assert scores[:, 3].mean() == pytest.approx(compared.means.mean[3])
    assert [True] * 3 == np.isnan(compared.p[3, :3]).tolist()
    assert ["failed"] * 3 + ["same"] == compared.pairs.verdict[3].tolist()
    assert ("cosine",) == compared.recommended
    assert compared.verdict_text.startswith(
        "First, 1 of 12 runs of rex failed (exact interval 0 to 38 %): worse than 18"
    )
    assert stats.binomtest(1, 12).proportion_ci().high == pytest.approx(compared.failures[0].runs.high)


@pytest.mark.parametrize(
    ("broken", "recommended", "sentence"),
    [
        ([0, 1, 2], ("rex",), "rex is recommended as the only one without a failed run."),
        ([0, 1, 2, 3], (), "none can be recommended."),
    ],
)
def test_where_everything_fails_the_verdict_says_so(broken, recommended, sentence):
    """With fewer than two families left nothing is tested."""
    scores = draw_scores(np.random.default_rng(6), 10, 4)
    scores[0, broken] = 10.0
    compared = compare(scores, chance=10.0)
    assert recommended == compared.recommended
    assert sentence in compared.verdict_text
    assert "No difference between them could be tested." in compared.verdict_text
    assert np.isnan(compared.pairs.omnibus_max_t)


def test_without_runs_or_with_all_diverged_no_limit_is_derived():
    """There is no best median to measure from; a limit that is given stays."""
    settings = Settings(rope=0.3, worst_value=10.0)
    assert FailureRule.of(np.full((3, 2), np.nan), np.ones((3, 2), dtype=bool), settings).limit is None
    assert failure_rule([], ConfirmationPlan(settings)).limit is None
    assert 50.0 == failure_rule([], ConfirmationPlan(replace(settings, failed_at=50.0))).limit
