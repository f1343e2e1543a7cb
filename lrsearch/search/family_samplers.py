"""What a family's own sampler sees: a study in memory with the trials of that family and no others."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from lrsearch.experiment.space.distributions import discrete_values

Params = dict[str, Any]
Distributions = Mapping[str, BaseDistribution]

MOST_TRIALS = 1000
"""Of a family with more finished trials, TPE is shown its best and its newest (see `ShadowStudy`)."""

_BEST = 25  # as many as TPE counts as good in a long study
_SPENT_SLACK = 64  # withdrawn trials that a shadow may hold beyond its live ones before it is rebuilt


def derived_seed(seed: int, *words: str | int) -> int:
    """Return a 32-bit seed from `seed` and `words`, equal on every machine and in every process."""
    entropy = [seed, *(zlib.crc32(word.encode()) if isinstance(word, str) else word for word in words)]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def random_draw(study: Study, trial: FrozenTrial, distributions: Distributions, seed: int) -> Params:
    """Draw every parameter of `distributions` independently from its range."""
    draw = RandomSampler(seed=seed)
    return {
        # Drawn, the one value of a logarithmic range comes back rounded.
        name: discrete_values(one)[0] if one.single() else draw.sample_independent(study, trial, name, one)
        for name, one in distributions.items()
    }


class ShadowStudy:
    """The trials of one family as a study of their own, for a sampler that splits good trials from bad ones.

    Finished trials stay; those still running are lent for one question and then withdrawn as failed, which samplers
    overlook. Trials outside `distributions` (a user's own, enqueued with values out of range) are left out. So that a
    question costs the same however many trials there are, at most `MOST_TRIALS` of the newest are in it, at least half
    of these, and the best 25 of those before them: the good trials of TPE are then those of the whole family.
    """

    def __init__(self, distributions: Distributions, direction: StudyDirection) -> None:
        self._distributions = dict(distributions)
        self._direction = direction
        self._study = _quiet_study(direction)
        self._first = 0  # of the newest finished trials that it holds
        self._synced = 0
        self._spent = 0

    def ask(self, sampler: BaseSampler, finished: Sequence[FrozenTrial], running: Sequence[FrozenTrial]) -> Params:
        """Return what `sampler` proposes after `finished` (a list that only grows) while `running` are under way."""
        first = _first_shown(len(finished))
        if first != self._first or self._spent > len(finished) - first + _SPENT_SLACK:
            self._study, self._first, self._synced, self._spent = _quiet_study(self._direction), first, first, 0
            for trial in self._best(finished[:first]):
                self._mirror(trial)
        for trial in finished[self._synced :]:
            self._mirror(trial)
        self._synced = len(finished)
        first_lent = len(self._study.get_trials(deepcopy=False))
        for trial in running:
            self._mirror(trial)
        self._study.sampler = sampler
        asked = self._study.ask(self._distributions)
        for number in range(first_lent, asked.number + 1):
            self._study.tell(number, state=TrialState.FAIL)
            self._spent += 1
        return asked.params

    def _best(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Return the trials that TPE ranks first, in the order in which they ended."""
        places = [place for place, trial in enumerate(trials) if self._fits(trial)]
        ranked = sorted(places, key=lambda place: _rank(trials[place], self._direction))
        return [trials[place] for place in sorted(ranked[:_BEST])]

    def _fits(self, trial: FrozenTrial) -> bool:
        return all(
            name in trial.params and _holds(one, trial.params[name]) for name, one in self._distributions.items()
        )

    def _mirror(self, trial: FrozenTrial) -> None:
        if not self._fits(trial):
            return
        last = trial.last_step
        copied = create_trial(
            state=trial.state,
            value=trial.value,
            params={name: trial.params[name] for name in self._distributions},
            distributions=self._distributions,
            # Samplers rank a pruned trial by its last report; the rest of the curve is dead weight.
            intermediate_values={} if last is None else {last: trial.intermediate_values[last]},
        )
        self._study.add_trial(copied)


def _first_shown(finished: int) -> int:
    """Return where the newest trials begin: 0, or a multiple of half of `MOST_TRIALS`."""
    step = MOST_TRIALS // 2
    return max(0, -(-(finished - MOST_TRIALS) // step) * step)


def _rank(trial: FrozenTrial, direction: StudyDirection) -> tuple[int, int, float]:
    """Return what TPE sorts by: complete trials by their value, then pruned ones by how far they came."""
    sign = -1 if direction == StudyDirection.MAXIMIZE else 1
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        return 0, 0, sign * trial.value
    if (last := trial.last_step) is None:
        return 2, 0, 0.0
    value = trial.intermediate_values[last]
    return 1, -last, math.inf if math.isnan(value) else sign * value


class SobolPoints:
    """The scrambled Sobol points of one family; the n-th is the same for every process and in every order of asking."""

    def __init__(self, distributions: Distributions, seed: int) -> None:
        self._distributions = dict(distributions)
        self._study = _quiet_study(StudyDirection.MAXIMIZE)
        self._study.sampler = FamilyQMC(self._distributions, seed)
        self._points: list[Params] = []

    def point(self, index: int) -> Params:
        """Return the point number `index`, counted from 0."""
        while len(self._points) <= index:
            self._points.append(self._study.ask(self._distributions).params)
        return dict(self._points[index])


class _TheWholeSpace(BaseSampler):
    """Samplers that are told their space instead of working it out from the past trials."""

    _free: dict[str, BaseDistribution]

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002  (Optuna's interface)
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """Return the parameters that have more than one value."""
        return self._free


class FamilyTPE(_TheWholeSpace, TPESampler):
    """TPE over all parameters of a family jointly; its first `startup_trials` are random."""

    def __init__(self, distributions: Distributions, seed: int, startup_trials: int) -> None:
        super().__init__(seed=seed, n_startup_trials=startup_trials)
        self._free = _free(distributions)


class FamilyQMC(_TheWholeSpace, QMCSampler):
    """Scrambled Sobol points from the first trial on (the stock sampler draws its first trial at random)."""

    def __init__(self, distributions: Distributions, seed: int) -> None:
        with warnings.catch_warnings():
            # Experimental since Optuna 3.0; a test holds the points against SciPy's.
            warnings.simplefilter("ignore", ExperimentalWarning)
            super().__init__(qmc_type="sobol", scramble=True, seed=seed)
        self._free = _free(distributions)


def _free(distributions: Distributions) -> dict[str, BaseDistribution]:
    return {name: one for name, one in distributions.items() if not one.single()}


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return bool(distribution.low <= value <= distribution.high)


def _quiet_study(direction: StudyDirection) -> Study:
    with _optuna_quiet():
        return optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction=direction)


@contextmanager
def _optuna_quiet() -> Iterator[None]:
    """Keep the creation of shadow studies, which no person sees, out of the log."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)
