"""The commands that read a study's results: compare, report, export, dashboard."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from lrsearch.cli import completion
from lrsearch.cli.command import command
from lrsearch.cli.flags import Format, listed, print_json, require_seed, write_verdict_json
from lrsearch.cli.next_step import MORE_BLOCKS, next_step, say_next
from lrsearch.cli.scores import ScoresFlags, print_scores
from lrsearch.cli.stored import StoredFlags
from lrsearch.errors import AllDiverged, InputError

logger = logging.getLogger(__name__)

Several = Annotated[
    str | None, typer.Option("--studies", help="Confirmed studies, separated by commas: what they say together.")
]


@command
def compare(
    *,
    stored: StoredFlags,
    studies: Several = None,
    table: ScoresFlags,
    details: Annotated[bool, typer.Option("--details", help="Say the statistics in words too.")] = False,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", help="A JSON file to write besides, such as verdict.json.")
    ] = None,
    output: Format = "table",
) -> None:
    """Give the verdict of a confirmation: which to use, how sure that is, and whether it matters.

    Example: lrsearch compare article
    """
    require_seed(table.seed)
    if table.scores is not None:
        if studies is not None:
            raise InputError("--scores says what is read: leave out --studies")
        stored.refuse_beside("--scores")
        if code := print_scores(table, table.scores, output, details=details, target=target):
            raise typer.Exit(code)
        return
    from lrsearch.cli import console  # a table needs none of these
    from lrsearch.cli.rows import budgets_summary, verdict_table
    from lrsearch.report.dashboard import show_verdict
    from lrsearch.storage import open_existing, studies_by_budget
    from lrsearch.verdict.epoch_budgets import agreements, verdicts_by_budget
    from lrsearch.verdict.over_studies import read_over_studies

    explored = {name: value for name, value in table.given().items() if name in ("rope", "alpha") and studies is None}
    table.refuse(
        [name for name in table.given() if name not in explored],
        "for what is stored, which is judged by the plan that it was made with",
    )
    opened = open_existing(stored.storage)
    if (names := listed(studies)) is not None:
        stored.refuse_beside("--studies")
        together = read_over_studies(opened, names)
        write_verdict_json(target, together.to_dict())
        if output == "json":
            print_json(together.to_dict())
        else:
            console.print_over_studies(together)
            next_step("report", "--studies", studies, storage=stored.storage, to="the same as a page")
        return
    name = stored.name
    by_budget = studies_by_budget(opened, name)
    verdicts = verdicts_by_budget(by_budget, **explored)
    agreed = agreements(verdicts)
    for epochs, verdict in verdicts.items() if not explored else ():
        show_verdict(opened, by_budget[epochs], verdict)
    summary = budgets_summary(verdicts, agreed)
    write_verdict_json(target, summary)
    if output == "json":
        print_json(summary)
        return
    for epochs, verdict in verdicts.items():
        if agreed:
            console.print_title(f"{epochs} epochs")
        console.print_study_verdict(verdict, verdict_table(verdict), details=details)
    for agreement in agreed:
        console.print_title(agreement.sentence)
    if not all(verdict.comparison.judged for verdict in verdicts.values()):
        say_next(MORE_BLOCKS)
    elif summary["preferred"] is None:
        next_step("report", storage=stored.storage, study_name=name, to="which runs failed, and where")
    else:
        next_step("export", "-o", "best.py", storage=stored.storage, study_name=name, to="take the schedule away")


@command
def report(
    *,
    page: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path("report.html"),
    stored: StoredFlags,
    studies: Several = None,
    figures: Annotated[
        Path | None, typer.Option(help="A folder for every figure as SVG and PDF; needs lrsearch[figures] and Chrome.")
    ] = None,
) -> None:
    """Write a study's results as one HTML file: the verdict first, then the evidence.

    Example: lrsearch report quick -o report.html
    """
    from lrsearch.config.files import write_text
    from lrsearch.report.assemble import over_studies_html, report_html
    from lrsearch.report.files import write_figures
    from lrsearch.report.source import read_source
    from lrsearch.storage import open_existing
    from lrsearch.verdict.over_studies import read_over_studies

    if (names := listed(studies)) is not None:
        stored.refuse_beside("--studies")
        if figures is not None:
            raise InputError("--figures is for one study: leave out --studies")
        write_text(page, over_studies_html(read_over_studies(open_existing(stored.storage), names)))
        logger.info(f"{page} is written; it opens offline")
        say_next(f"open {page} in a browser")
        return
    source = read_source(open_existing(stored.storage), stored.name)
    write_text(page, report_html(source))
    for line in source.study.added_by_hand:
        logger.info(line)
    if figures is not None:
        logger.info(f"{len(write_figures(source, figures))} files are written into {figures}")
    if source.comparison:
        logger.info(f"{page} is written; it opens offline")
        say_next(f"open {page} in a browser")
        return
    logger.info(f"{page} is written without a verdict: {source.why_not}")
    if source.study.nothing_to_confirm:
        say_next(AllDiverged.remedy)
    else:
        next_step("confirm", storage=stored.storage, study_name=source.study.name, to="the winners on fresh seeds")


@command
def export(
    *,
    stored: StoredFlags,
    family: Annotated[
        str | None,
        typer.Option(help="The best of this family, or of this candidate.", autocompletion=completion.family),
    ] = None,
    by: Annotated[
        Literal["verdict", "search"],
        typer.Option(help="What chooses: the verdict, once there is one, or the best validation score."),
    ] = "verdict",
    top: Annotated[int, typer.Option(help="How many, best first; several need -o FOLDER.")] = 1,
    recommended: Annotated[
        bool, typer.Option("--recommended", help="All that are recommended, the preferred first.")
    ] = False,
    form: Annotated[
        Literal["yaml", "json", "toml", "python", "csv", "hf", "timm", "optax"] | None,
        typer.Option("--format", help="By the suffix of -o, or yaml, if none."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Rescale the schedule to this many steps.")] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="With hf and timm: the nearest curve where none is exact.")
    ] = False,
    target: Annotated[Path | None, typer.Option("--output", "-o", help="The file (or folder) to write.")] = None,
) -> None:
    """Write the preferred configuration as a document, as code for PyTorch or optax, or for other libraries.

    Example: lrsearch export quick -o best.toml
    """
    from lrsearch.export import exported, format_of, write_files
    from lrsearch.storage import StoredStudy

    several = recommended or top > 1
    if several and target is None:
        raise InputError("several configurations need a folder: -o FOLDER")
    name, chosen = stored.name, format_of(None if several else target, form)
    study = StoredStudy.open(stored.storage, name)
    if study.confirmation is not None and (added := study.confirmation.added_by_hand):
        logger.info(added)
    files = exported(
        study.only(name),
        chosen,
        family=family,
        top=top,
        recommended=recommended,
        by=by,
        steps=steps,
        approximate=approximate,
    )
    if target is None:
        typer.echo(files.popitem()[1], nl=False)
        say_next("the same command with -o FILE, which writes it into a file")
    else:
        places = write_files(files, target, as_folder=several)
        for place in places:
            logger.info(f"{place} is written")
        if chosen in ("yaml", "json", "toml") and study.first.config.run is None:
            next_step("train", places[0], to="train it again")
        else:
            say_next(f"use {places[0]} in your training")


@command
def dashboard(
    *,
    stored: StoredFlags,
    host: Annotated[str, typer.Option(help="The address to listen on; only 127.0.0.1 is closed to other machines.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
    allow_edit: Annotated[bool, typer.Option("--allow-edit", help="Let all who reach the port edit it.")] = False,
) -> None:
    """Serve optuna-dashboard on the storage, read-only by default.

    Example: lrsearch dashboard quick
    """
    from lrsearch.report.dashboard import make_dashboard
    from lrsearch.storage import open_existing, open_storage, study_id

    if not host:
        raise InputError("--host must name an address to listen on, got an empty one: it would be open to all machines")
    opened, name = (open_storage if allow_edit else open_existing)(stored.storage), stored.name
    page = f"/studies/{study_id(opened, name)}" if name else ""
    with make_dashboard(opened, host=host, port=port, allow_edit=allow_edit) as server:
        say_next(f"open http://{host}:{server.server_port}/dashboard{page}  (Ctrl-C ends it)")
        server.serve_forever()
