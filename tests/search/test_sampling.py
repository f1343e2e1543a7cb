"""FamilySampler: balance, reproducibility, isolation of the families, and its three kinds."""

import math
import multiprocessing
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import Trial, TrialState, create_trial
from scipy.stats import qmc

from lrsearch.errors import InputError
from lrsearch.search.sampling import FamilySampler, SamplerKind, family_in_turn
from lrsearch.search.shadow import derived_seed
from lrsearch.search.space import Space
from lrsearch.storage import open_storage
from tests.search.sampling_helpers import THREE, accuracy, fail, finish, make_space, make_study, plain_space, run, work

KINDS: tuple[SamplerKind, ...] = ("tpe", "random", "qmc")


def families_of(study: optuna.Study) -> list[str]:
    """Return the families of the trials that have not failed, by number."""
    return [t.params["family"] for t in study.get_trials(deepcopy=False) if t.state != TrialState.FAIL]


def assert_rounds(families: list[str], names: tuple[str, ...] = THREE) -> None:
    """Assert that every consecutive block of K trials holds every family once."""
    for start in range(0, len(families) - len(names) + 1, len(names)):
        assert sorted(names) == sorted(families[start : start + len(names)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_sequence(kind: SamplerKind) -> None:
    """Two studies with one seed ask the same trials; another seed asks others."""
    space = make_space()
    one, same, other = (run(make_study(space, kind=kind, seed=seed), space, 39) for seed in (1, 1, 2))
    assert one == same
    assert all(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_continued_elsewhere_goes_on_as_if_never_interrupted(kind: SamplerKind, tmp_path: Path) -> None:
    """Three runs of a stored study, each with new objects, ask what one run asks; TPE is past its random start."""
    space = make_space(("constant",))
    whole = run(make_study(space, kind=kind), space, 30)
    parts = []
    for trials in (7, 12, 11):
        storage = open_storage(f"sqlite:///{tmp_path}/study.db")
        parts += run(make_study(make_space(("constant",)), kind=kind, storage=storage), space, trials)
    assert whole == parts


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_taken_up_again_changes_nothing_after_it(kind: SamplerKind) -> None:
    """A trial that failed and was queued again with its parameters counts once."""
    space = make_space(("constant", "cosine"))
    whole = run(make_study(space, kind=kind), space, 34)
    study = make_study(space, kind=kind)
    asked = run(study, space, 5)
    interrupted = study.ask()
    params = space.suggest(interrupted)
    fail(study, interrupted)
    study.enqueue_trial(params)
    assert whole == asked + run(study, space, 29)


@pytest.mark.parametrize("kind", KINDS)
def test_every_round_holds_every_family_once(kind: SamplerKind) -> None:
    """Blocks of K trials are permutations of the families, and not all the same one."""
    study = make_study(make_space(), kind=kind)
    run(study, make_space(), 30)
    families = families_of(study)
    assert_rounds(families)
    assert len({tuple(families[i : i + 3]) for i in range(0, 30, 3)}) > 1


def test_the_place_of_a_failed_trial_is_given_again() -> None:
    """With a third of the trials failing at once, rounds of those that did not fail are complete all the same."""
    space, rng = make_space(), np.random.default_rng(0)
    study = make_study(space, kind="random")
    while len(families_of(study)) < 30:
        trial = study.ask()
        space.suggest(trial)
        fail(study, trial) if rng.random() < 1 / 3 else finish(study, trial)
    assert_rounds(families_of(study))
    assert len(study.trials) > 35


def test_a_late_failure_is_made_up_for() -> None:
    """With eight trials in flight that end, or fail, in any order, no family is ever ahead by more than failed ones."""
    space, rng = make_space(), np.random.default_rng(1)
    study = make_study(space)
    running: list[Trial] = []
    while len(study.trials) < 60:
        while len(running) < 8:
            running.append(study.ask())
            space.suggest(running[-1])
        trial = running.pop(rng.integers(8))
        fail(study, trial) if rng.random() < 0.2 else finish(study, trial)
    for trial in running:
        finish(study, trial)
    run(study, space, 3)
    counts = Counter(families_of(study)).values()
    assert max(counts) - min(counts) <= 1


def test_trials_whose_family_is_not_written_yet_are_foreseen() -> None:
    """Trials that several workers have asked for, and that have no parameters yet, get a full round of families."""
    space = make_space()
    storage = optuna.storages.InMemoryStorage()
    workers = [make_study(space, storage=storage) for _ in range(3)]
    for _ in range(4):
        asked = [study.ask() for study in workers]
        for trial in reversed(asked):
            space.suggest(trial)
        assert sorted(THREE) == sorted(trial.params["family"] for trial in asked)
        for study, trial in zip(workers, asked, strict=True):
            finish(study, trial)


def test_four_processes_share_the_rounds_and_repeat_nothing(tmp_path: Path) -> None:
    """Four processes on one SQLite file, two trials in flight each: rounds are complete, no parameters come twice."""
    space = make_space()
    url = f"sqlite:///{tmp_path}/study.db"
    study = make_study(space, storage=open_storage(url))
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(url, space, 6)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(study.trials) == 24
    assert_rounds(families_of(study))
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 24


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


@pytest.mark.parametrize("kind", KINDS)
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
    """The n-th trial of a family is SciPy's n-th scrambled Sobol point, whatever the other family does."""
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


def test_an_enqueued_family_is_kept_and_gets_its_own_parameters() -> None:
    """A trial queued with a family alone gets this family's other parameters, and its turn counts."""
    space = make_space()
    study = make_study(space)
    study.enqueue_trial({"family": "one_cycle"})
    study.enqueue_trial({"family": "one_cycle", "base_lr": 0.5})
    first, second = run(study, space, 2)
    assert [first["family"], second["family"], second["base_lr"]] == ["one_cycle", "one_cycle", 0.5]
    run(study, space, 4)
    assert dict.fromkeys(THREE, 2) == Counter(families_of(study))


def test_values_outside_the_space_disturb_nobody() -> None:
    """Trials of a user's own (other parameters, values out of range, no family) are left out of a family's study."""
    space = make_space(("constant",))
    study = make_study(space)
    study.add_trial(create_trial(value=0.1))
    odd = {"family": "constant", "base_lr": 7.0, "warmup_steps": 3}
    wide = {**space.distributions("constant"), "base_lr": FloatDistribution(0.01, 10.0, log=True)}
    for _ in range(12):
        study.add_trial(
            create_trial(value=0.1, params=odd, distributions={"family": space.family_distribution, **wide})
        )
    assert len(run(study, space, 3)) == 3


def test_the_sampler_survives_pickling() -> None:
    """A sampler that was sent to another process asks what the original asks."""
    space = make_space()
    study = make_study(space)
    sent = optuna.create_study(sampler=pickle.loads(pickle.dumps(study.sampler)), direction="maximize")
    assert run(study, space, 6) == run(sent, space, 6)


def test_threads_of_one_study_share_the_rounds() -> None:
    """`study.optimize` with two threads gives every family its share."""
    space = make_space()
    study = make_study(space)
    study.optimize(lambda trial: accuracy(space.suggest(trial)), n_trials=12, n_jobs=2)
    assert dict.fromkeys(THREE, 4) == Counter(families_of(study))


def test_the_round_is_a_seeded_permutation() -> None:
    """The first family of a round is the first of its permutation that has not had its turn."""
    names = list("abcde")
    given = Counter(dict.fromkeys(names, 0))
    rounds = []
    for _ in range(3):
        for _ in names:
            rounds.append(family_in_turn(given, seed=4))
            given[rounds[-1]] += 1
    for start in range(0, 15, 5):
        order = np.random.default_rng([4, start // 5]).permutation(5)
        assert [names[i] for i in order] == rounds[start : start + 5]


def test_bad_arguments_are_refused() -> None:
    """An unknown kind and a negative seed are errors that name the value."""
    with pytest.raises(InputError, match="tpe, random, qmc, got 'cma'"):
        FamilySampler(make_space(), kind="cma", seed=0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 or more, got -1"):
        FamilySampler(make_space(), seed=-1)
