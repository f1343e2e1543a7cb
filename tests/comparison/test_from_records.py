"""From the records of a confirmation to a comparison: which runs count, and which are refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison import Against, Groups, compare_scores
from lrsearch.comparison.from_records import ConfirmationPlan, compare_records, require_independent_units
from lrsearch.comparison.inference.flips import flip_pairs
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.comparison.settings import Settings
from lrsearch.errors import InputError
from lrsearch.metric import Metric
from tests.comparison.simulations import SEED_SD, count, draw_scores, keeps, search_winners, shared_study
from tests.confirmation_examples import noisy, run_of, table_of

PLAN = ConfirmationPlan(Settings(rope=0.3, worst_value=10.0))
SCORES = {"cosine": noisy(91.0, 8), "linear": noisy(90.9, 8), "constant": noisy(89.0, 8)}


def _compare(records, plan=PLAN):
    return compare_records(records, plan, np.random.default_rng(0))


def test_it_is_the_comparison_of_the_table_of_scores() -> None:
    """Records in any order give what `compare_scores` gives for the same points, blocks and time."""
    records = table_of(SCORES)
    compared = _compare([*reversed(records)])
    table = np.array([SCORES[name] for name in compared.families]).T
    expected = compare_scores(
        table, compared.families, rope=0.3, rng=np.random.default_rng(0), chance=10.0, block_seconds=6.0
    )
    np.testing.assert_allclose(expected.p, compared.p)
    np.testing.assert_allclose(expected.low, compared.low)
    assert (8, 6.0, "constant") == (compared.blocks, compared.block_seconds, compared.families[0])
    assert "cosine" in compared.recommended
    assert "constant" not in compared.recommended


def test_only_whole_blocks_count() -> None:
    """A block in which one entry is lacking, as after an interruption, is no block."""
    records = [r for r in table_of(SCORES) if not (r.family == "linear" and r.block == 3)]
    compared = _compare(records)
    assert 7 == compared.blocks
    np.testing.assert_allclose(
        np.delete(SCORES["cosine"], 3).mean(), compared.means.mean[compared.families.index("cosine")]
    )


def test_blocks_beyond_the_plan_do_not_count() -> None:
    """However good later blocks are, the verdict of the planned ones stays what it was."""
    before = _compare(table_of({name: values[:7] for name, values in SCORES.items()}))
    later = {**SCORES, "constant": [*SCORES["constant"][:7], 99.0]}
    compared = _compare(table_of(later), replace(PLAN, blocks=7))
    assert 7 == compared.blocks
    np.testing.assert_array_equal(before.p, compared.p)
    assert 8 == _compare(table_of(later)).blocks


def test_reduce_on_plateau_is_left_out() -> None:
    """It reads a metric, so that neither it nor a fixed schedule of its kind is compared, and one warning says so."""
    more = {"reduce_on_plateau": SCORES["cosine"], "by patience": SCORES["linear"]}
    compared = _compare(table_of(SCORES) + table_of(more, schedule={"family": "reduce_on_plateau"}))
    assert tuple(SCORES) == compared.families
    (warning,) = [w for w in compared.warnings if "reduce_on_plateau" in w]
    assert warning.startswith("left out of the comparison, though confirmed: reduce_on_plateau, by patience")
    assert "reads a metric and so uses more information than the others" in warning
    assert not any("left out" in w for w in _compare(table_of(SCORES)).warnings)


def test_the_tie_breaker_that_decided_is_named() -> None:
    """Of two that are not told apart, the one with fewer parameters, or else the one with the smaller SD."""

    def text(first: str, second: str) -> str:
        return _compare(table_of({first: noisy(90.0, 8, sd=0.3), second: noisy(90.01, 8, sd=0.4)})).verdict_text

    assert "of them constant is preferred for fewer parameters." in text("cosine", "constant")
    assert "of them cosine is preferred for a smaller SD over blocks." in text("cosine", "linear")


def test_a_loss_is_better_where_it_is_lower() -> None:
    """The family of the lowest metric is recommended, and nothing counts as failed."""
    losses = {"cosine": noisy(20.0, 8), "constant": noisy(40.0, 8)}
    compared = _compare(
        table_of(losses), replace(PLAN, settings=Settings(rope=0.01, metric=Metric("loss", "minimize", "units")))
    )
    assert ("cosine",) == compared.recommended
    assert () == compared.failures


def test_a_diverged_run_takes_its_family_out() -> None:
    """Its failure comes first, its mean is that of its other runs, and the others are compared without it."""
    records = table_of(SCORES)
    at = next(i for i, r in enumerate(records) if r.family == "cosine")
    records[at] = run_of("cosine", 0, 10.0, stop_reason="diverged")
    compared = _compare(records)
    assert ["cosine"] == [failure.family for failure in compared.failures]
    assert "cosine" not in compared.recommended
    assert compared.verdict_text.startswith("First, 1 of 8 runs of cosine failed")
    np.testing.assert_allclose(np.mean(SCORES["cosine"][1:]), compared.means.mean[compared.families.index("cosine")])


@pytest.mark.parametrize("seed", ["split_seed", "init_seed", "order_seed"])
def test_blocks_that_are_not_independent_are_refused(seed) -> None:
    """Two blocks on one split, initialisation or order are refused, and so is a block that is not paired."""
    shared = [replace(r, **{seed: 1}) if r.block in (2, 5) else r for r in table_of(SCORES)]
    with pytest.raises(InputError, match=f"its own {seed[:-5]} seed"):
        _compare(shared)
    unpaired = [replace(r, **{seed: 77}) if (r.block, r.family) == (2, "linear") else r for r in table_of(SCORES)]
    with pytest.raises(InputError, match="not paired"):
        _compare(unpaired)
    # Only a control may have seeds of its own.
    assert 8 == _compare(unpaired, replace(PLAN, controls=("linear",))).blocks


def test_a_family_without_a_finished_trial_is_named_in_the_claim() -> None:
    """The verdict says of whom it cannot speak, and the family leaves its group."""
    plan = replace(PLAN, left_out=("rex", "step")).with_settings(claim="these families, tuned with 5 trials by tpe")
    assert "these families, tuned with 5 trials by tpe (without rex, step, of which no trial was finished)" in (
        _compare(table_of(SCORES), plan).verdict_text
    )
    groups = Groups({"decay": ["cosine", "linear", "rex"], "none": ["constant"], "steps": ["step"]})
    assert ("decay", "none") == _compare(table_of(SCORES), plan.with_settings(contrasts=groups)).families
    with pytest.raises(InputError, match="groups must be"):
        _compare(table_of(SCORES), PLAN.with_settings(contrasts=groups))


def test_planned_contrasts_reach_the_tests() -> None:
    """With one reference the other pairs are not tested."""
    compared = _compare(table_of(SCORES), PLAN.with_settings(contrasts=Against("constant")))
    cosine, linear, constant = (compared.families.index(name) for name in SCORES)
    assert np.isnan(compared.p[cosine, linear])
    assert compared.p[cosine, constant] < 0.05


def test_too_little_is_refused() -> None:
    """One entry or no whole block: the error says what is needed; fewer than six blocks are shown and not judged."""
    with pytest.raises(InputError, match="at least 2 candidates, got cosine"):
        _compare(table_of({"cosine": SCORES["cosine"]}))
    with pytest.raises(InputError, match="at least 2 candidates, got none"):
        _compare([])
    with pytest.raises(InputError, match="every candidate has been run, got none"):
        _compare([run_of("cosine", 0, 90.0), run_of("linear", 1, 90.0)])
    few = _compare(table_of({name: values[:5] for name, values in SCORES.items()}))
    assert "5 paired blocks are shown and not judged: a verdict needs at least 6" in few.verdict_text
    assert (False, (), 6.0) == (few.judged, few.recommended, few.block_seconds)
    assert "only 8 blocks" in _compare(table_of(SCORES)).warnings[0]


def _with_images(images: int = 400):
    rng = np.random.default_rng(1)
    shares = {"cosine": 0.92, "constant": 0.8}
    rows = {(n, b): rng.random(images) < share for n, share in shares.items() for b in range(7)}
    return [run_of(n, b, 100 * right.mean(), test_correct=right) for (n, b), right in rows.items()]


def test_images_are_crossed_where_every_run_kept_them() -> None:
    """Per-example results make the intervals hold for other images; where one run lacks them they are left away."""
    records = _with_images()
    assert (True, 400) == (_compare(records).includes_test_sampling, _compare(records).test_examples)
    lacking = [replace(records[0], test_correct=None), *records[1:]]
    assert not _compare(lacking).includes_test_sampling
    other_metric = [  # whose mean the examples are not
        replace(record, test_accuracy=0.5 * record.test_accuracy) for record in records
    ]
    assert not _compare(other_metric).includes_test_sampling
    diverged = [run_of("cosine", 0, 10.0, stop_reason="diverged"), *records[1:], *_other_images()]
    compared = _compare(diverged)
    assert (True, ["cosine"]) == (compared.includes_test_sampling, [failure.family for failure in compared.failures])


def test_losses_of_examples_widen_the_intervals_in_the_unit_of_the_metric() -> None:
    """Seeds alone differ by little here, and examples by much: the standard error is that of the examples."""
    rng = np.random.default_rng(3)
    of_example = {"cosine": rng.normal(2.0, 1.0, 400), "constant": rng.normal(2.2, 1.0, 400)}
    records = [
        run_of(name, block, 100 * losses.mean(), test_correct=losses.astype(np.float32))
        for name, base in of_example.items()
        for block in range(7)
        for losses in [base + rng.normal(0, 0.01)]
    ]
    plan = ConfirmationPlan(Settings(rope=0.05, metric=Metric.of_scores("loss", "minimize", "nats")))
    without = [replace(record, test_correct=None) for record in records]
    crossed, seeds = (_compare(runs, plan) for runs in (records, without))
    assert (seeds.high - seeds.low).max() < 0.05
    assert 0.2 < (crossed.high - crossed.low).max() < 0.7  # the standard error is 0.07


def _other_images():
    rng = np.random.default_rng(2)
    rows = [rng.random(400) < 0.85 for _ in range(7)]
    return [run_of("linear", b, 100 * right.mean(), test_correct=right) for b, right in enumerate(rows)]


def rejects(scores, rng):
    return (max_t(flip_pairs(scores, rng), 0.05).p_step_down <= 0.05).any()


def seeds(blocks=6, families=4):
    """Return fresh seeds of independent units."""
    table = np.repeat(np.arange(blocks)[:, None], families, axis=1)
    return {"split_seeds": table.copy(), "order_seeds": table + 100, "init_seeds": table + 200}


def test_searches_are_the_units_of_a_claim_about_families(simulations):
    """C8: with one winner per search, identical families are told apart rarely; with seeds of one winner, often."""

    def retrained(winners, rng):
        return winners + rng.normal(0.0, SEED_SD, (10, 8))

    right = count(simulations, 1, lambda rng: rejects(retrained(search_winners(rng, 10, 8), rng), rng))
    failing = count(simulations, 1, lambda rng: rejects(retrained(search_winners(rng, 1, 8), rng), rng))
    assert keeps(right, simulations, 0.0, 0.065)
    assert failing / simulations > 0.4


def test_trials_of_one_study_are_no_samples():
    """C9: Kruskal on the trials of a shared study tells identical families apart in more than half of the studies."""

    def told_apart(rng):
        family, value = shared_study(rng)
        return stats.kruskal(*[value[family == name] for name in range(8) if (family == name).any()]).pvalue < 0.05

    assert count(100, 2, told_apart) > 50


def test_units_that_share_variance_are_told_apart_by_nothing_but_their_seeds(simulations):
    """C8b: 5 % of shared variance breaks the error rate, which is why shared seeds are refused."""

    def shared(rng):
        values = draw_scores(rng, 12, 8, sd=SEED_SD * np.sqrt(0.95))
        return rejects(values + rng.normal(0.0, SEED_SD * np.sqrt(0.05), 8), rng)

    assert not keeps(count(simulations, 3, shared), simulations, 0.0, 0.065)


@pytest.mark.parametrize("kind", ["split", "order", "init"])
def test_shared_seeds_are_refused(kind):
    """C8b: fresh paired seeds pass; a seed that two blocks share, or that differs inside a block, is named."""
    require_independent_units(**seeds())
    shared = seeds()
    shared[f"{kind}_seeds"][4] = shared[f"{kind}_seeds"][1]
    with pytest.raises(InputError, match=f"own {kind} seed, but blocks 1, 4 share"):
        require_independent_units(**shared)
    unpaired = seeds()
    unpaired[f"{kind}_seeds"][3, 2] = 999
    with pytest.raises(InputError, match=f"the {kind} seed must be the same for all families of a block, but block 3"):
        require_independent_units(**unpaired)
    with pytest.raises(InputError, match="must have the axes"):
        require_independent_units(**(seeds() | {f"{kind}_seeds": [1, 2]}))
