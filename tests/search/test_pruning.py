"""Pruning within the family: the rules against their definitions, real curves, and the late-improving twin (C17)."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import get_args

import numpy as np
import optuna
import pytest
from optuna.trial import Trial, TrialState

from lrsearch.errors import InputError
from lrsearch.names import PrunerKind
from lrsearch.search.pruning import (
    PRUNERS,
    Direction,
    FamilyPruner,
    Medians,
    PrunerCore,
    RungPruner,
    Rungs,
    make_rule,
)
from tests.search.pruning_helpers import Curve, mean_replay, real_curves, twins

KINDS = tuple(PRUNERS)


def test_every_name_of_a_pruner_has_its_rule() -> None:
    """What a study file may name, and nothing else, is in the table."""
    assert set(get_args(PrunerKind)) == set(KINDS)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 7, 10, 12, 30, 90, 100])
def test_rungs_lie_at_the_rounded_up_fractions_of_the_epochs(epochs: int) -> None:
    """Trials are judged after ceil(1/4), ceil(1/2) and ceil(3/4) of the epochs, never after the last."""
    exact = {math.ceil(Fraction(quarters, 4) * epochs) for quarters in (1, 2, 3)} - {epochs}
    assert exact == {epoch for epoch in range(epochs + 2) if Rungs(epochs).rung(epoch) == epoch}


def test_a_rung_is_not_moved_by_rounding() -> None:
    """0.1 x 30 is epoch 3, though it is a little more than 3 in floating point."""
    assert 3 == Rungs(30, fractions=(0.1,)).rung(3)


def test_rungs_keep_the_best_two_thirds_by_brute_force() -> None:
    """A trial goes on exactly if its value is at least the ceil(2n/3)-th best of the n at its rung, from n = 4 on."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        reported = rng.integers(0, 8, rng.integers(1, 12)).tolist()  # few values, so that ties are frequent
        threshold = sorted(reported, reverse=True)[math.ceil(Fraction(2 * len(reported), 3)) - 1]
        for value in reported:
            expected = len(reported) >= 4 and value < threshold
            assert expected == Rungs(12).prunes(value, reported)


def test_the_median_rule_prunes_what_is_below_the_median() -> None:
    """From five values on, at every epoch but the last."""
    assert [True, True, False, False, False] == [Medians(3).prunes(v, [1, 2, 3, 4, 5]) for v in (1, 2, 3, 4, 5)]
    assert not Medians(3).prunes(1, [1, 2, 3, 4])
    assert [1, 2, None] == [Medians(3).rung(epoch) for epoch in (1, 2, 3)]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_verdicts_know_the_direction(direction: Direction) -> None:
    """Whichever way is better, the worst third goes; NaN is the worst of all."""
    core = PrunerCore(make_rule("rungs", 4), direction=direction)
    sign = 1 if direction == "maximize" else -1
    values = [sign * value for value in (1.0, 2.0, 3.0, 4.0, 5.0)] + [math.nan]
    for value in values:
        core.report("cosine", 1, value)
    assert [True, False, False, False, False, True] == [core.should_prune("cosine", 1, value) for value in values]


