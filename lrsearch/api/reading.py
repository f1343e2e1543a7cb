"""The steps that read a stored study: report, comparison, best schedule, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from optuna.study import Study

from lrsearch.comparison import Comparison
from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.names import DEFAULT_STORAGE, base_name
from lrsearch.schedules import AnySchedule, PerEpoch, ReduceOnPlateau, Schedule, schedule_from_params
from lrsearch.storage import StoredStudy, open_existing, storage_of
from lrsearch.verdict.over_studies import OverStudies, read_over_studies
from lrsearch.verdict.study_verdict import study_verdict


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
def compare(
    study: Study | str, *, storage: str | None = None, rope: float | None = None, alpha: float | None = None
) -> Comparison:
    """Return the comparison that a search's confirmation allows; print it for its four lines.

    Fewer than 6 blocks are shown and not judged.

    Args:
        study: the study, or its name in the storage.
        storage: where a study given by its name is kept; the default if None.
        rope: the difference that would not matter, in place of the plan's: the verdict is then exploratory.
        alpha: the family-wise error rate, likewise.

    Raises:
        InputError: if there is no such study, or it has not been confirmed.
        RunError: if it cannot be confirmed, as every trial of its search has diverged and it has no [[baseline]].
    """
    return study_verdict(stored_study(study, storage), rope=rope, alpha=alpha).comparison


@checked
def compare_studies(studies: Sequence[str], *, storage: str | None = None) -> OverStudies:
    """Return what several confirmed studies of one storage say together, such as one a workload.

    `sentences` say how many pairs are decided alike, in opposite directions, in one study only or in none; `standings`
    and `pairs` hold it by candidate and by pair, and `to_dict()` is the JSON of `lrsearch compare --studies A,B`.

    Args:
        studies: two names or more.
        storage: where they are kept; the default if None.

    Raises:
        InputError: if there is no such study, one has no verdict, or fewer than two candidates are common to all.
    """
    return read_over_studies(open_existing(storage or DEFAULT_STORAGE), tuple(studies))


@checked
def best_schedule(
    study: Study | str,
    family: str | None = None,
    *,
    by: Literal["verdict", "search"] = "verdict",
    storage: str | None = None,
) -> AnySchedule:
    """Return the schedule that the study's verdict prefers; before there is one, that of its best complete trial.

    Args:
        study: the study, or its name in the storage.
        family: the best trial of this family instead.
        by: "search" for the best complete trial, without regard to the verdict.
        storage: where a study given by its name is kept; the default if None.

    Raises:
        InputError: if there is no such study, or no complete trial.
        RunError: if the verdict recommends nothing.
    """
    from lrsearch.export import chosen_trials

    stored = stored_study(study, storage)
    name = study.study_name if isinstance(study, Study) else study
    [(_, best)] = chosen_trials(stored.only(name), family, by=by).trials
    return schedule_from_params(best.schedule)


@checked
def export_schedule(
    study: Study | str | Schedule | PerEpoch | ReduceOnPlateau,
    form: str = "yaml",
    *,
    family: str | None = None,
    by: Literal["verdict", "search"] = "verdict",
    steps: int | None = None,
    approximate: bool = False,
    storage: str | None = None,
) -> str:
    """Return what a study's verdict prefers, the best of a search without one, or a schedule, as the text of a file.

    It is what `lrsearch export` writes; `lrsearch.export` itself is the package that does it.

    Args:
        study: the search, or a confirmation of fixed schedules; or its name in the storage; or a schedule by itself.
        form: yaml, json, toml, python, csv, hf, timm or optax.
        family: the best of this family, or the candidate of this name in a confirmation.
        by: "search" for the best trial of the search, all replicates together, without regard to the verdict.
        steps: rescale the schedule to this many steps, every boundary at the same fraction of training.
        approximate: with hf and timm, take the nearest curve where none is exact; a warning says how it differs.
        storage: where a study given by its name is kept; the default if None.

    Raises:
        InputError: if no such trial is complete, or the format cannot express the schedule exactly.
        RunError: if the verdict recommends nothing.
    """
    from lrsearch.export import exported, render

    if isinstance(study, Schedule | PerEpoch | ReduceOnPlateau):
        for name, value in (("family", family), ("storage", storage)):
            if value is not None:
                raise InputError(f"{name} must be left out where a schedule is exported, got {value!r}")
        scaled = study if steps is None else study.scaled_to(steps)
        return render({"schedule": scaled.params()}, form, approximate=approximate)
    stored = stored_study(study, storage)
    [text] = exported(stored, form, family=family, by=by, steps=steps, approximate=approximate).values()
    return text


def stored_study(study: Study | str, storage: str | None) -> StoredStudy:
    """Return the stored study that is meant by a study or by its name."""
    return StoredStudy.open(storage or DEFAULT_STORAGE, study) if isinstance(study, str) else StoredStudy.of(study)
