"""Before anything runs: what difference a budget would detect, and how long it would take on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.comparison.inference.power import Noise, plan_power
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.planning.budgeted_study import POWER, candidates, replicated, searches
from lrsearch.planning.noise import AssumedNoise, noise_for
from lrsearch.planning.timing import Timing, time_trials
from lrsearch.schedules import reads_metric

BLOCKS = (6, 8, 10, 12, 15, 20, 30)
_MOST_BLOCKS = 10_000
_PAIRS_SIMULATED = 6000


@dataclass(frozen=True)
class PlanRow:
    """What a number of blocks buys.

    Attributes:
        blocks: of the confirmation; with several replicates, the replicates too.
        detectable: the difference (points) that is detected with probability 0.8 where all pairs are tested.
        detectable_against: the same where each family is tested against one reference alone.
        power_at_rope: the probability, all pairs tested, of detecting a difference as large as the ROPE, if any.
        runs: trials of the search and runs of the confirmation together.
        trial_epochs: theirs (at most: pruning saves some).
        seconds: that those take on this machine, about.
    """

    blocks: int
    detectable: float
    detectable_against: float
    power_at_rope: float | None
    runs: int
    trial_epochs: int
    seconds: float


@dataclass(frozen=True)
class StudyPlan:
    """What a study's budget buys.

    Attributes:
        columns: families, fixed schedules or groups that are compared.
        noise: what was assumed.
        seconds_per_trial_epoch: one epoch of one trial in one process, or from one report of a run to the next,
            measured.
        start_seconds: what a run takes before its first update, measured; 0 for a workload.
        workers: processes, or runs, side by side.
        rows: by number of blocks.
        planned_blocks: those of the study file.
        trials, replicates, epochs, rope, alpha: of the study; no trials where nothing is searched. The epochs of runs
            are their reports.
        of_runs: whether it is a study of runs.
        gpus: of each run; 0 where runs have none of their own.
        unit: of differences, the ROPE and the noise.
        remarks: what to know before believing the figures.
    """

    columns: int
    noise: AssumedNoise
    seconds_per_trial_epoch: float
    start_seconds: float
    workers: int
    rows: tuple[PlanRow, ...]
    planned_blocks: int
    trials: int
    replicates: int
    epochs: int
    of_runs: bool
    gpus: int
    rope: float | None
    unit: str
    alpha: float
    remarks: tuple[str, ...]

    def gpu_hours(self, row: PlanRow) -> float:
        """Return what a row takes of GPUs."""
        return row.runs * self.gpus * self.seconds_a_run / 3600

    @property
    def seconds_a_run(self) -> float:
        """What one trial, or run, takes."""
        return self.start_seconds + self.epochs * self.seconds_per_trial_epoch


def plan_study(
    config: StudyConfig,
    options: RunOptions,
    noise: AssumedNoise,
    *,
    blocks: Sequence[int] | None = None,
    on_step: Callable[[str, float], None] = lambda _what, _fraction: None,
) -> StudyPlan:
    """Return the power and the time of a study for several numbers of blocks, from a little of real training.

    Nothing is stored. The power is that of the verdict's own procedure, simulated with normal noise.

    Args:
        config: the study.
        options: device, workers and lanes, as it would be run.
        noise: from `noise_of`.
        blocks: to be tabulated; some from 6 to 30 if None, the plan's own among them.
        on_step: called before each thing that takes a while with what it is, and how much is done, 0 to 1.

    Raises:
        InputError: if it cannot be trained here, fewer than two columns are compared, or a number of blocks is invalid.
        RunError: if a run fails.
    """
    if blocks is not None and not all(FEWEST_BLOCKS <= number <= _MOST_BLOCKS for number in blocks):
        raise InputError(f"blocks must be from {FEWEST_BLOCKS} to {_MOST_BLOCKS}, got {', '.join(map(str, blocks))}")
    on_step("loading", 0.0)
    experiment = prepare_experiment(config, options)
    noise = noise_for(experiment, noise)
    replicates = config.search.replicates if searches(config) else 1
    planned = replicated(config, config.plan.blocks)
    wanted = sorted(set(blocks) if blocks is not None else {*BLOCKS, *config.plan.looks, max(planned, FEWEST_BLOCKS)})
    trials = config.search.trials if searches(config) else 0
    on_step("timing", 0.0)
    timing = time_trials(experiment, options, trials or len(config.baseline))
    columns = _columns(config)
    rope = config.plan.rope_for(experiment.metric) if noise.unit == experiment.metric.unit else None
    rows = []
    for place, number in enumerate(wanted):
        on_step(f"simulating the power of {number} blocks", place / len(wanted))
        runs = (number if replicates > 1 else 1) * trials + number * len(candidates(config))
        rows.append(_row(config, rope, noise.noise, number, columns, runs, timing))
    return StudyPlan(
        columns=columns,
        noise=noise,
        seconds_per_trial_epoch=timing.epoch_seconds,
        start_seconds=timing.start_seconds,
        workers=timing.workers,
        rows=tuple(rows),
        planned_blocks=planned,
        trials=trials,
        replicates=replicates,
        epochs=config.epochs,
        of_runs=config.run is not None,
        gpus=0 if config.run is None else config.run.gpus,
        rope=rope,
        unit=str(noise.unit),
        alpha=config.plan.alpha_per_analysis,
        remarks=(*experiment.cautions, *_remarks(config, noise, replicates)),
    )


def _columns(config: StudyConfig) -> int:
    """Return how many columns the comparison will have."""
    contrasts, names = config.plan.contrasts, candidates(config)
    groups = None if contrasts == "all" else contrasts.groups
    columns = len(groups) if groups is not None else sum(not reads_metric(name) for name in names)
    if columns < 2:
        raise InputError(f"a plan needs at least 2 families or fixed schedules to compare, got {', '.join(names)}")
    return columns


def _remarks(config: StudyConfig, noise: AssumedNoise, replicates: int) -> tuple[str, ...]:
    remarks = []
    if replicates > 1 and not noise.of_searches:
        remarks.append(
            "the noise is that of fixed configurations over seeds; the winners of whole searches vary more, so that "
            "the differences detected will be larger than these"
        )
    if replicates > 1:
        remarks.append("with several replicates every block is a search of its own: blocks are replicates")
    if config.plan.tuning_efforts:
        remarks.append("times leave out the winners of smaller tuning budgets, which are confirmed too")
    if searches(config) and config.search.pruner != "none":
        remarks.append("times are at most: the pruner saves a part of the search")
    return tuple(remarks)


def _row(
    config: StudyConfig,
    rope: float | None,
    noise: Noise,
    blocks: int,
    columns: int,
    runs: int,
    timing: Timing,
) -> PlanRow:
    pairs, rng = columns * (columns - 1) // 2, np.random.default_rng([config.seed, blocks])
    powers = [
        plan_power(
            noise,
            blocks=blocks,
            families=columns,
            rng=rng,
            alpha=config.plan.alpha_per_analysis,
            against_reference=against,
            simulations=min(400, max(100, _PAIRS_SIMULATED // pairs)),
        )
        for against in (False, True)
    ]
    return PlanRow(
        blocks=blocks,
        detectable=powers[0].detectable(POWER),
        detectable_against=powers[1].detectable(POWER),
        power_at_rope=None if rope is None else powers[0].power(rope),
        runs=runs,
        trial_epochs=runs * config.epochs,
        seconds=timing.seconds(runs, config.epochs),
    )
