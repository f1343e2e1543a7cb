"""A configuration trained again: the same trial from the same seeds, or fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lrsearch.config.arguments import checked
from lrsearch.config.files import require_place, write_text
from lrsearch.config.trust import require_trusted
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.export.document import Configuration, SeedsTable, load_configuration
from lrsearch.records import PARTS, LearningCurve
from lrsearch.tables import Column, Table, table
from lrsearch.training.device import set_up_device
from lrsearch.training.train import diverged, train_lane


@dataclass(frozen=True)
class TrainedRun:
    """What training a configuration gave.

    Attributes:
        curve: losses and scores by epoch.
        table: for each epoch its number, its first rate, losses and scores.
        remarks: for people: that it diverged, that its data are not the trial's, what the trial had scored.
    """

    curve: LearningCurve
    table: Table
    remarks: tuple[str, ...]


def reseeded(configuration: Configuration, seed: int) -> Configuration:
    """Return the configuration with fresh seeds, derived from `seed`, for split, initial weights and order."""
    fresh = Seeds.of(seed, "train", 0)
    seeds = SeedsTable(split=fresh.split, init=fresh.init, order=fresh.order)
    return configuration.model_copy(
        update={"training": configuration.own_training.model_copy(update={"seeds": seeds}), "scores": {}}
    )


def train_configuration(
    configuration: Configuration,
    *,
    trust_config: bool = False,
    device: str = "auto",
    checkpoint: Path | None = None,
    metrics: Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda _done, _epochs: None,
) -> TrainedRun:
    """Train a configuration from start to end, or from its checkpoint on.

    Args:
        configuration: what is trained.
        trust_config: import the workload that the configuration names, which runs its code.
        device: "auto", "cpu" or "cuda".
        checkpoint: written after every epoch, and read if it exists.
        metrics: a CSV file of the table, written after every epoch.
        on_epoch: called after every epoch with the number of epochs done and the number of all.

    Raises:
        InputError: if the workload, its data or the checkpoint is unavailable or does not fit, or the configuration
            names a workload without `trust_config`.
    """
    training = configuration.own_training
    if not trust_config:
        require_trusted(training.workload, source="the configuration", trust="--trust-config")
    if metrics is not None:
        require_place(metrics)
    experiment = WorkloadExperiment.prepare(configuration.study_config(), device=device)
    configuration.check_length(experiment.steps_per_epoch)
    set_up_device(experiment.device)
    named = training.seeds
    seeds = Seeds(split=named.split, init=named.init, order=named.order, sampler=0)

    def after_epoch(curve: LearningCurve) -> None:
        if metrics is not None:
            write_text(metrics, curve_table(configuration, curve, experiment).to_csv())
        on_epoch(len(curve.train_loss), training.epochs)

    curve = train_lane(
        experiment.stack(seeds),
        experiment.lane(configuration.to_schedule(), seeds),
        epochs=training.epochs,
        checkpoint=checkpoint,
        identity=f"{configuration.identity()} {experiment.data_fingerprint}",
        on_epoch=after_epoch,
    )
    shown = curve_table(configuration, curve, experiment)
    return TrainedRun(curve, shown, tuple(_remarks(configuration, curve, experiment)))


@checked
def train_exported(
    path: str | Path,
    *,
    seed: int | None = None,
    workload: str | None = None,
    trust_config: bool = False,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    checkpoint: str | Path | None = None,
    metrics: str | Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda _done, _epochs: None,
) -> TrainedRun:
    """Train an exported .yaml, .json or .toml file: the trial itself again, from the seeds that it names.

    Args:
        path: the file.
        seed: fresh seeds, derived from this one, instead of the trial's own.
        workload: "package.module:function", instead of the file's own.
        trust_config: import the workload that the file names, which runs its code.
        device: "auto", "cpu" or "cuda".
        checkpoint: written after every epoch, and read if it exists.
        metrics: a CSV file of the curve, written after every epoch.
        on_epoch: called after every epoch with the number of epochs done and the number of all.

    Raises:
        InputError: if the file, the workload, its data or the checkpoint is unavailable or does not fit.
    """
    configuration = load_configuration(path)
    configuration = configuration if seed is None else reseeded(configuration, seed)
    return train_configuration(
        configuration if workload is None else configuration.with_workload(workload),
        trust_config=trust_config or workload is not None,
        device=device,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        metrics=None if metrics is None else Path(metrics),
        on_epoch=on_epoch,
    )


def _remarks(configuration: Configuration, curve: LearningCurve, experiment: WorkloadExperiment) -> Iterator[str]:
    expected, given = configuration.provenance.get("data_fingerprint"), experiment.data_fingerprint
    if expected and expected != given:
        yield f"warning: the data are not those of the trial: fingerprint {given}, not {expected}"
    if diverged(curve):
        yield f"warning: the run diverged in epoch {len(curve.train_loss)}"
    elif "search_value" in configuration.scores and "rescaled_from_total_steps" not in configuration.provenance:
        metric, before = experiment.workload.metric_name, configuration.scores["search_value"]
        yield f"validation {metric} at the last epoch: {curve.select_accuracy[-1]!r}; the trial's: {before!r}"


def curve_table(configuration: Configuration, curve: LearningCurve, experiment: WorkloadExperiment) -> Table:
    """Return a row per epoch: its number, the rate of its first update, losses and scores by their part."""
    schedule, steps_per_epoch, metric = configuration.to_schedule(), experiment.steps_per_epoch, experiment.metric
    columns, epochs = [Column("epoch"), Column("lr", "learning rate")], range(len(curve.train_loss))
    rates = [float(schedule.epoch_lr(epoch, steps_per_epoch, curve.select_loss[:epoch])[0]) for epoch in epochs]
    values: list[Sequence[float | None]] = []
    for name, part in curve.parts.items():
        if part:
            of, measure = name.split("_")
            scored = measure == "accuracy"
            heading = f"{PARTS[of]} {metric.title if scored else measure}"
            columns.append(Column(name.replace("accuracy", metric.name), heading))
            values.append([metric.stored(value) for value in part] if scored else part)
    return table(columns, zip((epoch + 1 for epoch in epochs), rates, *values, strict=True))
