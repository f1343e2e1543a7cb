"""The commands: parse, call one function each, print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from lrsearch.config import StudyConfig

app = typer.Typer(
    help="Which learning-rate schedule should I use, how sure am I, and is the difference worth caring about?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudyFile = Annotated[
    Path | None, typer.Argument(metavar="[STUDY.toml]", help="The study file; the main study if none.")
]
Storage = Annotated[str, typer.Option(envvar="LRSEARCH_STORAGE", help="Where studies are kept: an SQLAlchemy address.")]
Name = Annotated[str | None, typer.Option("--study-name", envvar="LRSEARCH_STUDY", help="The study's name there.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of one trial.")]
Budgets = Annotated[str | None, typer.Option("--epochs", help="Epochs of one trial; 10,30 is a study at each.")]
Dataset = Annotated[str | None, typer.Option(help="fashion-mnist, mnist, kmnist or digits (needs no download).")]
Workload = Annotated[str | None, typer.Option(help="Your own: package.module:function.")]
Seed = Annotated[int | None, typer.Option(help="The seed from which every other one is derived.")]
Families = Annotated[str | None, typer.Option(help="Schedule families, separated by commas.")]
Workers = Annotated[str, typer.Option(help="Processes, or auto: one a core, one on a GPU.")]
Compile = Annotated[Literal["auto", "on", "off"], typer.Option("--compile", help="Compile the training step.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people or for programs.")]

DEFAULT_STORAGE = "sqlite:///lrsearch.db"


def _study_file(path: Path | None) -> StudyConfig:
    from lrsearch.config import StudyConfig, shipped_study

    return StudyConfig.load(path or shipped_study("fashion_lenet"))


def _count(value: str, name: str) -> int | None:
    """Return a flag's whole number, or None for "auto"."""
    if value == "auto":
        return None
    if not value.lstrip("-").isdigit():
        raise typer.BadParameter(f"--{name} must be auto or a whole number, got {value!r}")
    return int(value)


def _listed(value: str | None) -> tuple[str, ...] | None:
    """Return the names of a flag that separates them by commas."""
    return tuple(name.strip() for name in value.split(",")) if value else None


def _budgets(value: str | None) -> tuple[int, ...] | int | None:
    """Return the epochs of a flag: one number, or several separated by commas."""
    numbers = _whole_numbers(value, "epochs")
    return numbers[0] if numbers is not None and len(numbers) == 1 else numbers


def _whole_numbers(value: str | None, name: str) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(number) for number in value.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"--{name} must be an integer, or several separated by commas, got {value!r}"
        ) from None


def _names(config: StudyConfig, study_name: str | None) -> list[tuple[StudyConfig, str]]:
    """Return the study at each of its epoch budgets, with its name in the storage."""
    named = config.changed({"name": study_name})
    return [(budget, name.name) for budget, name in zip(config.at_budgets(), named.at_budgets(), strict=True)]


