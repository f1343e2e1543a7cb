"""The last line of every command: what to do next, as a command that can be copied."""

from __future__ import annotations

import logging
import shlex

from lrsearch.names import DEFAULT_STORAGE
from lrsearch.processes.streams import output_problem

logger = logging.getLogger(__name__)


MORE_BLOCKS = "lrsearch confirm with more blocks, --blocks 6 or more (after replicates: with more of them)"
"""Where so few blocks give no verdict."""


def next_step(*words: object, storage: str = DEFAULT_STORAGE, study_name: str | None = None, to: str = "") -> None:
    """Log the line "Next: lrsearch WORDS" with the flags that lead to the same study.

    Args:
        words: of the command, quoted where a shell needs it; None is left out.
        storage: where the study is kept; a password in it is not shown.
        study_name: its name there, where it has to be named.
        to: what the command is for, in a few words.
    """
    flags = []
    if storage != DEFAULT_STORAGE:
        from lrsearch.storage import redacted  # imports Optuna, which not every command needs

        flags = ["--storage", redacted(storage)]
    flags += [] if study_name is None else ["--study-name", study_name]
    command = shlex.join(["lrsearch", *(str(word) for word in words if word is not None), *flags])
    say_next(f"{command}{f'  ({to})' if to else ''}")


def say_next(advice: str) -> None:
    """Log the line "Next: ADVICE", below what the command has printed; nothing where that could not be written."""
    if not output_problem():
        logger.info(f"Next: {advice}")
