"""The commands that list, fill and keep a storage: trials, studies, adopt, backup."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from lrsearch.cli import completion
from lrsearch.cli.command import command
from lrsearch.cli.flags import Name, Storage
from lrsearch.cli.next_step import next_step, say_next
from lrsearch.cli.stored import StoredFlags
from lrsearch.names import DEFAULT_STORAGE

logger = logging.getLogger(__name__)

_NEWEST = 1000
"""Trials that are listed where not all are asked for."""

Family = Annotated[
    str | None,
    typer.Option(help="Only this family, or this candidate of a confirmation.", autocompletion=completion.family),
]
State = Annotated[
    Literal["complete", "pruned", "running", "waiting", "fail"] | None, typer.Option(help="Only trials in this state.")
]
Replicate = Annotated[int | None, typer.Option(help="Only this replicate of a search, counted from 0.")]
Listing = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="For people or for programs.")]


@command
def trials(
    *,
    stored: StoredFlags,
    family: Family = None,
    state: State = None,
    replicate: Replicate = None,
    every: Annotated[bool, typer.Option("--all", help=f"All trials, and not the newest {_NEWEST:,} alone.")] = False,
    crashed: Annotated[
        bool, typer.Option("--crashed", help="Those alone that have crashed, with the end of their output.")
    ] = False,
    output: Listing = "table",
) -> None:
    """List the trials of a study, all replicates of a search together.

    Example: lrsearch trials --family cosine --state complete --format csv
    """
    from lrsearch.cli import console
    from lrsearch.cli.listing import crashed_table, list_trials
    from lrsearch.storage import StoredStudy, TrialFilter, open_existing

    name = stored.name
    if crashed:
        crashes = crashed_table(StoredStudy.open(stored.storage, name))
        if output == "table":
            console.print_crashed(crashes)
            if crashes.rows:
                say_next("mend the script, then the same optimize with --retry-crashed")
            else:
                next_step("trials", storage=stored.storage, study_name=name, to="all of them")
        else:
            console.print_table(crashes, output)
        return
    wanted, most = TrialFilter(family, state, replicate), None if every else _NEWEST
    listed = list_trials(open_existing(stored.storage), name, wanted, most=most)
    console.print_table(listed.table, output)
    if (shown := len(listed.table.rows)) < listed.total:
        logger.info(f"the newest {shown} of {listed.total} trials are shown; --all shows the rest")
    if output == "table":
        next_step("report", storage=stored.storage, study_name=name, to="all of it with figures")


@command
def studies(
    storage: Storage = DEFAULT_STORAGE,
    family: Family = None,
    state: State = None,
    replicate: Replicate = None,
    output: Listing = "table",
) -> None:
    """List the studies of a storage; with a filter, those that have such trials, and of these the counts.

    Example: lrsearch studies --storage sqlite:///lrsearch.db --state running
    """
    from lrsearch.cli import console
    from lrsearch.cli.listing import study_table
    from lrsearch.storage import TrialFilter, open_existing

    console.print_table(study_table(open_existing(storage), TrialFilter(family, state, replicate)), output)
    if output == "table":
        next_step("compare", "--study-name", "NAME", storage=storage, to="the verdict of one of them")


@command
def adopt(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY.toml", help="A study file with \\[run]: what confirms, and total_steps.")
    ],
    source: Annotated[str, typer.Option("--from", metavar="NAME", help="The name of your Optuna study.")],
    source_storage: Annotated[
        str | None, typer.Option("--from-storage", help="Where it is kept; --storage if none.")
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
) -> None:
    """Take the finished trials of an Optuna study that used suggest_schedule, to confirm, report and export them.

    Example: lrsearch adopt STUDY.toml --from mine --from-storage sqlite:///mine.db
    """
    from lrsearch.cli import console
    from lrsearch.cli.rows import family_table
    from lrsearch.config import StudyConfig
    from lrsearch.experiment.prepare import prepare_experiment
    from lrsearch.storage import StoredStudy, load_study, open_existing, open_storage
    from lrsearch.trials.adopt import adopt as adopt_trials

    config = StudyConfig.load(study)
    theirs = load_study(open_existing(source_storage or storage), source)
    adopted = adopt_trials(theirs, prepare_experiment(config), open_storage(storage), study_name or config.name)
    console.print_table(family_table(StoredStudy.of(adopted.study)), "table")
    logger.info(adopted.unequal)
    if adopted.left_out:
        logger.info(f"{adopted.left_out} finished trials hold no schedule from suggest_schedule and are left out")
    next_step("confirm", study, storage=storage, study_name=study_name, to="the best of each family on fresh seeds")


@command
def backup(
    storage: Storage = DEFAULT_STORAGE,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; NAME-DATE-TIME.db if none.")
    ] = None,
) -> None:
    """Make a consistent copy of the storage, also while workers run.

    Example: lrsearch backup -o monday.db
    """
    from lrsearch.storage import back_up

    copy = back_up(storage, target)
    logger.info(f"{copy} is written")
    next_step("studies", storage=f"sqlite:///{copy}", to="what it holds")
