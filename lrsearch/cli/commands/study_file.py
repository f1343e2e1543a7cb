"""The command that writes a study file: init."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli.command import command
from lrsearch.cli.flags import Workload, command_words
from lrsearch.cli.next_step import next_step
from lrsearch.errors import InputError

logger = logging.getLogger(__name__)


@command
def init(
    target: Annotated[Path, typer.Argument(metavar="[FILE.toml]", help="The file to write.")] = Path("study.toml"),
    workload: Workload = None,
    training: Annotated[
        str | None, typer.Option(help="Your training function, package.module:function: measured by a short run.")
    ] = None,
    own_command: Annotated[str | None, typer.Option("--command", help='Your command, "python train.py".')] = None,
    like: Annotated[
        str | None, typer.Option(metavar="STUDY", help="Copy a built-in study, such as article, instead.")
    ] = None,
) -> None:
    """Write a study file to start from, with its keys explained.

    Example: lrsearch init mine.toml --training train:train
    """
    from lrsearch.config import StudyConfig, built_in_study
    from lrsearch.config.files import read_text, write_text
    from lrsearch.config.template import run_template, study_template

    if target.suffix != ".toml":
        raise InputError(f"a study file must be called *.toml, got {str(target)!r}")
    if target.exists():
        raise InputError(f"{target} is there already: name another file")
    if sum(given is not None for given in (workload, training, own_command, like)) > 1:
        raise InputError("--workload, --training, --command and --like exclude each other: each says what is trained")
    name = target.stem.replace("_", "-")
    if training is not None:
        text = _measured_study(target, name, training)
    elif own_command is not None:
        text = run_template(
            str(target),
            name,
            trained=command_words(own_command),
            total_steps=1000,
            reports=10,
            length="set this: the optimizer's updates of a run",
            direction="minimize",
            scores=(),
            base_lr=1e-3,
            rate="0.001, a usual rate of Adam, x 0.1 .. 10: set what suits",
        )
    elif like is None:
        text = study_template(str(target), name, workload)
    else:
        text = read_text(built_in_study(like), "study file")
    write_text(target, text)
    StudyConfig.load(target)
    logger.info(f"{target} is written: read it and change what does not suit")
    next_step("plan", target, to="what it would detect, and how long it takes here")


def _measured_study(target: Path, name: str, training: str) -> str:
    """Return the text of a study file for a training function, measured by a short run."""
    from lrsearch.cli.progress import show_progress
    from lrsearch.config.template import run_template
    from lrsearch.planning.measure import measure

    with show_progress("one short trial run"):
        measured = measure(training)
    length = "measured" if measured.counted else "your loop takes as many as this says: set what you mean"
    if measured.trial.loop == "epochs":
        length += f": {measured.reports} epochs of {measured.trial.updates[0]} updates; for others change reports too"
    origin = "your own rate, of the first parameter group" if measured.own_rate else "a usual rate"
    return run_template(
        str(target),
        name,
        trained=training,
        total_steps=measured.total_steps,
        reports=measured.reports,
        length=length,
        direction=measured.direction,
        scores=measured.trial.scores,
        base_lr=measured.base_lr,
        rate=f"{measured.base_lr:g}, {origin}, x 0.1 .. 10",
        parameters=measured.trial.asked,
        asks_set=measured.trial.asks_set,
    )
