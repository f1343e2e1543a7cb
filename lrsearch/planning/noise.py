"""The noise that a plan assumes: stated, measured by a pilot without its test set, or assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrsearch.comparison.cautions import look_like_fractions
from lrsearch.comparison.from_records import ConfirmationPlan, failure_rule, scores_of
from lrsearch.comparison.inference.power import Noise, pilot_noise
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.metric import ACCURACY, POINTS
from lrsearch.names import confirmation_name
from lrsearch.records import TrialRecord
from lrsearch.schedules import reads_metric
from lrsearch.storage import Storage, StoredStudy, stored_names
from lrsearch.text import counted
from lrsearch.verdict.confirmation_plan import confirmation_plan
from lrsearch.verdict.scores_csv import read_scores

ASSUMED = Noise(sd=0.25, correlation=0.3)
"""What the procedure was simulated with; the default where nothing was measured or stated."""

_ERROR_RATE = 0.05
_SCATTER = "times the scatter between seeds"


@dataclass(frozen=True)
class AssumedNoise:
    """The noise that a plan assumes.

    Attributes:
        noise: over blocks, of one column and between two.
        source: where it comes from.
        of_searches: whether it is that of whole searches.
        unit: of its SD; that of the metric if None.
        known: whether it was stated or measured; what it is otherwise, `noise_for` says.
        of_fractions: whether it was measured on a table whose scores are all from 0 to 1.
    """

    noise: Noise
    source: str
    of_searches: bool = False
    unit: str | None = None
    known: bool = True
    of_fractions: bool = False


def noise_for(experiment: Experiment, noise: AssumedNoise) -> AssumedNoise:
    """Return the noise with its unit; where it was neither stated nor measured, what is assumed of this experiment.

    Accuracies scatter as the test examples let them: at an error rate of 5 % the SD is that of a binomial proportion,
    and never below that of `ASSUMED`. Of other scores nothing is known, and differences are counted in SDs.

    Raises:
        InputError: where it is that of fractions, and the experiment's scores are in points.
    """
    if noise.of_fractions and experiment.metric.unit == POINTS:
        raise InputError(
            f"noise_from (--noise-from): all scores of the table are from 0 to 1, and {experiment.metric.name} is in "
            "points here: give 88.2, not 0.882"
        )
    if noise.known:
        return replace(noise, unit=experiment.metric.unit)
    if isinstance(experiment, WorkloadExperiment) and experiment.metric.unit == POINTS:
        examples = len(experiment.dataset.test_y)
        sd = max(ASSUMED.sd, 100 * math.sqrt(_ERROR_RATE * (1 - _ERROR_RATE) / examples))
        source = f"an SD of {sd:.2g} assumed from {examples:,} test examples, {noise.source}"
        return replace(noise, noise=Noise(sd, ASSUMED.correlation), source=source, unit=POINTS)
    source = f"how large that is shows once seeds are run, {noise.source}"
    return replace(noise, noise=Noise(1.0, ASSUMED.correlation), source=source, unit=_SCATTER)


def noise_of(
    storage: Storage | None,
    pilot: str,
    *,
    sd: float | None = None,
    correlation: float | None = None,
    required: bool = False,
) -> AssumedNoise:
    """Return the noise to plan with: as stated, else that of a pilot, else one that is not known.

    A pilot is a study that was confirmed. It is read on its holdout examples alone, never on the test set, which is
    for the comparison to come. They are fewer than the test examples and other ones in every block, so that what they
    add to the noise makes the plan rather too cautious.

    Args:
        storage: where the pilot is, or None if there is none.
        pilot: the study's name.
        sd: stated: over blocks, of one column, in points or the metric's own unit.
        correlation: stated: of two columns in a block.
        required: whether it is wrong that there is no such pilot.

    Raises:
        InputError: if a stated number is invalid, or a required pilot cannot be used.
    """
    if sd is not None or correlation is not None:
        stated = Noise(ASSUMED.sd if sd is None else sd, ASSUMED.correlation if correlation is None else correlation)
        if not (0 <= stated.sd < math.inf and 0 <= stated.correlation < 1):
            raise InputError(
                f"sd must be 0 or more and correlation from 0 to below 1, got {stated.sd:g} and {stated.correlation:g}"
            )
        return AssumedNoise(stated, "stated", of_searches=True)
    if storage is None or confirmation_name(pilot) not in stored_names(storage):
        if required:
            raise InputError(f"pilot {pilot!r} has no confirmation in this storage")
        return AssumedNoise(ASSUMED, "as there is no pilot", known=False)
    try:
        return _measured(StoredStudy.read(storage, pilot))
    except InputError as error:
        if required:
            raise
        return AssumedNoise(ASSUMED, f"as the pilot cannot be used: {error}", known=False)


def noise_of_table(path: Path) -> AssumedNoise:
    """Return the noise of runs already made, from a CSV table with the columns family and score, and perhaps block.

    Where every family has run in every block, SD and correlation are those of the blocks; otherwise the SD is pooled
    over the families, and nothing is known to be shared.

    Raises:
        InputError: if the file cannot be read, or holds fewer than two families or too few runs.
    """
    table = read_scores(path)
    of_blocks = table.paired and len(table.blocks) > 2 and len(table.families) > 1
    if of_blocks:
        noise = pilot_noise(table.matrix(table.blocks))
        noise = replace(noise, correlation=min(max(noise.correlation, 0.0), 0.99))
        extent, few = f"{counted(len(table.blocks), 'block')} of {len(table.families)} families", len(table.blocks) < 10
    else:
        runs = [np.array(table.of(family)) for family in table.families]
        freedom = sum(len(scores) - 1 for scores in runs)
        if freedom < 2:
            raise InputError(f"scores {path} must hold 3 runs of a family, or 2 of several, to tell their noise")
        squares = sum(float(((scores - scores.mean()) ** 2).sum()) for scores in runs)
        noise = Noise(sd=math.sqrt(squares / freedom), correlation=0.0)
        extent, few = f"{counted(len(table.runs), 'unpaired run')} of {counted(len(runs), 'family')}", freedom < 10
    source = f"measured on {path}: {extent}" + (", too few to know the SD well" if few else "")
    return AssumedNoise(noise, source, of_fractions=look_like_fractions(table.scores, ACCURACY))


def _measured(study: StoredStudy) -> AssumedNoise:
    pilot, confirmation = study.name, study.confirmed()
    controls = confirmation.attributes.controls
    kept = [run for run in confirmation.runs if run.family not in controls and not reads_metric(run.family)]
    if not any(run.curve.report_accuracy for run in kept):
        raise InputError(f"{pilot!r} kept no holdout examples, and the test set is not for planning")
    runs = {(run.block, run.family): run for run in kept}
    failed = _failed_on_holdout(kept, confirmation_plan(confirmation))
    names = [name for name in dict.fromkeys(name for _, name in runs) if name not in failed]
    blocks = [b for b in sorted({b for b, _ in runs if b is not None}) if all((b, n) in runs for n in names)]
    if len(blocks) < 3 or len(names) < 2:
        raise InputError(
            f"a pilot needs 3 whole blocks of 2 candidates that did not fail, but {pilot!r} has {len(blocks)} of "
            f"{len(names)}"
        )
    curves = [[runs[block, name].curve.report_accuracy for name in names] for block in blocks]
    noise = pilot_noise(np.array([[confirmation.metric.scale * curve[-1] for curve in row] for row in curves]))
    correlation = min(max(noise.correlation, 0.0), 0.99)
    return AssumedNoise(
        replace(noise, correlation=correlation),
        f"measured on the holdout examples of {pilot!r}: {len(blocks)} blocks of {len(names)} candidates"
        + (", too few to know the SD well" if len(blocks) < 10 else ""),
        of_searches=confirmation.attributes.searches > 1,
    )


def _failed_on_holdout(runs: Sequence[TrialRecord], plan: ConfirmationPlan) -> set[str]:
    """Return the candidates with a failed run, by the rule of the verdict on the scores that a pilot may read."""
    read = [replace(run, test_accuracy=(run.curve.report_accuracy or (None,))[-1]) for run in runs]
    rule = failure_rule(read, plan)
    [scores], [diverged] = scores_of([read], plan)
    return {run.family for run, failed in zip(read, rule.failed(scores, diverged), strict=True) if failed}
