"""The learning curves of candidates over their runs, as figures and tables show them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsearch.metric import Metric
from lrsearch.records import PARTS, LearningCurve, TrialRecord
from lrsearch.report.rates import RateCurve, rate_curve
from lrsearch.report.source import Source
from lrsearch.schedules import reads_metric, schedule_from_params

FloatArray = NDArray[np.float64]

_PARTS_SHOWN = ("test", "report", "select")
"""The parts of the data, the one to be shown first."""
_MOST_RATES = 12


@dataclass(frozen=True, eq=False)
class Band:
    """A mean and what lies one SD over runs below and above it, each `[epochs]`."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Learning:
    """How the runs of one candidate went: `part` says on which examples `loss` and `score` were measured.

    `ends` are the epochs that each run has had and its last score, NaN where it ended without one.
    """

    name: str
    ends: tuple[tuple[int, float], ...]
    part: str
    train_loss: Band
    loss: Band
    score: Band
    rates: tuple[RateCurve, ...]

    @property
    def runs(self) -> int:
        """How many runs kept a curve."""
        return len(self.ends)

    @property
    def epochs(self) -> FloatArray:
        """Finished epochs, from 1."""
        return np.arange(1.0, len(self.train_loss.mean) + 1)


def learning_data(name: str, runs: Sequence[TrialRecord], *, epochs: int, metric: Metric) -> Learning | None:
    """Return the curves of a candidate over its runs, in the unit that people read; None if no run kept one.

    The score and the loss are those of the test set where it was read every epoch, else of the holdout, which nothing
    was chosen by, else of the validation part.
    """
    kept = [run for run in runs if run.curve.train_loss or run.curve.select_accuracy]
    if not kept:
        return None
    part = next((part for part in _PARTS_SHOWN if any(getattr(run.curve, f"{part}_loss") for run in kept)), "select")
    return Learning(
        name,
        tuple(_end(run, [metric.scale * v for v in getattr(run.curve, f"{part}_accuracy")]) for run in kept),
        PARTS[part],
        band_of(kept, epochs, lambda curve: curve.train_loss),
        band_of(kept, epochs, lambda curve: getattr(curve, f"{part}_loss")),
        band_of(kept, epochs, lambda curve: [metric.scale * v for v in getattr(curve, f"{part}_accuracy")]),
        tuple(curve for _, curve in distinct_rates(kept, epochs=epochs)),
    )


def _end(run: TrialRecord, scores: Sequence[float]) -> tuple[int, float]:
    epochs = max(len(run.curve.train_loss), len(run.curve.select_accuracy))
    return epochs, scores[-1] if scores and not run.without_score else math.nan


def distinct_rates(runs: Sequence[TrialRecord], *, epochs: int) -> list[tuple[TrialRecord, RateCurve]]:
    """Return the distinct rate curves of runs, a dozen at most, each with the first run that had it.

    What reads the loss is drawn from its own losses.
    """
    distinct: dict[str, tuple[TrialRecord, RateCurve]] = {}
    for run in runs:
        losses = list(run.curve.select_loss) if reads_metric(run.schedule.get("family")) else []
        key = json.dumps([dict(run.schedule), losses], sort_keys=True)
        if run.schedule and key not in distinct and len(distinct) < _MOST_RATES:
            schedule = schedule_from_params(run.schedule)
            distinct[key] = run, rate_curve(schedule, epochs=epochs, select_loss=losses)
    return list(distinct.values())


def band_of(runs: Sequence[TrialRecord], epochs: int, values_of: Callable[[LearningCurve], Sequence[float]]) -> Band:
    """Return the band over runs; a run that ended early counts for the epochs that it has."""
    table = np.full((len(runs), epochs), np.nan)
    for row, run in zip(table, runs, strict=True):
        values = list(values_of(run.curve))[:epochs]
        row[: len(values)] = values
    table[~np.isfinite(table)] = np.nan
    count = np.isfinite(table).sum(axis=0)
    total = np.nansum(table, axis=0)
    mean = np.divide(total, count, out=np.full(epochs, np.nan), where=count > 0)
    squares = np.nansum((table - mean) ** 2, axis=0)
    sd = np.sqrt(np.divide(squares, count - 1, out=np.zeros(epochs), where=count > 1))
    return Band(mean, mean - sd, mean + sd)


def candidate_runs(source: Source) -> dict[str, list[TrialRecord]]:
    """Return the confirmed runs by candidate; where there are none, each family's best trial."""
    runs: dict[str, list[TrialRecord]] = {}
    for run in source.confirmation:
        runs.setdefault(run.family, []).append(run)
    return runs or {family: [record] for family, (_, record) in source.study.best_by_family().items()}


def candidate_curves(source: Source) -> list[Learning]:
    """Return the curves of the candidates that have some."""
    epochs, runs = source.config.epochs, candidate_runs(source)
    candidates = [learning_data(name, records, epochs=epochs, metric=source.metric) for name, records in runs.items()]
    return [candidate for candidate in candidates if candidate is not None]
