"""The commands that come before: plan, preview, families, doctor."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli import completion
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
from lrsearch.cli.next_step import next_step, say_next
from lrsearch.errors import InputError
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

    Example: lrsearch plan quick --blocks 10,20 --sd 0.5 --correlation 0.3
    """
    from lrsearch.cli.progress import show_progress

    with show_progress() as progress:  # what is imported here takes seconds
        from lrsearch.cli import console
        from lrsearch.cli.rows import plan_summary, plan_table
        from lrsearch.experiment.options import RunOptions
        from lrsearch.planning.noise import noise_of, noise_of_table
        from lrsearch.planning.plan import plan_study
        from lrsearch.storage import existing_storage

        config = study.config({"training.epochs": epochs, "search.trials": trials, "search.replicates": replicates})
        options = RunOptions(device=device, workers=count(workers, "workers"))
        if noise_from is None:
            measured_by, opened = pilot or study_name or config.name, existing_storage(storage)
            noise = noise_of(opened, measured_by, sd=sd, correlation=correlation, required=pilot is not None)
        elif (sd, correlation, pilot) == (None, None, None):
            noise = noise_of_table(noise_from)
        else:
            raise InputError(
                "--noise-from cannot be given with --sd, --correlation or --pilot, which say the noise too"
            )

        def show(what: str, fraction: float) -> None:
            progress.show(what, fraction, 1 - fraction)

        planned = plan_study(config, options, noise, blocks=whole_numbers(blocks, "blocks"), on_step=show)
    if output == "json":
        print_json(plan_summary(planned))
    else:
        console.print_plan(planned, plan_table(planned))
        next_step("optimize" if planned.trials else "confirm", study.study, to="begin")


@command
def preview(
    study: Annotated[
        Path | None, typer.Argument(metavar="[STUDY|CONFIG]", help="A study, or an exported configuration.")
    ] = None,
    page: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path("preview.html"),
    families: Families = None,
    epochs: Epochs = None,
    seed: Seed = None,
) -> None:
    """Draw curves before any training: some of every family of a study and its fixed schedules, or one configuration.

    Example: lrsearch preview quick -o preview.html
    """
    from lrsearch.config.built_in import study_path
    from lrsearch.config.files import write_text
    from lrsearch.export import is_configuration, load_configuration
    from lrsearch.report.preview import preview_html, schedule_preview_html

    path = None if study is None else study_path(study)
    if path is not None and is_configuration(path):
        one = load_configuration(path)
        write_text(page, schedule_preview_html(path.name, one.to_schedule(), epochs=one.epochs))
    else:
        changes = {"search.families": listed(families), "training.epochs": epochs, "seed": seed}
        write_text(page, preview_html(StudyFlags(study).config(changes)))
    logger.info(f"{page} is written; it opens offline")
    say_next(f"open {page} in a browser")


@command
def families(
    family: Annotated[
        str | None,
        typer.Argument(metavar="[FAMILY]", help="One of them; all if none is named.", autocompletion=completion.family),
    ] = None,
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
        next_step("preview", to="draw them")


@command
def doctor(
    study: Annotated[
        Path | None,
        typer.Argument(
            metavar="[STUDY]", help="A study file: what it trains is tried.", autocompletion=completion.study_files
        ),
    ] = None,
    workload: Workload = None,
    training: Annotated[
        str | None, typer.Option(help="Your training function, package.module:function: run for two reports.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="What the built-in workload is tried with.")] = "digits",
    storage: Storage = DEFAULT_STORAGE,
    device: Device = "auto",
    output: Format = "table",
) -> None:
    """Tell what works here: device, data, storage, versions, a workload or a training function.

    Example: lrsearch doctor --training train:train
    """
    from lrsearch.cli import console
    from lrsearch.cli.progress import show_progress

    if sum(given is not None for given in (study, workload, training)) > 1:
        raise InputError("a study file, --workload and --training exclude each other: each says what is trained")
    with show_progress("trying what is there"):  # what is imported here takes seconds
        from lrsearch.planning.doctor import Tried, examine

        tried = Tried(workload, training, dataset) if study is None else Tried.of(StudyFlags(study).config())
        checks = [check._asdict() for check in examine(tried, storage=storage, device=device)]
    if output == "json":
        print_json(checks)
    else:
        for check in checks:
            console.note_check(**check)
    sound = all(check["ok"] for check in checks)
    written = study or (Path("study.toml") if training is not None and Path("study.toml").exists() else None)
    if output == "table" and sound and written is not None:
        next_step("plan", written, to="what it would detect, and its time")
    elif output == "table" and sound and training is not None:
        next_step("init", "study.toml", "--training", training, to="a study file, filled in")
    elif output == "table" and sound:
        words = ("plan",) if workload is None else ("plan", "--workload", workload)
        next_step(*words, to="what a study would detect, and its time")
    elif output == "table":
        say_next("mend what is BAD, and run lrsearch doctor again")
    if not sound:
        raise typer.Exit(1)
