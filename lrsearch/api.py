"""What a notebook calls: one function for each step of the flow; the commands call the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from optuna.study import Study

from lrsearch.comparison import Comparison
from lrsearch.config import StudyConfig
from lrsearch.config.arguments import checked
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.names import DEFAULT_STORAGE, base_name
from lrsearch.schedules import AnySchedule, PerEpoch, ReduceOnPlateau, Schedule, schedule_from_params
from lrsearch.search.callbacks import Callback
from lrsearch.search.mlflow_log import MlflowLog
from lrsearch.search.optimize import run_search
from lrsearch.search.progress import SearchState
from lrsearch.storage import (
    StoredStudy,
    StudyPart,
    open_existing,
    storage_of,
)
from lrsearch.verdict.study_verdict import compare_study
from lrsearch.workloads import require_trusted


@checked
def optimize(
    config: StudyConfig | str | Path,
    *,
    trials: int | None = None,
    storage: str = DEFAULT_STORAGE,
    study_name: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    lanes: int | None = None,
    workers: int | None = None,
    timeout_seconds: float | None = None,
    backend: Literal["loky", "dask"] = "loky",
    scheduler: str | None = None,
    callbacks: Sequence[Callback] = (),
    mlflow: str | None = None,
    on_epoch: Callable[[SearchState], None] = lambda _: None,
) -> Study:
    """Search until the study has `trials` finished trials, and return it.

    Args:
        config: what is searched, or the path of its study file.
        trials: the total of finished trials, those of earlier runs included; the study's own number if None.
        storage: where the study is kept: an SQLAlchemy address.
        study_name: its name in the storage; the study file's if None.
        device: where to train; "auto" is a GPU where there is one.
        lanes: trials that a process trains side by side; chosen if None.
        workers: processes; one per core, or one on a GPU, if None.
        timeout_seconds: stop at the first epoch boundary after this long; never if None.
        backend: "loky" for processes of this machine, "dask" for those of a Dask scheduler.
        scheduler: the address of that scheduler, tcp://host:8786.
        callbacks: each called with the study and the trial when a trial has finished, as by `Study.optimize`, in this
            process at every number of workers.
        mlflow: an MLflow store (sqlite:///mlflow.db) in which every finished trial becomes a run; needs the extra
            `lrsearch[mlflow]`.
        on_epoch: called with the state of the search after every epoch, or about once a second with several workers.

    Returns:
        The study; of several replicates the first, of several epoch budgets that of the most epochs.

    Raises:
        InputError: if an argument is invalid.
    """
    options = RunOptions(
        storage=storage,
        study_name=study_name,
        device=device,
        lanes=lanes,
        workers=workers,
        timeout_seconds=timeout_seconds,
        backend=backend,
        scheduler=scheduler,
    )
    searches: list[Study] = []
    for budget, run in options.at_budgets(_config(config).changed({"search.trials": trials})):
        searches, _ = search(budget, run, callbacks=callbacks, mlflow=mlflow, on_epoch=on_epoch)
    return searches[0]


def search(
    config: StudyConfig,
    options: RunOptions,
    *,
    callbacks: Sequence[Callback] = (),
    mlflow: str | None = None,
    on_epoch: Callable[[SearchState], None] = lambda _: None,
) -> tuple[list[Study], SearchState]:
    """Search at one epoch budget, and return the studies, one a replicate, and the state at the end; see `optimize`."""
    logs = [MlflowLog(mlflow)] if mlflow is not None else []
    studies, state = run_search(config, options, on_epoch, (*callbacks, *logs))
    for log in logs:
        log.update(studies)  # a search that had finished before calls no callback
    return studies, state


@checked
def confirm(
    study: Study | StudyConfig | str | Path,
    *,
    blocks: int | None = None,
    top: int = 1,
    controls: Sequence[Literal["aa", "positive"]] = (),
    audit_pruned: float | None = None,
    trust_storage: bool = False,
    storage: str | None = None,
    study_name: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    workers: int | None = None,
    backend: Literal["loky", "dask"] = "loky",
    scheduler: str | None = None,
    on_epoch: Callable[[ConfirmProgress], None] = lambda _: None,
) -> Study:
    """Train a search's winners and the study file's baselines on fresh, paired seeds; return the confirmation's study.

    Args:
        study: the search, its name in the storage, or a study (or the path of its file, .toml) with fixed schedules.
        blocks: runs of each configuration; the plan's number if None.
        top: configurations of each family.
        controls: candidates whose truth is known: "aa" (one twice), "positive" (one that must lose).
        audit_pruned: also finish this share of the search's pruned trials, stored as the study NAME/audit.
        trust_storage: import the workload that the storage names, even if this process has not loaded it before.
        storage: where the study is kept; that of the search, or else the default.
        study_name, device, workers, backend, scheduler: as for `optimize`.
        on_epoch: called with the state after every epoch of a block, or about once a second with several workers.

    Returns:
        The study of the confirmation; of several epoch budgets that of the most epochs.

    Raises:
        InputError: if there is nothing to confirm, an argument is invalid, or the storage names a workload that this
            process has not loaded.
    """
    if isinstance(study, StudyConfig | Path) or (isinstance(study, str) and study.endswith(".toml")):
        config, where, name = _config(study), storage or DEFAULT_STORAGE, study_name
    else:
        stored = _stored(study, storage)
        config = trusted_config(StudyPart.of(study) if isinstance(study, Study) else stored.first, trust=trust_storage)
        where = storage or (storage_of(study)[1] if isinstance(study, Study) else DEFAULT_STORAGE)
        name = study_name or stored.name
    options = RunOptions(
        storage=where,
        study_name=name,
        device=device,
        workers=workers,
        backend=backend,
        scheduler=scheduler,
    )
    done = [
        run_confirm(
            budget, run, blocks=blocks, top=top, controls=controls, audit_pruned=audit_pruned, on_epoch=on_epoch
        )
        for budget, run in options.at_budgets(config)
    ]
    return done[-1].study


def trusted_config(search: StudyPart, *, trust: bool) -> StudyConfig:
    """Return what a stored search was made from, to be trained.

    Raises:
        InputError: if it names a workload that this process has not loaded, and its storage is not trusted.
    """
    if not trust:
        source = f"study {base_name(search.name)!r}"
        flag = "workload" if search.config.run is None else "training"
        require_trusted(search.config.trained, source=source, trust="--trust-storage", flag=flag)
    return search.config


@checked
def write_report(study: Study | str, path: str | Path = "report.html", *, storage: str | None = None) -> Path:
    """Write everything that a study shows as one HTML file that opens offline, and return its path.

    Args:
        study: the study, or its name in the storage.
        path: of the file.
        storage: where a study given by its name is kept; the default if None.

    Raises:
        InputError: if there is no such study.
    """
    from lrsearch.config.files import write_text
    from lrsearch.report.assemble import report_html
    from lrsearch.report.source import read_source

    if isinstance(study, Study):
        opened, name = storage_of(study)[0], base_name(study.study_name)
    else:
        opened, name = open_existing(storage or DEFAULT_STORAGE), study
    write_text(Path(path), report_html(read_source(opened, name)))
    return Path(path)


@checked
def compare(study: Study | str, *, storage: str | None = None) -> Comparison:
    """Return the comparison that a search's confirmation allows; print its `verdict_text`.

    Args:
        study: the study, or its name in the storage.
        storage: where a study given by its name is kept; the default if None.

    Raises:
        InputError: if there is no such study, it has not been confirmed, or in too few blocks.
    """
    return compare_study(_stored(study, storage))


@checked
def best_schedule(study: Study | str, family: str | None = None, *, storage: str | None = None) -> AnySchedule:
    """Return the schedule of the study's best complete trial, or of a family's.

    Args:
        study: the study, or its name in the storage.
        family: the best of this family; of all if None.
        storage: where a study given by its name is kept; the default if None.

    Raises:
        InputError: if there is no such study, or no complete trial.
    """
    from lrsearch.export import best_trials

    stored = _stored(study, storage)
    name = study.study_name if isinstance(study, Study) else study
    [(_, best)] = best_trials(stored.only(name), family)
    return schedule_from_params(best.schedule)


@checked
def export_schedule(
    study: Study | str | Schedule | PerEpoch | ReduceOnPlateau,
    form: str = "yaml",
    *,
    family: str | None = None,
    steps: int | None = None,
    approximate: bool = False,
    storage: str | None = None,
) -> str:
    """Return the best configuration of a search, all replicates together, or a schedule, as the text of a file.

    It is what `lrsearch export` writes; `lrsearch.export` itself is the package that does it.

    Args:
        study: the search, or a confirmation of fixed schedules; or its name in the storage; or a schedule by itself.
        form: yaml, json, toml, python, csv, hf, timm or optax.
        family: the best of this family, or the candidate of this name in a confirmation.
        steps: rescale the schedule to this many steps, every boundary at the same fraction of training.
        approximate: with hf and timm, take the nearest curve where none is exact; a warning says how it differs.
        storage: where a study given by its name is kept; the default if None.

    Raises:
        InputError: if no such trial is complete, or the format cannot express the schedule exactly.
    """
    from lrsearch.export import exported, render

    if isinstance(study, Schedule | PerEpoch | ReduceOnPlateau):
        for name, value in (("family", family), ("storage", storage)):
            if value is not None:
                raise InputError(f"{name} must be left out where a schedule is exported, got {value!r}")
        scaled = study if steps is None else study.scaled_to(steps)
        return render({"schedule": scaled.params()}, form, approximate=approximate)
    stored = _stored(study, storage)
    [text] = exported(stored, form, family=family, steps=steps, approximate=approximate).values()
    return text


def _config(config: StudyConfig | str | Path) -> StudyConfig:
    return config if isinstance(config, StudyConfig) else StudyConfig.load(config)


def _stored(study: Study | str, storage: str | None) -> StoredStudy:
    """Return the stored study that is meant by a study or by its name."""
    return StoredStudy.open(storage or DEFAULT_STORAGE, study) if isinstance(study, str) else StoredStudy.of(study)
