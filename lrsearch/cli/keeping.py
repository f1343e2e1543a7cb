"""The command that keeps a storage: backup."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli.command import command
from lrsearch.cli.flags import Storage
from lrsearch.names import DEFAULT_STORAGE

logger = logging.getLogger(__name__)


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

    logger.info(f"{back_up(storage, target)} is written")
