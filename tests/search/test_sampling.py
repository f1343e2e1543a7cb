"""FamilySampler: balance and reproducibility."""

import multiprocessing
import pickle
import warnings
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import optuna
import pytest
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, PartialFixedSampler
from optuna.trial import Trial

from lrsearch.errors import InputError
from lrsearch.experiment.space.suggest import suggest_schedule
from lrsearch.names import SamplerKind
from lrsearch.search.digest import family_in_turn
from lrsearch.search.sampling import FamilySampler
from lrsearch.storage import open_storage
from tests.search.sampling_helpers import THREE, accuracy, fail, families_of, finish, make_space, make_study, run, work

KINDS: tuple[SamplerKind, ...] = get_args(SamplerKind)


def assert_rounds(families: list[str], names: tuple[str, ...] = THREE) -> None:
    """Assert that every consecutive block of K trials holds every family once."""
    for start in range(0, len(families) - len(names) + 1, len(names)):
        assert sorted(names) == sorted(families[start : start + len(names)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_sequence(kind: SamplerKind) -> None:
    """Two studies with one seed ask the same trials; another seed asks others."""
    space = make_space()
    one, same, other = (
        run(make_study(space, kind=kind, seed=seed), space, trials) for seed, trials in ((1, 39), (1, 39), (2, 18))
    )
    assert one == same
    assert all(a != b for a, b in zip(one[:18], other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_continued_elsewhere_goes_on_as_if_never_interrupted(kind: SamplerKind, tmp_path: Path) -> None:
    """Three runs of a stored study, each with new objects, ask what one run asks; TPE is past its random start."""
    space = make_space(("constant",))
    whole = run(make_study(space, kind=kind), space, 30)
    parts = []
    for trials in (7, 12, 11):
        storage = open_storage(f"journal:///{tmp_path}/study.log")
        parts += run(make_study(make_space(("constant",)), kind=kind, storage=storage), space, trials)
    assert whole == parts


@pytest.mark.parametrize("kind", KINDS)
def test_a_proposal_depends_on_the_study_alone(kind: SamplerKind) -> None:
    """With 16 running trials that end in any order, a sampler that saw it all and a new one propose the same."""
    space, rng = make_space(("constant",)), np.random.default_rng(0)
    study = make_study(space, kind=kind)
    running: list[Trial] = []
    for _ in range(70):
        running.append(study.ask())
        if len(study.trials) > 60:
            asked = study.get_trials(deepcopy=False)[-1]
            names = study.sampler.infer_relative_search_space(study, asked)
            seen_all = study.sampler.sample_relative(study, asked, names)
            assert FamilySampler(space, kind=kind, seed=0).sample_relative(study, asked, names) == seen_all
        space.suggest(running[-1])
        if len(running) == 16:
            finish(study, running.pop(rng.integers(16)))


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
    """With eight running trials that end, or fail, in any order, no family is ever ahead by more than failed ones."""
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


@pytest.mark.integration
def test_four_processes_share_the_rounds_and_repeat_nothing(tmp_path: Path) -> None:
    """Four processes on one SQLite file, two running trials each: rounds are complete, no parameters come twice."""
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
    with pytest.raises(InputError, match="kind must be 'gp', 'tpe', 'random' or 'qmc', got 'cma'"):
        FamilySampler(make_space(), kind="cma", seed=0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 or more, got -1"):
        FamilySampler(make_space(), seed=-1)


def test_a_users_own_objective_is_searched_as_a_study_is() -> None:
    """The sampler for `suggest_schedule` deals the families out evenly; PartialFixedSampler fixes one of them."""
    given = {"total_steps": 100, "families": ("constant", "cosine", "linear")}

    def objective(trial: Trial) -> float:
        schedule = suggest_schedule(trial, **given)
        assert trial.params["base_lr"] == schedule.base_lr
        return schedule.base_lr

    study = optuna.create_study(sampler=FamilySampler.for_schedules(**given, seed=3))
    study.optimize(objective, n_trials=6)
    assert {"constant": 2, "cosine": 2, "linear": 2} == Counter(trial.params["family"] for trial in study.trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.sampler = PartialFixedSampler({"family": "linear"}, study.sampler)
    study.optimize(objective, n_trials=8)
    assert {"linear"} == {trial.params["family"] for trial in study.trials[6:]}
    assert 10 == len({str(trial.params) for trial in study.trials if trial.params["family"] == "linear"})


def test_a_fixed_family_is_searched_by_its_own_sampler() -> None:
    """Under PartialFixedSampler the n-th trial of the family takes the n-th Sobol point, as it would without."""
    given = {"total_steps": 100, "families": ("linear",)}

    def base_rates(sampler: BaseSampler) -> list[float]:
        study = optuna.create_study(sampler=sampler)
        study.optimize(lambda trial: suggest_schedule(trial, **given).base_lr, n_trials=5)
        return [trial.params["base_lr"] for trial in study.trials]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        fixed = PartialFixedSampler({"family": "linear"}, FamilySampler.for_schedules(**given, kind="qmc", seed=3))
    assert base_rates(FamilySampler.for_schedules(**given, kind="qmc", seed=3)) == base_rates(fixed)


def test_a_free_form_begins_each_round_near_the_best_named_curve() -> None:
    """Within its ranges: of the best finished trial, and the same after a restart."""
    space = make_space(("linear", "cosine", "spline"))
    study = make_study(space, seed=4)
    values = {"linear": 0.8, "cosine": 0.7, "spline": 0.1}
    asked = []
    for _ in range(10):
        trial = study.ask()
        asked.append(space.suggest(trial))
        study.tell(trial, values[asked[-1]["family"]])
    first, best = asked[2], next(params for params in asked if params["family"] == "linear")
    assert "spline" == first["family"]
    assert (best["base_lr"], best["warmup_steps"]) == (first["base_lr"], first["warmup_steps"])
    named, free = space.schedule(best), space.schedule(first)
    points = np.linspace(named.warmup_steps, 1000, 5).round().astype(int)[:4]
    np.testing.assert_allclose(free.lr(points), named.lr(points), rtol=0.02)
    assert 1e-4 <= first["factor_5"] <= 1
    assert {params["family"] for params in asked[3:7]} == {"spline"}
