"""A study within a budget of time: how many families, trials, epochs and blocks it holds, and what those detect."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.comparison.inference.power import Power, plan_power
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.planning.budgeted_study import POWER, BudgetedStudy, candidates, replicated, searches
from lrsearch.planning.noise import AssumedNoise
from lrsearch.planning.timing import Timing
from lrsearch.schedules import reads_metric
from lrsearch.text import counted, time_in_words

FEWEST_TRIALS = 5
"""Of a family: the best of five random draws is in the best third of the family's range with probability 0.87."""
GOOD_TRIALS = 8
"""Of a family, before blocks beyond the fewest are bought."""

_WELL_KNOWN = ("constant", "linear", "cosine", "warmup_stable_decay")
_FEWEST_FAMILIES = 4
_STAGE_SECONDS = 12.0
"""What the processes of a search, or of a confirmation, take to start."""
_SIMULATIONS = 60
_BLOCKS = (6, 8, 10, 12, 15, 20, 25, 30)


def fit_study(
    experiment: Experiment, timing: Timing, noise: AssumedNoise, *, minutes: float | None = None, spent: float = 0.0
) -> BudgetedStudy:
    """Return the study as it is, or what of it fits into a time.

    Blocks are bought until differences as large as the ROPE are detected with power 0.8, once every family has eight
    trials; the rest of the time is for trials. Where there is no ROPE, or its power is unknown, search and
    confirmation have half the time each. What does not fit loses families, and then epochs. Nothing is ever more than
    the study file says.

    Args:
        experiment: of the study as its file says.
        timing: of one trial.
        noise: from `noise_for`.
        minutes: for all of it; None for no limit.
        spent: how many seconds of them are gone, or kept for something else.

    Raises:
        InputError: if it has fewer blocks than a verdict needs, fewer than two columns are compared, or the time does
            not hold the smallest sound plan, which is named with what it takes.
    """
    config = experiment.config
    rope = config.plan.rope_for(experiment.metric) if noise.unit == experiment.metric.unit else None
    fitting = _Fitting(config, timing, noise, rope)
    if minutes is None:
        return fitting.study(config)
    seconds, smallest = max(0.0, 60 * minutes - spent), None
    for reduced, reductions in _reductions(config):
        if (fitted := fitting.within(reduced, seconds)) is not None:
            return fitting.study(fitted, reductions=(*reductions, *_fewer(config, fitted)))
        smallest = fitting.study(_sized(reduced, _fewest_trials(reduced), _fewest_blocks(reduced)))
    assert smallest is not None
    power = "" if smallest.power_at_rope is None else f"; power {smallest.power_at_rope:.2f} at the ROPE of {rope:g}"
    raise InputError(
        f"--minutes {minutes:g} does not hold the smallest sound plan: {smallest.sizes} (differences above "
        f"{smallest.detectable:.2g} {noise.unit} with power {POWER:g}{power}), about "
        f"{time_in_words(smallest.seconds)}, with {time_in_words(seconds)} left: give --minutes "
        f"{math.ceil((60 * minutes - seconds + smallest.seconds) / 60)} or more, or a smaller study"
    )


