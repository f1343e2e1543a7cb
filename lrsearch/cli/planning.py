"""The commands that come before: plan, preview, families, doctor."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli.command import command
from lrsearch.cli.flags import (
    Device,
    Epochs,
    Families,
    Format,
    Name,
    Replicates,
    Seed,
    Storage,
    StudyFlags,
    Workers,
    Workload,
    count,
    listed,
    print_json,
    whole_numbers,
)
from lrsearch.names import DEFAULT_STORAGE

logger = logging.getLogger(__name__)


@command
def plan(
    *,
    blocks: Annotated[str | None, typer.Option(help="Numbers of blocks to tabulate, such as 10,20,40.")] = None,
    sd: Annotated[float | None, typer.Option(help="Stated SD over blocks of one family, in points or units.")] = None,
    correlation: Annotated[float | None, typer.Option(help="Stated correlation of families in a block.")] = None,
    pilot: Annotated[str | None, typer.Option(help="A confirmed study to measure the noise by; else this one.")] = None,
    noise_from: Annotated[
        Path | None, typer.Option(help="A CSV table of runs already made (family, score, perhaps block): their noise.")
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Trials of one search.")] = None,
    replicates: Replicates = None,
    epochs: Epochs = None,
    study: StudyFlags,
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    workers: Workers = "auto",
    device: Device = "auto",
    output: Format = "table",
) -> None:
    """Say what a budget buys before anything runs: the difference it would detect, and the time it takes here.

    Example: lrsearch plan studies/quick.toml --blocks 10,20 --sd 0.5 --correlation 0.3
    """
    from lrsearch.cli import console
    from lrsearch.cli.rows import plan_summary, plan_table
    from lrsearch.errors import InputError
    from lrsearch.experiment.options import RunOptions
    from lrsearch.planning.noise import noise_of, noise_of_table
    from lrsearch.planning.plan import plan_study
    from lrsearch.storage import existing_storage

    config = study.config({"training.epochs": epochs, "search.trials": trials, "search.replicates": replicates})
    options = RunOptions(device=device, workers=count(workers, "workers"))
    measured_by = pilot or study_name or config.name
    if noise_from is None:
        opened = existing_storage(storage)
        noise = noise_of(opened, measured_by, sd=sd, correlation=correlation, required=pilot is not None)
    elif (sd, correlation, pilot) == (None, None, None):
        noise = noise_of_table(noise_from)
    else:
        raise InputError("--noise-from cannot be given with --sd, --correlation or --pilot, which say the noise too")
    with console.progress() as progress:
        planned = plan_study(config, options, noise, blocks=whole_numbers(blocks, "blocks"), on_step=progress.show)
    if output == "json":
        print_json(plan_summary(planned))
    else:
        console.print_plan(planned, plan_table(planned))


@command
def preview(
    study: Annotated[
        Path | None, typer.Argument(metavar="[STUDY.toml|CONFIG]", help="A study, or an exported configuration.")
    ] = None,
    page: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path("preview.html"),
    families: Families = None,
    epochs: Epochs = None,
    seed: Seed = None,
) -> None:
    """Draw curves before any training: some of every family of a study and its fixed schedules, or one configuration.

    Example: lrsearch preview studies/quick.toml -o preview.html
    """
    from lrsearch.config.files import write_text
    from lrsearch.export import is_configuration, load_configuration
    from lrsearch.report.preview import preview_html, schedule_preview_html

    if study is not None and is_configuration(study):
        one = load_configuration(study)
        write_text(page, schedule_preview_html(study.name, one.to_schedule(), epochs=one.epochs))
    else:
        changes = {"search.families": listed(families), "training.epochs": epochs, "seed": seed}
        write_text(page, preview_html(StudyFlags(study).config(changes)))
    logger.info(f"{page} is written; it opens offline")


@command
def families(
    family: Annotated[str | None, typer.Argument(metavar="[FAMILY]", help="One of them; all if none is named.")] = None,
    output: Format = "table",
) -> None:
    """List the schedule families, or show one: formula, parameters and their ranges, and where else it exists.

    Example: lrsearch families cosine
    """
    from lrsearch.cli import console
    from lrsearch.cli.rows import family_description
    from lrsearch.schedules import FAMILIES

    described = [family_description(name) for name in (FAMILIES if family is None else [family])]
    if output == "json":
        print_json(described)
    else:
        console.print_families(described)


@command
def doctor(
    workload: Workload = None,
    dataset: Annotated[str, typer.Option(help="What the built-in workload is tried with.")] = "digits",
    storage: Storage = DEFAULT_STORAGE,
    device: Device = "auto",
    output: Format = "table",
) -> None:
    """Tell what works here: device, data, storage, versions, a workload.

    Example: lrsearch doctor --dataset fashion-mnist
    """
    from lrsearch.cli import console
    from lrsearch.planning.doctor import examine

    checks = [vars(check) for check in examine(workload=workload, dataset=dataset, storage=storage, device=device)]
    if output == "json":
        print_json(checks)
    else:
        for check in checks:
            console.note_check(**check)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)
