"""A configuration trained again: the same trial from the same seeds, or fresh ones."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrsearch.config.files import require_folder, write_atomically
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.export.document import Configuration, SeedsTable, load_configuration
from lrsearch.records import LearningCurve
from lrsearch.training.device import set_up_device
from lrsearch.training.train import diverged, train_lane
from lrsearch.workloads import require_trusted_workload


@dataclass(frozen=True)
class TrainedRun:
    """What training a configuration gave.

    Attributes:
        curve: losses and scores by epoch.
        rows: for each epoch its number, its first rate, losses and scores.
        remarks: for people: that it diverged, that its data are not the trial's, what the trial had scored.
    """

    curve: LearningCurve
    rows: list[dict[str, Any]]
    remarks: tuple[str, ...]


def reseeded(configuration: Configuration, seed: int) -> Configuration:
    """Return the configuration with fresh seeds, derived from `seed`, for split, initial weights and order."""
    fresh = Seeds.of(seed, "train", 0)
    seeds = SeedsTable(split=fresh.split, init=fresh.init, order=fresh.order)
    return configuration.model_copy(
        update={"training": configuration.training.model_copy(update={"seeds": seeds}), "scores": {}}
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
        checkpoint: written after every epoch, and read if it is there.
        metrics: a CSV file of the rows, written after every epoch.
        on_epoch: called after every epoch with the number of epochs done and the number of all.

    Raises:
        InputError: if the workload, its data or the checkpoint is unavailable or does not fit, or the configuration
            names a workload without `trust_config`.
    """
    if not trust_config:
        named = configuration.training.workload
        require_trusted_workload(named, source="the configuration", trust="--trust-config")
    if metrics is not None:
        require_folder(metrics)
    experiment = Experiment.prepare(configuration.study_config(), device=device)
    configuration.check_length(experiment.steps_per_epoch)
    set_up_device(experiment.device)
    table = configuration.training.seeds
    seeds = Seeds(split=table.split, init=table.init, order=table.order, sampler=0)

    def after_epoch(curve: LearningCurve) -> None:
        if metrics is not None:
            write_rows(metrics, curve_rows(configuration, curve, experiment))
        on_epoch(len(curve.train_loss), configuration.training.epochs)

    curve = train_lane(
        experiment.stack(seeds),
        experiment.lane(configuration.to_schedule(), seeds),
        epochs=configuration.training.epochs,
        checkpoint=checkpoint,
        identity=f"{configuration.identity()} {experiment.data_fingerprint}",
        on_epoch=after_epoch,
    )
    rows = curve_rows(configuration, curve, experiment)
    return TrainedRun(curve, rows, tuple(_remarks(configuration, curve, experiment)))


def train_exported(
    path: str | Path,
    *,
    seed: int | None = None,
    workload: str | None = None,
    trust_config: bool = False,
    device: str = "auto",
    checkpoint: Path | None = None,
    metrics: Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda _done, _epochs: None,
) -> TrainedRun:
    """Train an exported .yaml, .json or .toml file: the trial itself again, from the seeds that it names.

    Args:
        path: the file.
        seed: fresh seeds, derived from this one, instead of the trial's own.
        workload: "package.module:function", instead of the file's own.
        trust_config: import the workload that the file names, which runs its code.
        device: "auto", "cpu" or "cuda".
        checkpoint: written after every epoch, and read if it is there.
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
        checkpoint=checkpoint,
        metrics=metrics,
        on_epoch=on_epoch,
    )


def _remarks(configuration: Configuration, curve: LearningCurve, experiment: Experiment) -> Iterator[str]:
    expected, given = configuration.provenance.get("data_fingerprint"), experiment.data_fingerprint
    if expected and expected != given:
        yield f"warning: the data are not those of the trial: fingerprint {given}, not {expected}"
    if diverged(curve):
        yield f"warning: the run diverged in epoch {len(curve.train_loss)}"
    elif "search_value" in configuration.scores and "rescaled_from_total_steps" not in configuration.provenance:
        metric, before = experiment.workload.metric_name, configuration.scores["search_value"]
        yield f"validation {metric} at the last epoch: {curve.select_accuracy[-1]!r}; the trial's: {before!r}"


def curve_rows(configuration: Configuration, curve: LearningCurve, experiment: Experiment) -> list[dict[str, Any]]:
    """Return a row per epoch: its number, the rate of its first update, losses and scores by their part."""
    schedule, steps_per_epoch = configuration.to_schedule(), experiment.steps_per_epoch
    parts = {name: part for name, part in vars(curve).items() if part}
    metric = experiment.workload.metric_name
    return [
        {
            "epoch": epoch + 1,
            "lr": float(schedule.epoch_lr(epoch, steps_per_epoch, curve.select_loss[:epoch])[0]),
            **{name.replace("accuracy", metric): part[epoch] for name, part in parts.items()},
        }
        for epoch in range(len(curve.train_loss))
    ]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV, whole or not at all."""

    def write(beside: Path) -> None:
        with beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    if rows:
        write_atomically(path, write)
