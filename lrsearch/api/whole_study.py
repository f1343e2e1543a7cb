"""The whole flow from one call: plan, optimize, confirm, compare, report, export, within a budget of minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lrsearch.api.reading import export_schedule, write_report
from lrsearch.comparison import Comparison
from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.config import StudyConfig
from lrsearch.config.arguments import checked
from lrsearch.config.files import make_folder, write_text
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.errors import InputError, RunError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.names import DEFAULT_STORAGE, base_name
from lrsearch.planning.budget import fit_study
from lrsearch.planning.budgeted_study import sizes_of
from lrsearch.planning.noise import noise_for, noise_of
from lrsearch.planning.timing import time_trials
from lrsearch.records import json_text
from lrsearch.report.dashboard import show_verdict
from lrsearch.search.optimize import run_search
from lrsearch.search.progress import SearchState
from lrsearch.storage import StoredStudy, StudyPart, existing_storage, open_existing, stored_names
from lrsearch.text import counted
from lrsearch.verdict.study_verdict import StudyVerdict, study_verdict

_MOST_MINUTES = 1e6
"""Nearly two years; an endless time holds no number of trials."""
_ENDING_SECONDS = 10.0
"""Kept for the verdict and the report."""
_LEAST_SECONDS = 1.0
"""Of a part of the work, so that every start makes progress."""


@dataclass(frozen=True)
class Watcher:
    """What is called while a study runs, each with what a progress display shows.

    Attributes:
        phase: before each part that takes a while, with its name.
        plan: once, with what will be done, a line each.
        search: as `run_search` calls it.
        confirm: as `run_confirm` calls it.
    """

    phase: Callable[[str], None] = lambda _: None
    plan: Callable[[Sequence[str]], None] = lambda _: None
    search: Callable[[SearchState], None] = lambda _: None
    confirm: Callable[[ConfirmProgress], None] = lambda _: None


@dataclass(frozen=True, eq=False)
class Answer:
    """What a study has come to.

    Attributes:
        name: of the study in its storage.
        verdict: None where the time was over before everything planned was done.
        done: what is done of what was planned, in words.
        files: that were written.
        notes: what could not be written, and why.
    """

    name: str
    verdict: StudyVerdict | None
    done: str
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@checked
def run(
    config: StudyConfig | str | Path,
    *,
    minutes: int | float | None = None,
    pilot: str | None = None,
    folder: str | Path | None = None,
    storage: str = DEFAULT_STORAGE,
    study_name: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    workers: int | None = None,
    on_plan: Callable[[Sequence[str]], None] = lambda _: None,
    on_search: Callable[[SearchState], None] = lambda _: None,
    on_confirm: Callable[[ConfirmProgress], None] = lambda _: None,
) -> Comparison | None:
    """Search, confirm on fresh seeds, compare, report and export, as much of it as `minutes` hold.

    The plan is made at the first start and stored; the same call goes on with it, however the last one ended.

    Args:
        config: what is searched, or the path of its study file.
        minutes: of this call; at the first start the plan is made to fit into them. No limit, and the plan of the study
            file, if None.
        pilot: a confirmed study of the storage, whose noise the plan assumes; if None, the one of the config's own
            name, where there is one under another `study_name`, and else an assumption.
        folder: takes report.html, verdict.json, best.py and best.toml; one named after the study if None.
        storage, study_name, device, workers: as for `optimize`.
        on_plan: called once with what will be done, how long that takes and what it can detect, a line each.
        on_search, on_confirm: called with the state after every epoch, or about once a second.

    Returns:
        The comparison; None where the minutes were over first, and the same call goes on.

    Raises:
        InputError: if an argument is invalid, or the minutes do not hold the smallest sound plan, which is named.
    """
    options = RunOptions(storage, study_name, device, workers=workers)
    watcher = Watcher(plan=on_plan, search=on_search, confirm=on_confirm)
    made = config if isinstance(config, StudyConfig) else StudyConfig.load(config)
    answer = answer_study(made, options, minutes=minutes, pilot=pilot, folder=folder, watcher=watcher)
    return None if answer.verdict is None else answer.verdict.comparison


def answer_study(
    config: StudyConfig,
    options: RunOptions,
    *,
    minutes: float | None = None,
    pilot: str | None = None,
    folder: str | Path | None = None,
    watcher: Watcher = Watcher(),
) -> Answer:
    """Do what `run` does, and return all that it has come to."""
    if minutes is not None and not 0 < minutes <= _MOST_MINUTES:
        raise InputError(f"minutes must be above 0 and at most {_MOST_MINUTES:g}, got {minutes:g}")
    if config.training.budgets:
        raise InputError(f"epochs must be one number for run, got {', '.join(map(str, config.training.budgets))}")
    _require_verdict(config)
    begun = time.monotonic()
    ends_at = None if minutes is None else begun + 60 * minutes - _ENDING_SECONDS
    options = replace(options, study_name=options.study_name or config.name)
    name = str(options.study_name)
    watcher.phase("loading")
    stored = _stored_study(options)
    if stored is None:
        config = _new_plan(config, options, minutes, pilot, begun, watcher)
    else:
        config = _with_plan_of(stored, config)
        watcher.plan([f"going on with the plan of the first start, {sizes_of(config)}"])
    planned = config.search.trials * config.search.replicates
    searched = 0 if stored is None else sum(record.finished for record in stored.trials)
    if config.data.train != "all" and searched < planned:
        watcher.phase("loading")
        _, state = run_search(config, _until(options, ends_at), watcher.search, on_phase=watcher.phase)
        if (searched := state.complete + state.pruned + state.crashed) < state.total:
            return Answer(name, None, f"{searched} of the search's {counted(state.total, 'trial')} are stored")
    watcher.phase("loading")
    confirmation = run_confirm(config, _until(options, ends_at), on_epoch=watcher.confirm)
    if not confirmation.finished:
        runs = counted(len(StudyPart.of(confirmation.study).runs), "run")
        return Answer(name, None, f"the search and {runs} of the confirmation are stored")
    watcher.phase("verdict and report")
    return _answered(StoredStudy.of(confirmation.study), options.storage, Path(folder or name.replace("/", "-")))


def _stored_study(options: RunOptions) -> StoredStudy | None:
    """Return the study of an earlier start; None where there is none."""
    storage, name = existing_storage(options.storage), str(options.study_name)
    if storage is None or name not in map(base_name, stored_names(storage)):
        return None
    return StoredStudy.read(storage, name)


def _with_plan_of(stored: StoredStudy, config: StudyConfig) -> StudyConfig:
    """Return the study as its file says with the sizes that its first start has fixed."""
    plan = stored.config
    return config.changed(
        {
            "search.families": plan.search.families,
            "search.trials": plan.search.trials,
            "search.replicates": plan.search.replicates,
            "training.epochs": None if config.run is not None else plan.training.epochs,
            "plan.blocks": plan.plan.blocks,
        }
    )


def _require_verdict(config: StudyConfig) -> None:
    """Raise InputError where the study file has fewer blocks than a verdict needs; after replicates each is one."""
    replicated = config.search.replicates > 1 and config.data.train != "all"
    key, blocks = ("search.replicates", config.search.replicates) if replicated else ("plan.blocks", config.plan.blocks)
    if blocks < FEWEST_BLOCKS:
        raise InputError(
            f"{key} must be at least {FEWEST_BLOCKS} for a verdict, got {blocks}: set {key.partition('.')[2]} = "
            f"{FEWEST_BLOCKS} or more in [{key.partition('.')[0]}] of the study file"
        )


def _new_plan(
    config: StudyConfig, options: RunOptions, minutes: float | None, pilot: str | None, begun: float, watcher: Watcher
) -> StudyConfig:
    """Time a few steps, make the plan and tell it; return the study of the size that was planned."""
    noise = noise_of(existing_storage(options.storage), pilot or config.name, required=pilot is not None)
    experiment = prepare_experiment(config, options)
    watcher.phase("timing")
    timing = time_trials(experiment, options, config.search.trials)
    watcher.phase("planning")
    spent = time.monotonic() - begun + _ENDING_SECONDS
    planned = fit_study(experiment, timing, noise_for(experiment, noise), minutes=minutes, spent=spent)
    watcher.plan([planned.sentence, *(f"less than the study file says: {words}" for words in planned.reductions)])
    return planned.config


def _until(options: RunOptions, ends_at: float | None) -> RunOptions:
    """Return the options with the time that is left; a moment at least, as each start has to make progress."""
    left = None if ends_at is None else max(_LEAST_SECONDS, ends_at - time.monotonic())
    return replace(options, timeout_seconds=left)


def _answered(study: StoredStudy, storage: str, folder: Path) -> Answer:
    """Judge a confirmed study, and write its files; what cannot be written is noted."""
    verdict = study_verdict(study)
    show_verdict(open_existing(storage), study, verdict)
    make_folder(folder)
    files, notes = [write_report(study.name, folder / "report.html", storage=storage)], list[str]()
    write_text(folder / "verdict.json", json_text(verdict.to_dict()) + "\n")
    files.append(folder / "verdict.json")
    for form, path in (("python", folder / "best.py"), ("toml", folder / "best.toml")):
        try:
            write_text(path, export_schedule(study.name, form, storage=storage))
            files.append(path)
        except (InputError, RunError) as error:
            notes.append(f"{path} is not written: {error}")
    return Answer(study.name, verdict, "", tuple(files), tuple(notes))
