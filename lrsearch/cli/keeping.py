"""The commands that fill and keep a storage: adopt and backup."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli.command import command
from lrsearch.cli.flags import Name, Storage
from lrsearch.cli.next_step import next_step
from lrsearch.names import DEFAULT_STORAGE

logger = logging.getLogger(__name__)


@command
def adopt(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY.toml", help="A study file with [run]: what confirms, and total_steps.")
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
