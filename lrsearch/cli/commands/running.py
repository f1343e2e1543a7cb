"""The commands that train: optimize, confirm, train."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrsearch.cli.command import command
from lrsearch.cli.flags import Device, Format, RunFlags, SearchFlags, Workload, count, print_json, require_seed
from lrsearch.cli.next_step import MORE_BLOCKS, next_step, say_next
from lrsearch.errors import AllDiverged, RunsCrashed
from lrsearch.text import counted

if TYPE_CHECKING:
    from lrsearch.cli.progress import Progress
    from lrsearch.config import StudyConfig
    from lrsearch.experiment.experiment import Experiment
    from lrsearch.experiment.options import RunOptions
    from lrsearch.storage import StoredStudy, StudyPart

logger = logging.getLogger(__name__)


@command
def optimize(
    *,
    trials: Annotated[int | None, typer.Option(help="Finished trials in all; run again to continue.")] = None,
    search: SearchFlags,
    run: RunFlags,
    lanes: Annotated[str, typer.Option(help="Trials that a process trains side by side, or auto.")] = "auto",
    replicates_at_once: Annotated[
        str, typer.Option(help="Replicates of the search that a process trains in one stack, or auto.")
    ] = "auto",
    timeout: Annotated[float | None, typer.Option(help="Stop after this many seconds.")] = None,
    retry_crashed: Annotated[
        bool, typer.Option("--retry-crashed", help="Run once more what has crashed, after the script was mended.")
    ] = False,
    mlflow: Annotated[
        str | None, typer.Option(metavar="URI", help="Make each trial a run in this MLflow store, sqlite:///mlflow.db.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say where the time before the first epoch went.")
    ] = False,
    output: Format = "table",
) -> None:
    """Search over schedule families; every trial stays in the storage.

    Example: lrsearch optimize quick --trials 24
    """
    from lrsearch.cli.progress import search_progress, show_progress

    with show_progress():  # what is imported here takes seconds
        import psutil

        from lrsearch.api import running as api
        from lrsearch.cli import console
        from lrsearch.cli.rows import family_table, search_summary
        from lrsearch.storage import StoredStudy

        config = search.config({"search.trials": trials})
        options = run.options(
            config,
            lanes=count(lanes, "lanes"),
            timeout_seconds=timeout,
            retry_crashed=retry_crashed,
            replicates_at_once=count(replicates_at_once, "replicates-at-once"),
        )
    imports, summaries = time.time() - psutil.Process().create_time(), []
    for budget, here in options.at_budgets(config):
        with show_progress() as progress:
            shown = search_progress(progress)
            begin = partial(_say_cost, progress)
            searches, state = api.search(
                budget, here, mlflow=mlflow, on_epoch=shown, on_begin=begin, on_phase=progress.phase
            )
        state.start.imports = imports
        stored = StoredStudy.of(searches[0])
        summaries.append(search_summary(stored, state))
        if output == "table":
            console.print_search(family_table(stored), state, "" if budget.run is None else _cost_of_runs(stored))
        if verbose:
            logger.info(state.start.in_words())
    if output == "json":
        print_json(summaries if len(summaries) > 1 else summaries[0])
        return
    if state.crashed and not state.complete + state.pruned:
        raise RunsCrashed.of(f"all {state.crashed} trials that were run have crashed")
    if state.complete + state.pruned + state.crashed < state.total:
        say_next("the same command again, which goes on where this one stopped")
    elif stored.all_diverged:
        say_next(f"{AllDiverged.remedy}: every trial has diverged")
    else:
        say_confirm(config, search, run)


def _cost_of_runs(stored: StoredStudy) -> str:
    from lrsearch.verdict.background import cost_of  # imports SciPy, which the search of a workload does not need

    return cost_of(stored)


def _say_cost(progress: Progress, experiment: Experiment, options: RunOptions, left: int) -> None:
    """Log what the trials that are left will cost."""
    from lrsearch.planning.cost import search_cost

    progress.phase("timing")
    if cost := search_cost(experiment, options, left):
        logger.info(cost)


@command
def confirm(
    *,
    blocks: Annotated[int | None, typer.Option(help="Runs of each configuration, on fresh paired seeds.")] = None,
    top: Annotated[int, typer.Option(help="Configurations of each family.")] = 1,
    control: Annotated[
        list[str] | None,
        typer.Option(help="A candidate whose truth is known: aa (one twice), positive (one that must lose); or both."),
    ] = None,
    audit_pruned: Annotated[
        float | None, typer.Option(help="Finish this share of the search's pruned trials, to see what was missed.")
    ] = None,
    search: SearchFlags,
    run: RunFlags,
    trust_storage: Annotated[
        bool,
        typer.Option("--trust-storage", help="Without a study file: run the code or command that the storage names."),
    ] = False,
    output: Format = "table",
) -> None:
    """Train winners, or the fixed schedules of a study file, on fresh seeds and read the test set.

    Example: lrsearch confirm article --blocks 20
    """
    from lrsearch.cli.progress import confirm_progress, show_progress

    with show_progress():  # what is imported here takes seconds
        from lrsearch.api import running as api
        from lrsearch.cli import console
        from lrsearch.cli.rows import audit_table, confirm_table
        from lrsearch.confirmation.confirm import run_confirm
        from lrsearch.storage import StoredStudy, StudyPart
        from lrsearch.verdict.pruning_audit import audit_result

        stored = _stored_search(run.storage, run.study_name) if search.study is None else None
        if stored is None:
            config = search.config()
        else:  # a search in the storage needs no file to be confirmed
            trust = trust_storage or any((search.workload, search.training, search.own_command))
            config = api.trusted_config(stored, trust=trust).changed(search.changes())
        options = run.options(config)
    results, few = [], False
    for budget, here in options.at_budgets(config):
        with show_progress() as progress:
            done = run_confirm(
                budget,
                here,
                blocks=blocks,
                top=top,
                controls=control or (),
                audit_pruned=audit_pruned,
                on_epoch=confirm_progress(progress),
            )
        for family in done.left_out:
            logger.info(f"{family} is left out: no trial of it is complete")
        few |= done.too_few
        confirmed = confirm_table(StudyPart.of(done.study))
        audited = audit_result(StoredStudy.of(done.study)) if done.audit is not None else None
        audit = audit_table(audited) if audited is not None else None
        rows = confirmed.records()
        results.append(rows if audit is None else {"entries": rows, "pruning audit": audit.records()[0]})
        if output == "table":
            console.print_table(confirmed)
            if audit is not None:
                console.print_table(audit)
    if output == "json":
        print_json(results if len(results) > 1 else results[0])
        return
    if few:
        say_next(MORE_BLOCKS)
    else:
        next_step("compare", storage=run.storage, study_name=run.study_name or config.name, to="the verdict")


@command
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="An exported .yaml, .json or .toml file.")],
    seed: Annotated[int | None, typer.Option(help="Fresh seeds, instead of the trial's own.")] = None,
    workload: Workload = None,
    trust_config: Annotated[
        bool, typer.Option("--trust-config", help="Import the workload that the file names.")
    ] = False,
    device: Device = "auto",
    checkpoint: Annotated[Path | None, typer.Option(help="Written every epoch; resumed from if it exists.")] = None,
    metrics: Annotated[Path | None, typer.Option("--output", "-o", help="A CSV file of the curve.")] = None,
    output: Format = "table",
) -> None:
    """Train one exported configuration from start to end and print its curve.

    Example: lrsearch train best.toml --checkpoint best.pt -o curve.csv
    """
    from lrsearch.cli import console
    from lrsearch.cli.progress import show_progress
    from lrsearch.export.retrain import train_exported

    require_seed(seed)
    with show_progress() as progress:
        run = train_exported(
            config,
            seed=seed,
            workload=workload,
            trust_config=trust_config,
            device=device,
            checkpoint=checkpoint,
            metrics=metrics,
            on_epoch=lambda done, epochs: progress.show(f"{done} of {counted(epochs, 'epoch')}", done, epochs - done),
        )
    for remark in run.remarks:
        logger.info(remark)
    console.print_table(run.table, output)
    if output == "table":
        next_step("train", config, "--seed", 1 if seed is None else seed + 1, to="the same on other seeds")


def say_confirm(config: StudyConfig, search: SearchFlags, run: RunFlags) -> None:
    """Say how a search is confirmed: from its study file, or where flags have changed that, from the storage."""
    from lrsearch.config import BUILT_IN_WORKLOAD

    changed = search.study is None or any(value is not None for value in search.changes().values())
    if changed and config.training.budgets:
        say_next("lrsearch confirm with the same study and flags")
        return
    trusted = config.run is None and config.workload == BUILT_IN_WORKLOAD
    words: list[object] = ["--trust-storage"] * (not trusted) if changed else [search.study]
    name = run.study_name or (config.name if changed else None)
    next_step("confirm", *words, storage=run.storage, study_name=name, to="the winners on fresh seeds")


def _stored_search(storage: str, name: str | None) -> StudyPart | None:
    """Return the (first) search of a name in a storage; None if there is no such storage, or no search of this name."""
    from lrsearch.names import search_names
    from lrsearch.storage import StudyPart, existing_storage, load_study, stored_names

    if name is None or (opened := existing_storage(storage)) is None:
        return None
    searches = search_names(stored_names(opened), name)
    return StudyPart.of(load_study(opened, searches[0])) if searches else None
