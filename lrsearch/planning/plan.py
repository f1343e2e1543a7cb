"""Before anything runs: what difference a budget would detect, and how long it would take on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.comparison.inference.power import Noise, plan_power
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions, lanes_of
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.planning.noise import AssumedNoise
from lrsearch.processes.local import auto_workers
from lrsearch.schedules import make_schedule, reads_metric
from lrsearch.training.device import set_up_device
from lrsearch.workloads import Dataset

BLOCKS = (6, 8, 10, 12, 15, 20, 30)
_MOST_BLOCKS = 10_000
_POWER = 0.8
_PAIRS_SIMULATED = 6000
_SHORT_STEPS = 40


@dataclass(frozen=True)
class PlanRow:
    """What a number of blocks buys.

    Attributes:
        blocks: of the confirmation; with several replicates, the replicates too.
        detectable: the difference (points) that is detected with probability 0.8 where all pairs are tested.
        detectable_against: the same where each family is tested against one reference alone.
        power_at_rope: the probability, all pairs tested, of detecting a difference as large as the ROPE, if any.
        trial_epochs: of search (at most: pruning saves some) and confirmation together.
        seconds: that those take on this machine, about.
    """

    blocks: int
    detectable: float
    detectable_against: float
    power_at_rope: float | None
    trial_epochs: int
    seconds: float


@dataclass(frozen=True)
class StudyPlan:
    """What a study's budget buys.

    Attributes:
        columns: families, fixed schedules or groups that are compared.
        noise: what was reckoned with.
        seconds_per_trial_epoch: one epoch of one trial in one process, measured.
        workers: processes side by side.
        rows: by number of blocks.
        planned_blocks: those of the study file.
        trials, replicates, epochs, rope, alpha: of the study; no trials where nothing is searched.
        unit: of differences, the ROPE and the noise.
        remarks: what to know before believing the figures.
    """

    columns: int
    noise: AssumedNoise
    seconds_per_trial_epoch: float
    workers: int
    rows: tuple[PlanRow, ...]
    planned_blocks: int
    trials: int
    replicates: int
    epochs: int
    rope: float | None
    unit: str
    alpha: float
    remarks: tuple[str, ...]


def plan_study(
    config: StudyConfig, options: RunOptions, noise: AssumedNoise, *, blocks: Sequence[int] | None = None
) -> StudyPlan:
    """Return the power and the time of a study for several numbers of blocks, from one short epoch of real training.

    Nothing is stored. The power is that of the verdict's own procedure, simulated with normal noise.

    Args:
        config: the study.
        options: device, workers and lanes, as it would be run.
        noise: from `noise_of`.
        blocks: to be tabulated; some from 6 to 30 if None, the plan's own among them.

    Raises:
        InputError: if the workload cannot be trained here, fewer than two columns are compared, or a number of blocks
            is invalid.
    """
    if blocks is not None and not all(FEWEST_BLOCKS <= number <= _MOST_BLOCKS for number in blocks):
        raise InputError(f"blocks must be from {FEWEST_BLOCKS} to {_MOST_BLOCKS}, got {', '.join(map(str, blocks))}")
    experiment = WorkloadExperiment.prepare(config, device=options.device)
    searched = config.data.train != "all"
    replicates = config.search.replicates if searched else 1
    planned = replicates if replicates > 1 else config.plan.blocks
    wanted = sorted(set(blocks) if blocks is not None else {*BLOCKS, *config.plan.looks, max(planned, FEWEST_BLOCKS)})
    workers = options.workers or auto_workers(experiment.device)
    trials = config.search.trials if searched else 0
    seconds = seconds_per_trial_epoch(experiment, lanes_of(options, trials or len(config.baseline), experiment.device))
    candidates = [*(config.search.families if searched else ()), *(baseline.name for baseline in config.baseline)]
    columns, rope = _columns(config, candidates), config.plan.rope_for(experiment.metric)
    rows = []
    for number in wanted:
        epochs = config.training.epochs * ((number if replicates > 1 else 1) * trials + number * len(candidates))
        rng = np.random.default_rng([config.seed, number])
        rows.append(_row(config, rope, noise.noise, number, columns, epochs, epochs * seconds / workers, rng))
    return StudyPlan(
        columns=columns,
        noise=noise,
        seconds_per_trial_epoch=seconds,
        workers=workers,
        rows=tuple(rows),
        planned_blocks=planned,
        trials=trials,
        replicates=replicates,
        epochs=config.training.epochs,
        rope=rope,
        unit=experiment.metric.unit,
        alpha=config.plan.alpha_per_analysis,
        remarks=_remarks(config, noise, replicates),
    )


def _columns(config: StudyConfig, candidates: Sequence[str]) -> int:
    """Return how many columns the comparison will have."""
    contrasts = config.plan.contrasts
    groups = None if contrasts == "all" else contrasts.groups
    columns = len(groups) if groups is not None else sum(not reads_metric(candidate) for candidate in candidates)
    if columns < 2:
        raise InputError(f"a plan needs at least 2 families or fixed schedules to compare, got {', '.join(candidates)}")
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
    if config.data.train != "all" and config.search.pruner != "none":
        remarks.append("times are at most: the pruner saves a part of the search's epochs")
    return tuple(remarks)


def _row(
    config: StudyConfig,
    rope: float | None,
    noise: Noise,
    blocks: int,
    columns: int,
    trial_epochs: int,
    seconds: float,
    rng: np.random.Generator,
) -> PlanRow:
    pairs = columns * (columns - 1) // 2
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
        detectable=powers[0].detectable(_POWER),
        detectable_against=powers[1].detectable(_POWER),
        power_at_rope=None if rope is None else powers[0].power(rope),
        trial_epochs=trial_epochs,
        seconds=seconds,
    )


def seconds_per_trial_epoch(experiment: WorkloadExperiment, lanes: int = 1) -> float:
    """Return how long one epoch of one trial takes in one process here, by training a part of an epoch.

    A GPU trains lanes side by side at little more than the price of one, so all of a run's are timed there; on a
    processor one lane is timed. The first short epoch, which warms up, is not counted.

    Args:
        experiment: what is trained.
        lanes: trials side by side.
    """
    set_up_device(experiment.device)
    short = replace(experiment, dataset=_part(experiment))
    side_by_side = lanes if experiment.device == "cuda" else 1
    seeds = Seeds.of(experiment.config.seed, "plan", 0)
    stack = short.stack(seeds)
    schedule = make_schedule("constant", total_steps=2 * short.steps_per_epoch, base_lr=0.01)
    for key in range(side_by_side):
        stack.admit(key, short.lane(schedule, seeds))
    parts = ("test",) if experiment.config.data.train == "all" else ("select", "report")
    stack.run_epoch(parts)
    begun = time.perf_counter()
    stack.run_epoch(parts)
    seconds = time.perf_counter() - begun
    return seconds * experiment.steps_per_epoch / short.steps_per_epoch / side_by_side


def _part(experiment: WorkloadExperiment) -> Dataset:
    """Return the first examples of the data, for at least 40 updates an epoch, or all if there are fewer."""
    whole = experiment.dataset
    share = min(1.0, _SHORT_STEPS / experiment.steps_per_epoch)
    train, test = (max(12, math.ceil(share * len(part))) for part in (whole.train_x, whole.test_x))
    return Dataset(whole.train_x[:train], whole.train_y[:train], whole.test_x[:test], whole.test_y[:test])