@dataclass(frozen=True)
class _Fitting:
    """Calculates with the time and the noise of one study."""

    config: StudyConfig
    timing: Timing
    noise: AssumedNoise
    rope: float | None

    def study(self, config: StudyConfig, *, reductions: tuple[str, ...] = ()) -> BudgetedStudy:
        blocks = replicated(config, config.plan.blocks)
        power = self._power(config, blocks)
        return BudgetedStudy(
            config,
            self.timing,
            self._search_seconds(config, config.search.trials),
            self._confirm_seconds(config, blocks),
            power.detectable(POWER),
            None if self.rope is None else power.power(self.rope),
            self.noise,
            reductions,
        )

    def within(self, config: StudyConfig, seconds: float) -> StudyConfig | None:
        """Return the study with the trials and blocks that a time holds; None where it holds no sound ones."""
        families = len(config.search.families)
        sizes = []
        for blocks in _block_numbers(config):
            left = seconds - self._confirm_seconds(config, blocks)
            trials = self._most_trials(config, left) if searches(config) else config.search.trials
            if left >= 0 and trials >= _fewest_trials(config):
                sizes.append((trials, blocks))
        if not sizes:
            return None
        good = [size for size in sizes if size[0] >= min(GOOD_TRIALS * families, config.search.trials)] or sizes
        return _sized(config, *self._best(config, good, seconds))

    def _best(self, config: StudyConfig, sizes: list[tuple[int, int]], seconds: float) -> tuple[int, int]:
        """Return the (trials, blocks) to take: the fewest blocks with the power asked for, or else the most."""
        rope = self.rope
        if not searches(config):
            return sizes[-1]
        if rope is None:
            half = [size for size in sizes if self._confirm_seconds(config, size[1]) <= seconds / 2]
            return half[-1] if half else sizes[0]
        return next((size for size in sizes if self._power(config, size[1]).power(rope) >= POWER), sizes[-1])

    def _power(self, config: StudyConfig, blocks: int) -> Power:
        columns = sum(not reads_metric(name) for name in candidates(config))
        if columns < 2:
            raise InputError(f"a comparison needs 2 families or fixed schedules, got {', '.join(candidates(config))}")
        return plan_power(
            self.noise.noise,
            blocks=blocks,
            families=columns,
            rng=np.random.default_rng([config.seed, blocks]),
            alpha=config.plan.alpha_per_analysis,
            simulations=_SIMULATIONS,
        )

    def _search_seconds(self, config: StudyConfig, trials: int) -> float:
        if not searches(config):
            return 0.0
        return self._start + self.timing.seconds(trials * config.search.replicates, config.epochs)

    def _most_trials(self, config: StudyConfig, seconds: float) -> int:
        """Return how many trials a search of this time has, as many for each family."""
        families = len(config.search.families)
        each = self.timing.seconds(config.search.replicates * families, config.epochs)
        return min(config.search.trials, families * max(0, math.floor((seconds - self._start) / each)))

    def _confirm_seconds(self, config: StudyConfig, blocks: int) -> float:
        """Return what the blocks take: one of a workload is trained in one process, and runs fill all places."""
        if config.run is None:
            blocks = math.ceil(blocks / self.timing.workers) * self.timing.workers
        return self._start + self.timing.seconds(blocks * len(candidates(config)), config.epochs)

    @property
    def _start(self) -> float:
        return _STAGE_SECONDS if self.config.run is None else 0.0


def _fixed_size(config: StudyConfig) -> bool:
    """Return whether the plan was written for one size alone: replicates, interim analyses, claims, groups, budgets."""
    plan = config.plan
    written = plan.looks or plan.claims or plan.tuning_efforts or plan.contrasts != "all"
    return bool(written) or config.search.replicates > 1


def _fewest_trials(config: StudyConfig) -> int:
    if _fixed_size(config) or not searches(config):
        return config.search.trials
    return min(config.search.trials, FEWEST_TRIALS * len(config.search.families))


def _fewest_blocks(config: StudyConfig) -> int:
    return config.plan.blocks if _fixed_size(config) else FEWEST_BLOCKS


def _block_numbers(config: StudyConfig) -> list[int]:
    if _fixed_size(config):
        return [replicated(config, config.plan.blocks)]
    most = config.plan.blocks
    return [*(number for number in _BLOCKS if number < most), most]


def _sized(config: StudyConfig, trials: int, blocks: int) -> StudyConfig:
    if _fixed_size(config):
        return config
    return config.changed({"search.trials": trials if searches(config) else None, "plan.blocks": blocks})


def _reductions(config: StudyConfig) -> Iterator[tuple[StudyConfig, tuple[str, ...]]]:
    """Yield the study with ever fewer families, and last with half the epochs, each with what is less in words."""
    yield config, ()
    if _fixed_size(config) or not searches(config):
        return
    families, reduced, words = config.search.families, config, tuple[str, ...]()
    ranked = sorted(families, key=lambda name: (name not in _WELL_KNOWN, families.index(name)))
    for most in (8, _FEWEST_FAMILIES):
        if len(families) > most:
            kept = tuple(name for name in families if name in ranked[:most])
            each = config.search.trials // len(families)
            reduced = config.changed({"search.families": kept, "search.trials": each * most})
            words = (f"{most} of {counted(len(families), 'family')}: {', '.join(kept)}",)
            yield reduced, words
    epochs = config.epochs // 2
    if config.run is None and epochs >= 2:
        yield (
            reduced.changed({"training.epochs": epochs}),
            (*words, f"{counted(epochs, 'epoch')} instead of {config.epochs}"),
        )


def _fewer(config: StudyConfig, fitted: StudyConfig) -> Iterator[str]:
    """Yield what is less of trials and blocks, in words."""
    each, before = (c.search.trials // len(c.search.families) for c in (fitted, config))
    if each < before:
        yield f"{counted(each, 'trial')} of a family instead of {before}"
    if fitted.plan.blocks < config.plan.blocks:
        yield f"{fitted.plan.blocks} seeds instead of {config.plan.blocks}"
