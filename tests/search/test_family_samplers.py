"""FamilySampler inside a family: isolation, no repeats, and what tpe and qmc do."""

import math
from collections import Counter

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers._tpe.sampler import _split_trials
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.stats import qmc

from lrsearch.experiment.space import Space
from lrsearch.names import SamplerKind
from lrsearch.search import family_samplers
from lrsearch.search.family_samplers import FamilyTPE, ShadowStudy, derived_seed
from lrsearch.trials.history import FINISHED
from tests.search.sampling_helpers import fail, families_of, finish, make_space, make_study, plain_space, run

KINDS: tuple[SamplerKind, ...] = ("tpe", "random", "qmc")


@pytest.mark.parametrize("kind", KINDS)
def test_trials_of_other_families_do_not_change_a_familys_proposals(kind: SamplerKind) -> None:
    """A family asks the same parameters alone, beside good families and beside bad ones."""
    alone = [p["base_lr"] for p in run(make_study(make_space(("cosine",)), kind=kind), make_space(("cosine",)), 20)]
    for others_value in (0.0, 1.0):
        space = make_space()
        study = make_study(space, kind=kind)
        cosine = []
        while len(cosine) < 20:
            trial = study.ask()
            if space.suggest(trial)["family"] == "cosine":
                cosine.append(trial.params["base_lr"])
                finish(study, trial)
            else:
                study.tell(trial, others_value)
        assert alone == cosine


def answer_after(state: TrialState, base_lr: float, warmup_steps: int) -> tuple[float, int]:
    """Return what TPE asks (base rate, warm-up) after 14 trials and eight more close to the given one in `state`."""
    space = make_space(("constant",))
    study = make_study(space)
    run(study, space, 14)
    for i in range(8):
        more = create_trial(
            state=state,
            value=0.1 if state == TrialState.COMPLETE else None,
            params={"family": "constant", "base_lr": base_lr * (1 + (i - 3.5) / 1000), "warmup_steps": warmup_steps},
            distributions={"family": space.family_distribution, **space.distributions("constant")},
            intermediate_values={1: 0.1} if state == TrialState.PRUNED else {},
        )
        study.add_trial(more)
    params = space.suggest(study.ask())
    return params["base_lr"], params["warmup_steps"]


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING])
def test_tpe_learns_from_complete_pruned_and_running_trials(state: TrialState) -> None:
    """Bad, pruned or running trials at the very place where the next would go send it elsewhere."""
    place = answer_after(state, 0.011, 0)
    assert place != answer_after(state, *place)


def test_tpe_does_not_learn_from_failed_trials() -> None:
    """Wherever failed trials were, the place where the next goes is the same."""
    place = answer_after(TrialState.FAIL, 0.011, 0)
    assert place == answer_after(TrialState.FAIL, *place)


@pytest.mark.parametrize("kind", [*KINDS, "gp"])
def test_parameters_never_come_twice(kind: SamplerKind) -> None:
    """In a space of 40 points the first 40 trials of a family are 40 different ones, failed trials counted."""
    space = Space(100, 10, {"a": {"x": CategoricalDistribution(range(8)), "y": CategoricalDistribution("abcde")}})
    study = make_study(space, kind=kind)
    for _ in range(24):
        trial = study.ask()
        space.suggest(trial)
        fail(study, trial) if trial.number % 4 == 0 else study.tell(trial, trial.params["x"])
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 24


def test_a_space_that_is_used_up_is_searched_on() -> None:
    """Where every point has been tried, trials go on with points that are there already."""
    space = Space(100, 10, {"a": {"x": CategoricalDistribution((1, 2))}, "b": {"x": CategoricalDistribution((1, 2))}})
    study = make_study(space)
    for _ in range(12):
        trial = study.ask()
        space.suggest(trial)
        study.tell(trial, 0.0)
    assert Counter(a=6, b=6) == Counter(families_of(study))


def test_qmc_takes_the_scrambled_sobol_points_in_order() -> None:
    """The n-th trial of a family is SciPy's n-th scrambled Sobol point, independent of the other family."""
    space = plain_space(dimensions=3)
    study = make_study(space, kind="qmc", seed=5)
    asked = [space.suggest(study.ask()) for _ in range(16)]
    for family in space.families:
        expected = qmc.Sobol(3, scramble=True, seed=derived_seed(5, family)).random(8)
        actual = [[params[f"x{i}"] for i in range(3)] for params in asked if params["family"] == family]
        np.testing.assert_allclose(expected, actual, rtol=1e-12)


