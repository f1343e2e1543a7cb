"""What the commands share: the application, the flags by name, and how their values are read."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from lrsearch.config import StudyConfig

logger = logging.getLogger(__name__)

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
Sampler = Annotated[str | None, typer.Option(help="gp (learns across families), tpe, random or qmc.")]
Pruner = Annotated[str | None, typer.Option(help="rungs, median or none, within each family.")]
Replicates = Annotated[int | None, typer.Option(help="Independent searches, for a verdict on families.")]
Workers = Annotated[str, typer.Option(help="Processes, or auto: one a core, one on a GPU.")]
Backend = Annotated[
    Literal["loky", "dask"], typer.Option(help="Processes of this machine, or of a Dask scheduler's machines.")
]
Scheduler = Annotated[str | None, typer.Option(help="With --backend dask: its address, tcp://host:8786.")]
Compile = Annotated[Literal["auto", "on", "off"], typer.Option("--compile", help="Compile a CPU's training step.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people or for programs.")]


def study_file(path: Path | None, workload: str | None = None) -> StudyConfig:
    """Return the study of a file; without one that of a workload, and without either the main study of lrsearch."""
    from lrsearch.config import BUILT_IN_WORKLOAD, StudyConfig, shipped_study

    if path is None and workload not in (None, BUILT_IN_WORKLOAD):
        return StudyConfig.for_workload(workload)
    return StudyConfig.load(path or shipped_study("fashion_lenet"))


def stored_study(storage: str, name: str) -> StudyConfig | None:
    """Return what a search in a storage was made from, or None if there is none of this name."""
    from lrsearch.names import search_names
    from lrsearch.storage import StudyPart, existing_storage, load_study, stored_names

    opened = existing_storage(storage)
    if opened is None:
        return None
    searches = search_names(stored_names(opened), name)
    return StudyPart.of(load_study(opened, searches[0])).config if searches else None


def warn_of_disk(storage: str) -> None:
    """Tell a person whose SQLite file is on a network file system what to know of it."""
    from lrsearch.storage import shared_disk_warning

    if warning := shared_disk_warning(storage):
        logger.info(f"warning: {warning}")


def count(value: str, name: str) -> int | None:
    """Return a flag's whole number, or None for "auto"."""
    if value == "auto":
        return None
    try:
        return int(value)
    except ValueError:
        raise typer.BadParameter(f"--{name} must be auto or a whole number, got {value!r}") from None


def listed(value: str | None) -> tuple[str, ...] | None:
    """Return the names of a flag that separates them by commas."""
    return tuple(name.strip() for name in value.split(",")) if value is not None else None


def epoch_budgets(value: str | None) -> tuple[int, ...] | int | None:
    """Return the epochs of a flag: one number, or several separated by commas."""
    numbers = whole_numbers(value, "epochs")
    return numbers[0] if numbers is not None and len(numbers) == 1 else numbers


def whole_numbers(value: str | None, name: str) -> tuple[int, ...] | None:
    """Return the whole numbers of a flag that separates them by commas."""
    if value is None:
        return None
    try:
        return tuple(int(number) for number in value.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"--{name} must be an integer, or several separated by commas, got {value!r}"
        ) from None


def study_changes(
    *,
    epochs: tuple[int, ...] | int | None,
    families: str | None,
    dataset: str | None,
    workload: str | None,
    seed: int | None,
    trials: int | None = None,
    replicates: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
) -> dict[str, Any]:
    """Return what flags change in a study, by dotted key; what was not given is None and changes nothing."""
    return {
        "training.epochs": epochs,
        "search.families": listed(families),
        "data.dataset": dataset,
        "workload": workload,
        "seed": seed,
        "search.trials": trials,
        "search.replicates": replicates,
        "search.sampler": sampler,
        "search.pruner": pruner,
    }


def named_budgets(config: StudyConfig, study_name: str | None) -> list[tuple[StudyConfig, str]]:
    """Return the study at each of its epoch budgets, with its name in the storage."""
    named = config.changed({"name": study_name})
    return [(budget, name.name) for budget, name in zip(config.at_budgets(), named.at_budgets(), strict=True)]


def print_json(data: Any) -> None:
    """Print data as JSON, alone on standard output."""
    from lrsearch.records import finite

    typer.echo(json.dumps(finite(data), indent=2, allow_nan=False))
