"""Whole searches over given learning curves, without training, for the pruning tests."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrsearch.search.pruning import PrunerCore

Curve = tuple[str, NDArray[np.float64]]  # family, value after each epoch


@dataclass(frozen=True)
class Replay:
    """What a search with a pruner kept of given curves."""

    epochs_used: float  # fraction of all trial-epochs
    pruned: dict[str, float]  # family -> fraction of its trials
    loss: dict[str, float]  # family -> best final value minus best final value that was kept; NaN where none was
    killed: float  # families whose best trial was pruned


def replay(curves: Sequence[Curve], core: PrunerCore, *, lanes: int = 1, shared: bool = False) -> Replay:
    """Train the curves in their order, `lanes` at a time, as the stacked search does.

    `shared` is the wrong way: trials of all families are judged against each other.
    """
    waiting = list(range(len(curves)))
    running: dict[int, int] = {}
    kept, used = set(), 0
    while waiting or running:
        while waiting and len(running) < lanes:
            running[waiting.pop(0)] = 0
        for trial in running:
            running[trial] += 1
            used += 1
            core.report(*_point(curves, trial, running[trial], shared))
        finished = {trial for trial, epoch in running.items() if epoch == len(curves[trial][1])}
        stopped = {
            trial for trial, epoch in running.items() if core.should_prune(*_point(curves, trial, epoch, shared))
        }
        assert not finished & stopped
        kept |= finished
        running = {trial: epoch for trial, epoch in running.items() if trial not in finished | stopped}
    families = sorted({family for family, _ in curves})
    members = {family: [i for i, (name, _) in enumerate(curves) if name == family] for family in families}
    best = {family: max(curves[i][1][-1] for i in members[family]) for family in families}
    left = {family: [curves[i][1][-1] for i in members[family] if i in kept] for family in families}
    loss = {family: float(best[family] - max(left[family], default=np.nan)) for family in families}
    return Replay(
        used / sum(len(curve) for _, curve in curves),
        {family: 1 - len(left[family]) / len(members[family]) for family in families},
        loss,
        sum(one != 0 for one in loss.values()),  # NaN is not 0 either
    )


def _point(curves: Sequence[Curve], trial: int, epoch: int, shared: bool) -> tuple[str, int, float]:
    family, values = curves[trial]
    return "all" if shared else family, epoch, float(values[epoch - 1])


def real_curves() -> list[Curve]:
    """Return the 40 real learning curves (8 families, 12 epochs), in points of accuracy."""
    text = (Path(__file__).parent / "assets" / "random_schedules.json").read_text(encoding="utf-8")
    return [(trial["family"], 100 * np.array(trial["select_accuracy"])) for trial in json.loads(text)["trials"]]


def twins(rng: np.random.Generator, *, trials: int, epochs: int) -> list[Curve]:
    """Return two families with the same final values (points) and noise; `late` gains what `early` has from the start.

    Half of the curves are of either family, in random order.
    """
    time = np.arange(1, epochs + 1) / epochs
    shapes = {"early": 1 - np.exp(-6 * time), "late": time**3}
    curves = []
    for family, shape in shapes.items():
        for final in 90 - rng.gamma(2.0, 0.6, trials):
            rise = 20 * (1 - shape / shape[-1]) + rng.normal(0, 0.3, epochs)
            rise[-1] = 0.0
            curves.append((family, final - rise))
    return [curves[i] for i in rng.permutation(len(curves))]


def mean_replay(
    draw: Callable[[np.random.Generator], list[Curve]],
    make_core: Callable[[], PrunerCore],
    *,
    repetitions: int,
    seed: int,
    lanes: int = 1,
    shared: bool = False,
) -> Replay:
    """Return the mean of `repetitions` replays of drawn curves; a family that was left with nothing has loss NaN."""
    rng = np.random.default_rng(seed)
    runs = [replay(draw(rng), make_core(), lanes=lanes, shared=shared) for _ in range(repetitions)]
    families = runs[0].pruned
    return Replay(
        float(np.mean([run.epochs_used for run in runs])),
        {family: float(np.mean([run.pruned[family] for run in runs])) for family in families},
        {family: float(np.nanmean([run.loss[family] for run in runs])) for family in families},
        float(np.mean([run.killed for run in runs])),
    )