def test_tpe_beats_random_search_inside_a_family() -> None:
    """On a smooth surface in four dimensions, with 40 trials a family, TPE ends nearer the top in five of six seeds."""
    space = plain_space(dimensions=4)

    def regret(kind: SamplerKind, seed: int) -> float:
        study = make_study(space, kind=kind, seed=seed)
        lowest = dict.fromkeys(space.families, math.inf)
        for _ in range(80):
            trial = study.ask()
            params = space.suggest(trial)
            top = 0.3 if params["family"] == "a" else 0.7
            loss = sum((params[f"x{i}"] - top) ** 2 for i in range(4))
            study.tell(trial, -loss if params["family"] == "a" else -loss - 5.0)  # b is weak, and is searched as well
            lowest[params["family"]] = min(lowest[params["family"]], loss)
        return sum(lowest.values())

    wins = [regret("tpe", seed) < regret("random", seed) for seed in range(6)]
    assert sum(wins) >= 5


@pytest.mark.parametrize("kind", [*KINDS, "gp"])
def test_values_outside_the_space_disturb_no_sampler(kind: SamplerKind) -> None:
    """Trials of a user's own (other parameters, values out of range, no family) end no search."""
    space = make_space(("constant",))
    study = make_study(space, kind=kind)
    study.add_trial(create_trial(value=0.1))
    odd = {"family": "constant", "base_lr": 7.0, "warmup_steps": 3}
    wide = {**space.distributions("constant"), "base_lr": FloatDistribution(0.01, 10.0, log=True)}
    for _ in range(12):
        study.add_trial(
            create_trial(value=0.1, params=odd, distributions={"family": space.family_distribution, **wide})
        )
    assert len(run(study, space, 3)) == 3


LINE = {"x": FloatDistribution(0.0, 1.0)}


def ended(count: int, *, seed: int) -> list[FrozenTrial]:
    """Return finished trials: complete and pruned ones, one of them out of range."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        complete = rng.random() < 0.5
        step, value = int(rng.integers(1, 4)), float(rng.random())
        made.append(
            create_trial(
                state=TrialState.COMPLETE if complete else TrialState.PRUNED,
                value=value,
                params={"x": float(rng.random())},
                distributions=LINE,
                intermediate_values={step: value},
            )
        )
    made[count // 3] = create_trial(value=9.0, params={"x": 5.0}, distributions={"x": FloatDistribution(0.0, 9.0)})
    return made


def asked(shadow: ShadowStudy, finished: list[FrozenTrial], seed: int = 0) -> dict[str, float]:
    return shadow.ask(FamilyTPE(LINE, seed, 4), finished, [])


@pytest.mark.parametrize("direction", list(StudyDirection)[1:])
def test_tpe_is_shown_the_best_and_the_newest_of_a_long_study(monkeypatch, direction: StudyDirection) -> None:
    """The good trials are those of the whole study, the others at least half of the most and at most all of it."""
    trials = ended(230, seed=1)
    fit = [trial for trial in trials if trial.params["x"] <= 1]
    everything = ShadowStudy(LINE, direction)
    asked(everything, trials)
    monkeypatch.setattr(family_samplers, "MOST_TRIALS", 60)
    shadow = ShadowStudy(LINE, direction)
    for count in range(0, len(trials) + 1, 7):
        asked(shadow, trials[:count])
    asked(shadow, trials)
    shown = [trial.params["x"] for trial in shadow._study.get_trials(states=FINISHED)]
    assert shown[-30:] == [trial.params["x"] for trial in fit[-30:]]
    assert 55 <= len(shown) <= 85
    split = [
        [trial.params["x"] for trial in _split_trials(one._study, one._study.get_trials(states=FINISHED), 25)[0]]
        for one in (everything, shadow)
    ]
    assert split[0] == split[1]
    assert len(split[0]) == 25


def test_a_long_study_asks_the_same_after_a_restart(monkeypatch) -> None:
    """What is shown depends on the finished trials alone, not on when they were taken in."""
    monkeypatch.setattr(family_samplers, "MOST_TRIALS", 20)
    trials, running = ended(90, seed=2), ShadowStudy(LINE, StudyDirection.MAXIMIZE)
    for count in range(30, len(trials)):
        fresh = ShadowStudy(LINE, StudyDirection.MAXIMIZE)
        assert asked(running, trials[:count], count) == asked(fresh, trials[:count], count)


def test_up_to_the_most_trials_tpe_is_shown_all(monkeypatch) -> None:
    """Studies that were searched before there was a bound go on as they did."""
    trials = ended(40, seed=3)
    before = [asked(ShadowStudy(LINE, StudyDirection.MAXIMIZE), trials[:count], count) for count in (5, 39, 40)]
    monkeypatch.setattr(family_samplers, "MOST_TRIALS", 40)
    assert before == [asked(ShadowStudy(LINE, StudyDirection.MAXIMIZE), trials[:n], n) for n in (5, 39, 40)]
