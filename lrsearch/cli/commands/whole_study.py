"""The command that does everything: run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli.command import command
from lrsearch.cli.flags import Format, RunFlags, SearchFlags, print_json
from lrsearch.cli.next_step import say_next

logger = logging.getLogger(__name__)


@command
def run(
    *,
    search: SearchFlags,
    minutes: Annotated[
        float | None,
        typer.Option(help="Of this start; the first one plans by them. None: the study file's plan, until it is done."),
    ] = None,
    pilot: Annotated[
        str | None, typer.Option(help="A confirmed study to measure the noise by, for the first start's plan.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Takes report, verdict and best schedule; the study's name if none."),
    ] = None,
    run: RunFlags,
    output: Format = "table",
) -> None:
    """Answer the question with one command: plan, optimize, confirm, compare, report, export.

    Example: lrsearch run quick --minutes 5
    """
    from lrsearch.cli.progress import confirm_progress, search_progress, show_progress

    with show_progress() as progress:  # what is imported here takes seconds
        from lrsearch.api.whole_study import Watcher, answer_study
        from lrsearch.cli import console
        from lrsearch.cli.rows import verdict_table

        config = search.config()
        watcher = Watcher(
            phase=progress.phase,
            plan=_say,
            search=search_progress(progress),
            confirm=confirm_progress(progress),
        )
        options = run.options(config)
        answer = answer_study(config, options, minutes=minutes, pilot=pilot, folder=folder, watcher=watcher)
    if answer.verdict is None:
        logger.info(f"{minutes:g} minutes are over: {answer.done}")
        say_next("the same command again, which goes on where this one stopped")
        return
    if output == "json":
        print_json(answer.verdict.to_dict())
    else:
        console.print_study_verdict(answer.verdict, verdict_table(answer.verdict))
    _say([*answer.notes, *(f"{path} is written" for path in answer.files)])
    say_next(f"open {answer.files[0]} in a browser")


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        logger.info(line)