def _json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2))


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
    sampler: Annotated[str | None, typer.Option(help="tpe, random or qmc, inside each family.")] = None,
    pruner: Annotated[str | None, typer.Option(help="rungs, median or none, within each family.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Independent searches, for a verdict on families.")] = None,
    lanes: Annotated[str, typer.Option(help="Trials that a process trains side by side, or auto.")] = "auto",
    workers: Workers = "auto",
    device: Device = "auto",
    compile_step: Compile = "auto",
    seed: Seed = None,
    timeout: Annotated[float | None, typer.Option(help="Stop after this many seconds.")] = None,
    output: Format = "table",
) -> None:
    """Search over schedule families; every trial stays in the storage.

    Example: lrsearch optimize studies/quick.toml --trials 26
    """
    from dataclasses import replace

    from lrsearch import console
    from lrsearch.search.run import RunOptions, run_search
    from lrsearch.summary import family_table, search_summary

    changes = {
        "search.trials": trials,
        "training.epochs": _budgets(epochs),
        "search.families": _listed(families),
        "data.dataset": dataset,
        "workload": workload,
        "search.sampler": sampler,
        "search.pruner": pruner,
        "search.replicates": replicates,
        "seed": seed,
    }
    config = _study_file(study).changed(changes)
    options = RunOptions(
        storage=storage,
        device=device,
        lanes=_count(lanes, "lanes"),
        workers=_count(workers, "workers"),
        compile_step=compile_step,
        timeout_seconds=timeout,
    )
    summaries = []
    for budget, name in _names(config, study_name):
        with console.progress() as progress:
            shown = console.search_progress(progress, budget.training.epochs)
            studies, state = run_search(budget, replace(options, study_name=name), on_epoch=shown)
        summaries.append(search_summary(studies, state))
        if output == "table":
            console.print_search(family_table(studies), state)
    if output == "json":
        _json(summaries if len(summaries) > 1 else summaries[0])


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
    dataset: Dataset = None,
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    workers: Workers = "auto",
    device: Device = "auto",
    compile_step: Compile = "auto",
    seed: Seed = None,
    output: Format = "table",
) -> None:
    """Train winners, or the fixed schedules of a study file, on fresh seeds and read the test set.

    Example: lrsearch confirm studies/article.toml --blocks 3
    """
    from dataclasses import replace

    from lrsearch import console
    from lrsearch.search.run import RunOptions
    from lrsearch.search.run_audit import run_audit
    from lrsearch.search.run_confirm import run_confirm
    from lrsearch.summary import audit_row, confirm_rows

    config = _study_file(study).changed({"training.epochs": _budgets(epochs), "data.dataset": dataset, "seed": seed})
    options = RunOptions(storage=storage, device=device, workers=_count(workers, "workers"), compile_step=compile_step)
    found = []
    for budget, name in _names(config, study_name):
        here, audit = replace(options, study_name=name), None
        with console.progress() as progress:
            shown = console.confirm_progress(progress)
            if audit_pruned is not None:
                audit = audit_row(run_audit(budget, here, share=audit_pruned, on_epoch=shown))
            done = run_confirm(budget, here, blocks=blocks, top=top, controls=control or (), on_epoch=shown)
        for family in done.left_out:
            console.note(f"{family} is left out: no trial of it is complete")
        rows = confirm_rows(done.study)
        found.append(rows if audit is None else {"entries": rows, "pruning audit": audit})
        if output == "table":
            console.print_rows(rows, output)
            console.print_rows([audit] if audit else [], output)
    if output == "json":
        _json(found if len(found) > 1 else found[0])


@app.command()
def compare(
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    scores: Annotated[Path | None, typer.Option(help="A CSV table of your own: block, family, score.")] = None,
    rope: Annotated[float, typer.Option(help="With --scores: the difference in points that would not matter.")] = 0.3,
    alpha: Annotated[float, typer.Option(help="With --scores: the family-wise error.")] = 0.05,
    seed: Annotated[int, typer.Option(help="With --scores: of the random sign flips.")] = 0,
    output: Format = "table",
) -> None:
    """Give the verdict of a confirmation: which is better, how sure, and whether it matters.

    Example: lrsearch compare --study-name article
    """
    from lrsearch import console
    from lrsearch.budgets import agreements, studies_by_budget, verdicts_by_budget
    from lrsearch.storage import open_storage
    from lrsearch.summary import budgets_summary, comparison_rows, verdict_rows
    from lrsearch.verdict import compare_table

    if scores is not None:
        comparison = compare_table(scores, rope=rope, alpha=alpha, seed=seed)
        if output == "json":
            typer.echo(comparison.to_json())
        else:
            console.print_verdict(comparison, comparison_rows(comparison))
        return
    verdicts = verdicts_by_budget(studies_by_budget(open_storage(storage), study_name))
    agreed = agreements(verdicts)
    if output == "json":
        _json(budgets_summary(verdicts, agreed))
        return
    for epochs, verdict in verdicts.items():
        if agreed:
            console.print_title(f"{epochs} epochs")
        console.print_study_verdict(verdict, verdict_rows(verdict))
    for agreement in agreed:
        console.print_title(agreement.sentence)


