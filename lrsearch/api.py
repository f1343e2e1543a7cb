"""What a notebook calls: one function for each step of the flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna.study import Study

from lrsearch.comparison import Comparison
from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.names import base_name
from lrsearch.schedules import AnySchedule, schedule_from_params
from lrsearch.search.callbacks import Callback
from lrsearch.search.mlflow_log import MlflowLog
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy, StudyPart, storage_of
from lrsearch.verdict.study_verdict import compare_study
from lrsearch.workloads import refuse_foreign_workload


def optimize(
    config: StudyConfig,
    *,
    trials: int | None = None,
    callbacks: Sequence[Callback] = (),
    mlflow: str | None = None,
    **options: Any,
) -> Study:
    """Search until the study has `trials` finished trials, and return it.

    Args:
        config: what is searched; `trials` replaces its own number.
        trials: the total of finished trials, those of earlier runs included.
        callbacks: each called with the study and the trial when a trial has finished, as by `Study.optimize`, in this
            process whatever the number of workers.
        mlflow: an MLflow store (sqlite:///mlflow.db) in which every finished trial becomes a run; needs the extra
            `lrsearch[mlflow]`.
        options: fields of RunOptions: storage, study_name, device, lanes, timeout_seconds, ...

    Returns:
        The study; of a search with several replicates the first one.

    Raises:
        InputError: if something given is wrong.
    """
    logs = [MlflowLog(mlflow)] if mlflow is not None else []
    wanted = config.changed({"search.trials": trials})
    studies, _ = run_search(wanted, RunOptions(**options), callbacks=(*callbacks, *logs))
    for log in logs:
        log.update(studies)  # a search that was finished before has told of nothing
    return studies[0]


def confirm(
    study: Study | StudyConfig,
    *,
    blocks: int | None = None,
    top: int = 1,
    trust_storage: bool = False,
    **options: Any,
) -> Study:
    """Train a search's winners and the study file's baselines on fresh, paired seeds; return the confirmation's study.

    Args:
        study: the search, or the study file of fixed schedules.
        blocks: runs of each configuration; the plan's number if None.
        top: configurations of each family.
        trust_storage: import the workload that the storage names, whoever wrote it there.
        options: fields of RunOptions.

    Raises:
        InputError: if there is nothing to confirm, something given is wrong, or the storage names a workload that this
            process has not been told of.
    """
    if isinstance(study, StudyConfig):
        return run_confirm(study, RunOptions(**options), blocks=blocks, top=top).study
    name, config = base_name(study.study_name), StudyPart.of(study).config
    if not trust_storage:
        refuse_foreign_workload(config.workload, source=f"study {name!r}", trust="--trust-storage")
    here = RunOptions(**{"storage": storage_of(study)[1], "study_name": name, **options})
    return run_confirm(config, here, blocks=blocks, top=top).study


def write_report(study: Study, path: str | Path = "report.html") -> Path:
    """Write everything that a study has found as one HTML file that opens offline, and return its path."""
    from lrsearch.config.files import write_text
    from lrsearch.report.assemble import report_html
    from lrsearch.report.source import read_source

    write_text(Path(path), report_html(read_source(storage_of(study)[0], base_name(study.study_name))))
    return Path(path)


def compare(study: Study) -> Comparison:
    """Return the comparison that a search's confirmation allows; print its `verdict_text`.

    Raises:
        InputError: if the study has not been confirmed, or in too few blocks.
    """
    return compare_study(StoredStudy.of(study))


def best_schedule(study: Study, family: str | None = None) -> AnySchedule:
    """Return the schedule of the study's best complete trial, or of a family's.

    Raises:
        InputError: if no trial is complete.
    """
    from lrsearch.export import best_trials

    [(_, best)] = best_trials(StoredStudy.of(study).only(study.study_name), family)
    return schedule_from_params(best.schedule)


def export_schedule(study: Study, form: str = "yaml", *, family: str | None = None, steps: int | None = None) -> str:
    """Return the best configuration of a search, all replicates together, as the text of a file.

    It is what `lrsearch export` writes; `lrsearch.export` itself is the package that does it.

    Args:
        study: the search, or a confirmation of fixed schedules.
        form: yaml, json, toml, python, csv, hf, timm or optax.
        family: the best of this family, or the entry of this name in a confirmation.
        steps: rescale the schedule to this many steps, every boundary at the same fraction of training.

    Raises:
        InputError: if no such trial is complete, or the format cannot express the schedule exactly.
    """
    from lrsearch.export import exported

    [text] = exported(StoredStudy.of(study), form, family=family, steps=steps).values()
    return text
