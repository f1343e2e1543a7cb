"""What the commands share: flags by name, groups of flags that go together, and how their values are read."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from lrsearch.cli import completion
from lrsearch.errors import InputError
from lrsearch.names import DEFAULT_STORAGE, PrunerKind, SamplerKind
from lrsearch.text import as_whole_number

if TYPE_CHECKING:
    from lrsearch.config import StudyConfig
    from lrsearch.experiment.options import RunOptions

logger = logging.getLogger(__name__)

StudyFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[STUDY]",
        help="A study file, or a built-in study such as quick; fashion_lenet if none.",
        autocompletion=completion.study_files,
    ),
]
Storage = Annotated[str, typer.Option(envvar="LRSEARCH_STORAGE", help="Where studies are kept: an SQLAlchemy address.")]
Name = Annotated[
    str | None,
    typer.Option(
        "--study-name", envvar="LRSEARCH_STUDY", help="The study's name.", autocompletion=completion.study_names
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of one trial.")]
Families = Annotated[
    str | None, typer.Option(help="Schedule families, separated by commas.", autocompletion=completion.families)
]
Replicates = Annotated[int | None, typer.Option(help="Independent searches, for a verdict on families.")]
Seed = Annotated[int | None, typer.Option(help="The seed from which every other one is derived.")]
Workers = Annotated[str, typer.Option(help="Processes, or auto: one per core, one on a GPU.")]
Workload = Annotated[str | None, typer.Option(help="Your own: package.module:function.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people or for programs.")]


def _any_of(kind: Any) -> str:
    """Return the values of a Literal in words: rungs, median or none."""
    *others, last = get_args(kind)
    return f"{', '.join(others)} or {last}"


@dataclass(frozen=True)
class StudyFlags:
    """Which study, and what is changed in it; what is None changes nothing."""

    study: StudyFile = None
    families: Families = None
    dataset: Annotated[str | None, typer.Option(help="fashion-mnist, mnist, kmnist or digits (needs no download).")] = (
        None
    )
    workload: Workload = None
    training: Annotated[
        str | None, typer.Option(help="With \\[run]: your training function, package.module:function.")
    ] = None
    own_command: Annotated[
        str | None, typer.Option("--command", help='With \\[run]: your command, "python train.py"; no shell runs it.')
    ] = None
    score_pattern: Annotated[
        str | None, typer.Option(help='With a command that never reports: finds its score, "loss: ([0-9.]+)".')
    ] = None
    seed: Seed = None

    def changes(self) -> dict[str, Any]:
        """Return what the flags change in a study, by dotted key."""
        return {
            "search.families": listed(self.families),
            "data.dataset": self.dataset,
            "workload": self.workload,
            "run.training": self.training,
            "run.command": None if self.own_command is None else command_words(self.own_command),
            "run.score_pattern": self.score_pattern,
            "seed": self.seed,
        }

    def config(self, more: dict[str, Any] | None = None) -> StudyConfig:
        """Return the study of the file, of the workload without a file, or else fashion_lenet; `more` changes it too.

        Raises:
            InputError: if the file, or a value, is invalid.
        """
        from lrsearch.config import BUILT_IN_WORKLOAD, StudyConfig

        if self.study is None and self.workload not in (None, BUILT_IN_WORKLOAD):
            config = StudyConfig.for_workload(self.workload)
        else:
            config = StudyConfig.load(self.study or "fashion_lenet")
        for name in ("training", "command", "score_pattern"):
            if self.changes()[f"run.{name}"] is not None and config.run is None:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} needs a study file with [run]: metric, direction, total_steps and reports")
        return config.changed(self.changes() | (more or {}))


@dataclass(frozen=True)
class SearchFlags(StudyFlags):
    """The same with how it is searched."""

    epochs: Annotated[str | None, typer.Option(help="Epochs of one trial; 10,30 is a study at each.")] = None
    replicates: Replicates = None
    sampler: Annotated[str | None, typer.Option(help=f"{_any_of(SamplerKind)}; gp learns across families.")] = None
    pruner: Annotated[str | None, typer.Option(help=f"{_any_of(PrunerKind)}, within each family.")] = None

    def changes(self) -> dict[str, Any]:
        """Return what the flags change in a study, by dotted key."""
        return super().changes() | {
            "training.epochs": epoch_budgets(self.epochs),
            "search.replicates": self.replicates,
            "search.sampler": self.sampler,
            "search.pruner": self.pruner,
        }


@dataclass(frozen=True)
class RunFlags:
    """Where a study is kept and how it is run."""

    storage: Storage = DEFAULT_STORAGE
    study_name: Name = None
    workers: Workers = "auto"
    backend: Annotated[
        Literal["loky", "dask"], typer.Option(help="Processes of this machine, or of a Dask scheduler's machines.")
    ] = "loky"
    scheduler: Annotated[str | None, typer.Option(help="With --backend dask: its address, tcp://host:8786.")] = None
    device: Device = "auto"
    runs_per_gpu: Annotated[int | None, typer.Option(help="With \\[run] gpus: how many runs share a GPU.")] = None
    compile_step: Annotated[
        str | None, typer.Option("--compile", help="Without effect; it goes with the next version.")
    ] = None

    def options(
        self,
        config: StudyConfig,
        *,
        lanes: int | None = None,
        timeout_seconds: float | None = None,
        retry_crashed: bool = False,
        replicates_at_once: int | None = None,
    ) -> RunOptions:
        """Return the options of a run, after a warning where the storage is on a network file system.

        Raises:
            InputError: if a value is invalid.
        """
        from lrsearch.experiment.options import RunOptions
        from lrsearch.storage import shared_disk_warning

        if self.compile_step is not None and config.run is not None:
            raise InputError("--compile is for a workload, and this study has [run]: leave it out")
        if self.compile_step is not None:
            logger.warning("--compile has no effect: the step is as fast without it")
        options = RunOptions(
            storage=self.storage,
            study_name=self.study_name,
            device=self.device,
            lanes=lanes,
            workers=count(self.workers, "workers"),
            timeout_seconds=timeout_seconds,
            backend=self.backend,
            scheduler=self.scheduler,
            retry_crashed=retry_crashed,
            runs_per_gpu=self.runs_per_gpu,
            replicates_at_once=replicates_at_once,
        )
        if warning := shared_disk_warning(self.storage):
            logger.info(f"warning: {warning}")
        return options


def command_words(command: str) -> tuple[str, ...]:
    """Return a command's program and arguments, as a shell would divide them."""
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise InputError(f"--command must be a program and its arguments, got {command!r}: {error}") from error


def count(value: str, name: str) -> int | None:
    """Return a flag's whole number, or None for "auto"."""
    if value == "auto":
        return None
    try:
        return as_whole_number(value)
    except ValueError:
        raise InputError(f"--{name} must be auto or a whole number, got {value!r}") from None


def require_seed(seed: int | None) -> None:
    """Raise InputError for a seed below 0."""
    if seed is not None and seed < 0:
        raise InputError(f"--seed must be 0 or more, got {seed}")


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
        return tuple(as_whole_number(number) for number in value.split(","))
    except ValueError:
        raise InputError(f"--{name} must be an integer, or several separated by commas, got {value!r}") from None


def print_json(data: Any) -> None:
    """Print data as JSON, alone on standard output."""
    from lrsearch.records import json_text

    typer.echo(json_text(data))


def write_verdict_json(target: Path | None, verdict: dict[str, Any]) -> None:
    """Write a verdict as JSON, where a file is named."""
    from lrsearch.config.files import write_text
    from lrsearch.records import json_text

    if target is not None:
        write_text(target, json_text(verdict) + "\n")
        logger.info(f"{target} is written")
