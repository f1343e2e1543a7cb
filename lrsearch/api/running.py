"""The steps that train: optimize and confirm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.config.arguments import checked
from lrsearch.config.trust import require_trusted
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.experiment.options import RunOptions
from lrsearch.names import DEFAULT_STORAGE, base_name
from lrsearch.search.callbacks import Callback
from lrsearch.search.mlflow_log import MlflowLog
from lrsearch.search.optimize import OnBegin, run_search
from lrsearch.search.progress import SearchState
from lrsearch.storage import StudyPart, storage_of


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
    runs_per_gpu: int | None = None,
    replicates_at_once: int | None = None,
    callbacks: Sequence[Callback] = (),
    retry_crashed: bool = False,
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
        runs_per_gpu: how many runs share a GPU, where the study's `[run]` gives runs GPUs of their own; 1 if None.
        replicates_at_once: replicates of the search that a process trains together, in one stack; chosen if None.
        callbacks: each called with the study and the trial when a trial has finished, as by `Study.optimize`, in this
            process at every number of workers.
        retry_crashed: run once more what has crashed, after the script was mended.
        mlflow: an MLflow store (sqlite:///mlflow.db) in which every finished trial becomes a run; needs the extra
            `lrsearch[mlflow]`.
        on_epoch: called with the state of the search after every epoch, or about once a second with several workers.

    Returns:
        The study; of several replicates the first, of several epoch budgets that of the most epochs.

    Raises:
        InputError: if an argument is invalid.
    """
    options = RunOptions(
        storage,
        study_name,
        device,
        lanes,
        workers,
        timeout_seconds,
        backend,
        scheduler,
        retry_crashed=retry_crashed,
        runs_per_gpu=runs_per_gpu,
        replicates_at_once=replicates_at_once,
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
    on_begin: OnBegin = lambda _experiment, _options, _left: None,
    on_phase: Callable[[str], None] = lambda _: None,
) -> tuple[list[Study], SearchState]:
    """Search at one epoch budget, and return the studies, one a replicate, and the state at the end; see `optimize`."""
    logs = [MlflowLog(mlflow)] if mlflow is not None else []
    studies, state = run_search(config, options, on_epoch, (*callbacks, *logs), on_begin, on_phase)
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
    runs_per_gpu: int | None = None,
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
        study_name, device, workers, backend, scheduler, runs_per_gpu: as for `optimize`.
        on_epoch: called with the state after every epoch of a block, or about once a second with several workers.

    Returns:
        The study of the confirmation; of several epoch budgets that of the most epochs.

    Raises:
        InputError: if there is nothing to confirm, an argument is invalid, or the storage names a workload that this
            process has not loaded.
        RunError: if there is nothing to confirm because every trial of the search has diverged.
    """
    from lrsearch.api.reading import stored_study
    from lrsearch.confirmation.confirm import run_confirm

    if isinstance(study, StudyConfig | Path) or (isinstance(study, str) and study.endswith(".toml")):
        config, where, name = _config(study), storage or DEFAULT_STORAGE, study_name
    else:
        stored = stored_study(study, storage)
        config = trusted_config(StudyPart.of(study) if isinstance(study, Study) else stored.first, trust=trust_storage)
        where = storage or (storage_of(study)[1] if isinstance(study, Study) else DEFAULT_STORAGE)
        name = study_name or stored.name
    options = RunOptions(
        where, name, device, workers=workers, backend=backend, scheduler=scheduler, runs_per_gpu=runs_per_gpu
    )
    how: dict[str, Any] = {"blocks": blocks, "top": top, "controls": controls, "audit_pruned": audit_pruned}
    done = [run_confirm(budget, run, **how, on_epoch=on_epoch) for budget, run in options.at_budgets(config)]
    return done[-1].study


def trusted_config(search: StudyPart, *, trust: bool) -> StudyConfig:
    """Return what a stored search was made from, to be trained.

    Raises:
        InputError: if it names a workload that this process has not loaded, and its storage is not trusted.
    """
    if not trust:
        source = f"study {base_name(search.name)!r}"
        run = search.config.run
        flag = "workload" if run is None else "training" if run.command is None else "command"
        require_trusted(search.config.trained, source=source, trust="--trust-storage", flag=flag)
    return search.config


def _config(config: StudyConfig | str | Path) -> StudyConfig:
    return config if isinstance(config, StudyConfig) else StudyConfig.load(config)