@app.command()
def plan(
    study: StudyFile = None,
    blocks: Annotated[str | None, typer.Option(help="Numbers of blocks to tabulate, such as 10,20,40.")] = None,
    sd: Annotated[float | None, typer.Option(help="Stated SD over blocks of one family, points.")] = None,
    correlation: Annotated[float | None, typer.Option(help="Stated correlation of families in a block.")] = None,
    pilot: Annotated[str | None, typer.Option(help="A confirmed study to measure the noise by; else this one.")] = None,
    trials: Annotated[int | None, typer.Option(help="Trials of one search.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Independent searches.")] = None,
    epochs: Epochs = None,
    families: Families = None,
    dataset: Dataset = None,
    workload: Workload = None,
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    workers: Workers = "auto",
    device: Device = "auto",
    seed: Seed = None,
    output: Format = "table",
) -> None:
    """Say what a budget buys before anything runs: the difference it would detect, and the time it takes here.

    Example: lrsearch plan studies/quick.toml --blocks 10,20 --sd 0.5 --correlation 0.3
    """
    from lrsearch import console
    from lrsearch.pilot import existing_storage, noise_of
    from lrsearch.planning import plan_study
    from lrsearch.search.run import RunOptions
    from lrsearch.summary import plan_rows, plan_summary

    changes = {
        "search.trials": trials,
        "search.replicates": replicates,
        "training.epochs": epochs,
        "search.families": _listed(families),
        "data.dataset": dataset,
        "workload": workload,
        "seed": seed,
    }
    config = _study_file(study).changed(changes)
    options = RunOptions(device=device, workers=_count(workers, "workers"))
    measured_by = pilot or study_name or config.name
    noise = noise_of(existing_storage(storage), measured_by, sd=sd, correlation=correlation, required=pilot is not None)
    found = plan_study(config, options, noise, blocks=_whole_numbers(blocks, "blocks"))
    if output == "json":
        _json(plan_summary(found))
    else:
        console.print_plan(found, plan_rows(found))


@app.command()
def export(
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    family: Annotated[str | None, typer.Option(help="The best of this family, or an entry of a confirmation.")] = None,
    top: Annotated[int, typer.Option(help="How many, best first; several need -o FOLDER.")] = 1,
    recommended: Annotated[bool, typer.Option("--recommended", help="The best of each recommended family.")] = False,
    form: Annotated[
        Literal["yaml", "json", "toml", "python", "csv", "hf", "timm", "optax"] | None,
        typer.Option("--format", help="By the suffix of -o, or yaml, if none."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Rescale the schedule to this many steps.")] = None,
    target: Annotated[Path | None, typer.Option("--output", "-o", help="The file (or folder) to write.")] = None,
) -> None:
    """Write the best configuration as a document, as code for PyTorch or optax, or as arguments of other libraries.

    Example: lrsearch export --study-name quick -o best.toml
    """
    from lrsearch import console
    from lrsearch.export import Source, exported, format_of, write_files

    several = recommended or top > 1
    if several and target is None:
        raise typer.BadParameter("several configurations need a folder: -o FOLDER")
    source, chosen = Source.open(storage, study_name), format_of(target, form)
    files = exported(source, chosen, family=family, top=top, recommended=recommended, steps=steps)
    if target is None:
        typer.echo(files.popitem()[1], nl=False)
    else:
        for place in write_files(files, target, as_folder=several):
            console.note(f"{place} is written")


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="An exported .yaml, .json or .toml file.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Fresh seeds, instead of the trial's own.")] = None,
    device: Device = "auto",
    checkpoint: Annotated[Path | None, typer.Option(help="Written every epoch; gone on from if it is there.")] = None,
    metrics: Annotated[Path | None, typer.Option("--output", "-o", help="A CSV file of the curve.")] = None,
    output: Format = "table",
) -> None:
    """Train one exported configuration from start to end and print its curve.

    Example: lrsearch train best.toml --checkpoint best.pt -o curve.csv
    """
    from lrsearch import console
    from lrsearch.export import load_configuration
    from lrsearch.export.retrain import reseeded, train_configuration

    loaded = load_configuration(config)
    loaded = loaded if seed is None else reseeded(loaded, seed)
    with console.progress() as progress:
        run = train_configuration(
            loaded,
            device=device,
            checkpoint=checkpoint,
            metrics=metrics,
            on_epoch=lambda done, epochs: progress.show(f"{done} of {epochs} epochs", done / epochs),
        )
    for remark in run.remarks:
        console.note(remark)
    console.print_rows(run.rows, output)


