"""Which stored trial stands for a candidate of the verdict, and how its configuration is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrsearch.comparison import Comparison, Groups
from lrsearch.records import TrialRecord
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.tables import text

Chosen = tuple[StudyPart, TrialRecord]
"""A trial with the search or the confirmation that it is of."""

_LEFT_OUT = ("family", "total_steps", "warmup_begin_lr", "interval", "lag_lr", "rates", "boundaries", "parts")


def candidates_in_order(comparison: Comparison) -> list[str]:
    """Return the candidates: the preferred one, the other recommended ones, the rest; each lot by its means."""
    by_mean = [comparison.families[place] for place in comparison.best_first]
    recommended = [name for name in by_mean if name in comparison.recommended]
    first = [comparison.preferred] if comparison.preferred is not None else []
    return list(dict.fromkeys([*first, *recommended, *by_mean]))


def candidate_trial(study: StoredStudy, comparison: Comparison, name: str) -> Chosen | None:
    """Return the trial that stands for a candidate of the verdict; None where nothing of it is stored.

    After one search it is the searched trial with the candidate's configuration, after several the one of its family
    with the best validation score. A fixed schedule is its first confirmed run. A group is its member with the best
    mean among those without a failed run.
    """
    if isinstance(groups := comparison.settings.contrasts, Groups):
        failed = {failure.family for failure in comparison.failures}
        members = [record.family for _, record in study.ranked_candidates() if record.family in groups.members[name]]
        name = next((member for member in members if member not in failed), name)
    runs = study.ranked_candidates(name)
    searched = study.ranked(name.partition(" #")[0])
    if study.first.attributes.searches > 1 and searched:
        return searched[0]
    same = [chosen for chosen in searched if runs and same_configuration(chosen[1], runs[0][1])]
    return next(iter([*same, *runs]), None)


def same_configuration(searched: TrialRecord, confirmed: TrialRecord) -> bool:
    """Return whether a confirmed run repeats the configuration of a trial: its schedule and what else was searched."""
    settings = {**searched.params, **searched.settings}
    return confirmed.schedule == searched.schedule and all(
        settings.get(name) == value for name, value in confirmed.settings.items()
    )


def configuration_in_words(chosen: Chosen) -> str:
    """Return what a reader would type of a trial's schedule and of what else was searched.

    Such as: base_lr 0.184, warm-up 6 steps, to 0.0037, momentum 0.93.
    """
    part, record = chosen
    schedule: Mapping[str, Any] = record.schedule
    drawn = {**record.params, **record.settings}
    settings = {name: drawn[name] for name in part.config.searched if name in drawn}
    unit = "epochs" if schedule.get("interval") == "epoch" else "steps"
    parts = []
    for name, value in {**schedule, **settings}.items():
        if name == "final_lr":
            parts.append(f"to {value:.3g}")
        elif name == "warmup_steps":
            parts += [f"warm-up {value} {unit}"] if value else []
        elif name not in _LEFT_OUT and value is not None:
            parts.append(f"{name} {f'{value:.3g}' if isinstance(value, float) else text(value)}")
    return ", ".join(parts)


def one_of(searches: int) -> str:
    """Return the mark of a configuration that stands for its family after several independent searches."""
    return f"one of {searches}; the claim is about the family"
