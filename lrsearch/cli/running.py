"""The commands that train: optimize, confirm, train."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from lrsearch.cli.flags import (
    Backend,
    Budgets,
    Compile,
    Dataset,
    Device,
    Families,
    Format,
    Name,
    Pruner,
    Replicates,
    Sampler,
    Scheduler,
    Seed,
    Storage,
    StudyFile,
    Workers,
    Workload,
    app,
    count,
    epoch_budgets,
    named_budgets,
    print_json,
    stored_study,
    study_changes,
    study_file,
    warn_of_disk,
)
from lrsearch.names import DEFAULT_STORAGE

logger = logging.getLogger(__name__)


@app.command()
def optimize(
    study: StudyFile = None,
    trials: Annotated[int | None, typer.Option(help="Finished trials in all; run again to go on.")] = None,
    epochs: Budgets = None,
    families: Families = None,
    dataset: Dataset = None,
    workload: Workload = None,
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    sampler: Sampler = None,
    pruner: Pruner = None,
    replicates: Replicates = None,
    lanes: Annotated[str, typer.Option(help="Trials that a process trains side by side, or auto.")] = "auto",
    workers: Workers = "auto",
    backend: Backend = "loky",
    scheduler: Scheduler = None,
    device: Device = "auto",
    compile_step: Compile = "auto",
    seed: Seed = None,
    timeout: Annotated[float | None, typer.Option(help="Stop after this many seconds.")] = None,
    mlflow: Annotated[
        str | None, typer.Option(metavar="URI", help="Make each trial a run in this MLflow store, sqlite:///mlflow.db.")
    ] = None,
    output: Format = "table",
) -> None:
    """Search over schedule families; every trial stays in the storage.

    Example: lrsearch optimize studies/quick.toml --trials 26
    """
    from dataclasses import replace

    from lrsearch.cli import console
    from lrsearch.cli.rows import family_table, search_summary
    from lrsearch.experiment.options import RunOptions
    from lrsearch.search.mlflow_log import MlflowLog
    from lrsearch.search.optimize import run_search
    from lrsearch.storage import StoredStudy

    changes = study_changes(
        epochs=epoch_budgets(epochs),
        families=families,
        dataset=dataset,
        workload=workload,
        seed=seed,
        trials=trials,
        replicates=replicates,
        sampler=sampler,
        pruner=pruner,
    )
    config = study_file(study, workload).changed(changes)
    options = RunOptions(
        storage=storage,
        device=device,
        lanes=count(lanes, "lanes"),
        workers=count(workers, "workers"),
        compile_step=compile_step,
        timeout_seconds=timeout,
        backend=backend,
        scheduler=scheduler,
    )
    warn_of_disk(storage)
    logs = [MlflowLog(mlflow)] if mlflow is not None else []
    summaries = []
    for budget, name in named_budgets(config, study_name):
        with console.progress() as progress:
            shown = console.search_progress(progress, budget.training.epochs)
            searches, state = run_search(budget, replace(options, study_name=name), on_epoch=shown, callbacks=logs)
        for log in logs:
            log.update(searches)  # a search that was finished before has told of nothing
        found = StoredStudy.of(searches[0])
        summaries.append(search_summary(found, state))
        if output == "table":
            console.print_search(family_table(found), state)
    if output == "json":
        print_json(summaries if len(summaries) > 1 else summaries[0])


@app.command()
def confirm(
    study: StudyFile = None,
    blocks: Annotated[int | None, typer.Option(help="Runs of each configuration, on fresh paired seeds.")] = None,
    top: Annotated[int, typer.Option(help="Configurations of each family.")] = 1,
    control: Annotated[
        list[str] | None,
        typer.Option(help="An entry whose truth is known: aa (one twice), positive (one that must lose); or both."),
    ] = None,
    audit_pruned: Annotated[
        float | None, typer.Option(help="Finish this share of the search's pruned trials, to see what was missed.")
    ] = None,
    epochs: Budgets = None,
    families: Families = None,
    dataset: Dataset = None,
    workload: Workload = None,
    sampler: Sampler = None,
    pruner: Pruner = None,
    replicates: Replicates = None,
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    workers: Workers = "auto",
    backend: Backend = "loky",
    scheduler: Scheduler = None,
    device: Device = "auto",
    compile_step: Compile = "auto",
    seed: Seed = None,
    trust_storage: Annotated[
        bool, typer.Option("--trust-storage", help="Without a study file: import the workload that the storage names.")
    ] = False,
    output: Format = "table",
) -> None:
    """Train winners, or the fixed schedules of a study file, on fresh seeds and read the test set.

    Example: lrsearch confirm studies/article.toml --blocks 20
    """
    from dataclasses import replace

    from lrsearch.cli import console
    from lrsearch.cli.rows import audit_row, confirm_rows
    from lrsearch.confirmation.confirm import run_confirm
    from lrsearch.confirmation.run_audit import run_audit
    from lrsearch.experiment.options import RunOptions
    from lrsearch.storage import StudyPart
    from lrsearch.workloads import refuse_foreign_workload

    changes = study_changes(
        epochs=epoch_budgets(epochs),
        families=families,
        dataset=dataset,
        workload=workload,
        seed=seed,
        replicates=replicates,
        sampler=sampler,
        pruner=pruner,
    )
    if study is None and study_name is not None and (stored := stored_study(storage, study_name)) is not None:
        config = stored.changed(changes)  # a search that is there needs no file to be confirmed
        if workload is None and not trust_storage:
            refuse_foreign_workload(config.workload, source=f"study {study_name!r}", trust="--trust-storage")
    else:
        config = study_file(study, workload).changed(changes)
    options = RunOptions(
        storage=storage,
        device=device,
        workers=count(workers, "workers"),
        compile_step=compile_step,
        backend=backend,
        scheduler=scheduler,
    )
    warn_of_disk(storage)
    found = []
    for budget, name in named_budgets(config, study_name):
        here, audit = replace(options, study_name=name), None
        with console.progress() as progress:
            shown = console.confirm_progress(progress)
            if audit_pruned is not None:
                audit = audit_row(run_audit(budget, here, share=audit_pruned, on_epoch=shown))
            done = run_confirm(budget, here, blocks=blocks, top=top, controls=control or (), on_epoch=shown)
        for family in done.left_out:
            logger.info(f"{family} is left out: no trial of it is complete")
        rows = confirm_rows(StudyPart.of(done.study))
        found.append(rows if audit is None else {"entries": rows, "pruning audit": audit})
        if output == "table":
            console.print_rows(rows, output)
            if audit:
                console.print_rows([audit], output)
    if output == "json":
        print_json(found if len(found) > 1 else found[0])


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="An exported .yaml, .json or .toml file.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Fresh seeds, instead of the trial's own.")] = None,
    workload: Workload = None,
    trust_config: Annotated[
        bool, typer.Option("--trust-config", help="Import the workload that the file names, whoever wrote it.")
    ] = False,
    device: Device = "auto",
    checkpoint: Annotated[Path | None, typer.Option(help="Written every epoch; gone on from if it is there.")] = None,
    metrics: Annotated[Path | None, typer.Option("--output", "-o", help="A CSV file of the curve.")] = None,
    output: Format = "table",
) -> None:
    """Train one exported configuration from start to end and print its curve.

    Example: lrsearch train best.toml --checkpoint best.pt -o curve.csv
    """
    from lrsearch.cli import console
    from lrsearch.export.retrain import train_exported

    with console.progress() as progress:
        run = train_exported(
            config,
            seed=seed,
            workload=workload,
            trust_config=trust_config,
            device=device,
            checkpoint=checkpoint,
            metrics=metrics,
            on_epoch=lambda done, epochs: progress.show(f"{done} of {epochs} epochs", done / epochs),
        )
    for remark in run.remarks:
        logger.info(remark)
    console.print_rows(run.rows, output)