@app.command()
def report(
    page: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path("report.html"),
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
) -> None:
    """Write everything that a study has found as one HTML file: the verdict first, then what it rests on.

    Example: lrsearch report --study-name quick -o report.html
    """
    from lrsearch import console
    from lrsearch.report.assemble import report_html
    from lrsearch.report.page import save
    from lrsearch.report.source import read_source
    from lrsearch.storage import open_storage

    source = read_source(open_storage(storage), study_name)
    save(report_html(source), page)
    console.note(
        f"{page} is written; it opens offline"
        if source.comparison
        else f"{page} is written without a verdict: {source.why_not}"
    )


@app.command()
def preview(
    study: StudyFile = None,
    page: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path("preview.html"),
    families: Families = None,
    epochs: Epochs = None,
    seed: Seed = None,
) -> None:
    """Draw the curves of a study before any training: some of every family, and its fixed schedules.

    Example: lrsearch preview studies/quick.toml -o preview.html
    """
    from lrsearch import console
    from lrsearch.report.page import save
    from lrsearch.report.preview import preview_html

    changes = {"search.families": _listed(families), "training.epochs": epochs, "seed": seed}
    save(preview_html(_study_file(study).changed(changes)), page)
    console.note(f"{page} is written; it opens offline")


@app.command()
def dashboard(
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    host: Annotated[str, typer.Option(help="The address to listen on; others than this machine's are open to all.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
    allow_edit: Annotated[bool, typer.Option("--allow-edit", help="Let whoever reaches the port change it.")] = False,
) -> None:
    """Serve optuna-dashboard on the storage, read-only by default.

    Example: lrsearch dashboard --study-name quick
    """
    from lrsearch import console
    from lrsearch.dashboard import make_dashboard
    from lrsearch.storage import open_storage, study_id

    opened = open_storage(storage)
    page = f"/studies/{study_id(opened, study_name)}" if study_name else ""
    with make_dashboard(opened, host=host, port=port, allow_edit=allow_edit) as server:
        console.note(f"http://{host}:{server.server_port}/dashboard{page}  (Ctrl-C ends it)")
        server.serve_forever()


@app.command()
def doctor(
    workload: Workload = None,
    dataset: Annotated[str, typer.Option(help="What the built-in workload is tried with.")] = "digits",
    storage: Storage = DEFAULT_STORAGE,
    device: Device = "auto",
    output: Format = "table",
) -> None:
    """Tell what works here: device, data, storage, versions, a workload.

    Example: lrsearch doctor --dataset fashion-mnist
    """
    from lrsearch import console
    from lrsearch.doctor import examine

    checks = [vars(check) for check in examine(workload=workload, dataset=dataset, storage=storage, device=device)]
    if output == "json":
        _json(checks)
    else:
        for check in checks:
            console.note_check(**check)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)


def _records(storage: str, study_name: str | None) -> Any:
    from lrsearch.storage import open_storage, records, the_study

    return records(the_study(open_storage(storage), study_name))


@app.command()
def trials(
    storage: Storage = DEFAULT_STORAGE,
    study_name: Name = None,
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    state: Annotated[
        Literal["complete", "pruned", "running", "waiting", "fail"] | None, typer.Option(help="Only in this state.")
    ] = None,
    output: Annotated[Literal["table", "json", "csv"], typer.Option("--format")] = "table",
) -> None:
    """List the trials of a study."""
    from lrsearch import console
    from lrsearch.summary import trial_rows

    rows = trial_rows(_records(storage, study_name), family=family, state=state)
    console.print_rows(rows, output)


@app.command()
def studies(
    storage: Storage = DEFAULT_STORAGE,
    output: Annotated[Literal["table", "json", "csv"], typer.Option("--format")] = "table",
) -> None:
    """List the studies of a storage."""
    from lrsearch import console
    from lrsearch.storage import open_storage
    from lrsearch.summary import study_rows

    console.print_rows(study_rows(open_storage(storage)), output)


@app.command()
def families(output: Format = "table") -> None:
    """List the schedule families: formulas, parameters and their ranges."""
    from lrsearch import console
    from lrsearch.summary import all_families

    described = all_families()
    if output == "json":
        _json(described)
    else:
        console.print_families(described)