def test_families_and_epochs_are_apart() -> None:
    """Values of another family, or of another epoch, are no reason to prune."""
    core = PrunerCore(make_rule("rungs", 12))
    for value in (0.5, 0.6, 0.7, 0.8):
        core.report("cosine", 3, value)
        core.report("linear", 3, 0.1)
        core.report("cosine", 6, 0.9)
    assert core.should_prune("cosine", 3, 0.5)
    assert not core.should_prune("linear", 3, 0.1)
    assert not core.should_prune("cosine", 6, 0.9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_optuna_pruner_gives_the_verdicts_of_the_core(kind: PrunerKind, direction: Direction) -> None:
    """Six trials at a time, some failing: the pruner that reads the study agrees with the values in memory."""
    rng = np.random.default_rng(0)
    study = optuna.create_study(direction=direction, pruner=FamilyPruner(make_rule(kind, 8)))
    core = PrunerCore(make_rule(kind, 8), direction=direction)
    verdicts = []
    for _ in range(6):
        trials = [study.ask() for _ in range(6)]
        families = [str(trial.suggest_categorical("family", ["cosine", "linear"])) for trial in trials]
        running = dict(enumerate(trials))
        for epoch in range(1, 9):
            values = {i: float(rng.integers(0, 20)) for i in running}
            for i, trial in running.items():
                trial.report(values[i], epoch)
                core.report(families[i], epoch, values[i])
            for i, trial in list(running.items()):
                expected = core.should_prune(families[i], epoch, values[i])
                verdicts.append(expected)
                assert expected == trial.should_prune()
                if expected:
                    study.tell(running.pop(i), state=TrialState.PRUNED)
        for trial in running.values():
            study.tell(trial, 0.0)
    assert (kind != "none") == any(verdicts)


def test_failed_trials_do_not_count() -> None:
    """Four failed trials with better values at the rung are no reason to prune."""
    study = optuna.create_study(direction="maximize", pruner=RungPruner(4))
    for value in (0.9, 0.9, 0.9, 0.9, 0.1):
        trial = study.ask()
        trial.suggest_categorical("family", ["cosine"])
        trial.report(value, 1)
        if value == 0.9:
            study.tell(trial, state=TrialState.FAIL)
    assert not trial.should_prune()


@pytest.mark.parametrize("kind", KINDS)
def test_pruners_work_in_plain_optuna(kind: PrunerKind) -> None:
    """Under `study.optimize`, rungs and medians stop a fair share of 40 trials, all in time, and `none` stops none."""
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=FamilyPruner(make_rule(kind, 4))
    )

    def objective(trial: Trial) -> float:
        trial.suggest_categorical("family", ["cosine", "linear"])
        quality = trial.suggest_float("quality", 0, 1)
        for epoch in range(1, 5):
            trial.report(quality, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return quality

    study.optimize(objective, n_trials=40)
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    assert all(trial.last_step < 4 for trial in pruned)
    assert not pruned if kind == "none" else 10 <= len(pruned) <= 35


def of_real_curves(rng: np.random.Generator) -> list[Curve]:
    """Return the 40 real curves in random order."""
    curves = real_curves()
    return [curves[i] for i in rng.permutation(len(curves))]


def test_on_real_curves_rungs_spare_every_familys_best_trial_and_shared_pruning_does_not() -> None:
    """Of 8 families' best trials: rungs within the family kill below 0.5, the median over all families above 2."""
    within = mean_replay(of_real_curves, lambda: PrunerCore(make_rule("rungs", 12)), repetitions=50, seed=0)
    shared = mean_replay(
        of_real_curves, lambda: PrunerCore(make_rule("median", 12)), repetitions=50, seed=0, shared=True
    )
    assert within.killed < 0.5
    assert within.epochs_used < 0.95
    assert shared.killed > 2


def late_twin(kind: PrunerKind, *, repetitions: int = 20, lanes: int = 8, shared: bool = False) -> tuple[float, float]:
    """Return what pruning costs the late-improving twin in points, and by how much more often it is pruned."""
    mean = mean_replay(
        lambda rng: twins(rng, trials=30, epochs=20),
        lambda: PrunerCore(make_rule(kind, 20)),
        repetitions=repetitions,
        seed=0,
        lanes=lanes,
        shared=shared,
    )
    return mean.loss["late"], mean.pruned["late"] - mean.pruned["early"]


@pytest.mark.parametrize("kind", ["rungs", "median"])
def test_c17_a_late_improving_twin_is_treated_as_its_early_one(kind: PrunerKind) -> None:
    """Within the family: a loss below 0.1 points, prune rates within 10 points of each other."""
    loss, gap = late_twin(kind)
    assert loss < 0.1
    assert abs(gap) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("kind", ["rungs", "median"])
def test_c17_at_full_size(kind: PrunerKind, lanes: int) -> None:
    """The same bounds over 2,000 searches, one trial after the other and 16 side by side."""
    loss, gap = late_twin(kind, repetitions=2000, lanes=lanes)
    assert loss < 0.1
    assert abs(gap) < 0.1


@pytest.mark.parametrize("kind", ["rungs", "median"])
def test_c17_fails_when_the_families_share_their_pruning(kind: PrunerKind) -> None:
    """The same simulation, the wrong way: both bounds are broken, so the check can fail."""
    loss, gap = late_twin(kind, shared=True)
    assert loss > 0.1
    assert gap > 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rungs(0), "epochs must be at least 1, got 0"),
        (lambda: Rungs(12, keep=0.0), "keep must be above 0 and at most 1"),
        (lambda: Rungs(12, fractions=(0.5, 1.0)), "fractions must lie between 0 and 1"),
        (lambda: Rungs(12, min_reports=0), "min_reports must be at least 1"),
        (lambda: make_rule("medians", 12), f"one of {', '.join(PRUNERS)}, got 'medians'"),  # type: ignore[arg-type]
        (lambda: PrunerCore(make_rule("rungs", 12), direction="up"), "maximize or minimize"),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    """Each error names the parameter, its rule and the value."""
    with pytest.raises(InputError, match=message):
        make()


def test_sparse_reports_are_judged_at_the_first_one_beyond_a_rung() -> None:
    """Reports after every fourth of 20 epochs: judged at 8, 12 and 16, which follow the rungs 5, 10 and 15."""
    study = optuna.create_study(direction="maximize", pruner=RungPruner(20))
    stopped = []

    def objective(trial: Trial) -> float:
        for epoch in range(4, 21, 4):
            trial.report(float(-trial.number), epoch)
            if trial.should_prune():
                stopped.append(epoch)
                raise optuna.TrialPruned
        return float(-trial.number)

    study.optimize(objective, n_trials=6)
    assert [8, 8, 8] == stopped  # the first three trials are too few to judge the others by


def test_a_report_that_passes_two_rungs_is_judged_by_the_later_one() -> None:
    """Reports after 2, 11 and 20 of 20 epochs: 11 is beyond the rungs 5 and 10, and the trial is judged once."""
    rungs = Rungs(20)
    assert [None, 10, None] == [rungs.rung(epoch) for epoch in (2, 11, 20)]
