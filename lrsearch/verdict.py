"""From a confirmation in a storage, or a table of anybody's scores, to a comparison."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from optuna.study import Study

from lrsearch.comparison import Comparison, compare_scores
from lrsearch.comparison.contrasts import Against, Contrasts, Groups
from lrsearch.comparison.families import Plan, compare_records
from lrsearch.comparison.verdict import make_claim
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.storage import confirmation_of, records, study_config


def compare_study(study: Study) -> Comparison:
    """Compare what a study's confirmation has found.

    Args:
        study: a search or its confirmation.

    Raises:
        InputError: if there is no confirmation, or it has too few blocks.
    """
    confirmation = confirmation_of(study)
    config = study_config(confirmation)
    return compare_records(records(confirmation), _plan(confirmation, config), np.random.default_rng(config.seed))


def _plan(confirmation: Study, config: StudyConfig) -> Plan:
    attributes = confirmation.user_attrs
    trials = attributes.get("trials_per_family") or None
    maximize = confirmation.direction.name == "MAXIMIZE"
    points = 100.0 if maximize else -1.0
    worst = attributes.get("worst_value")
    return Plan(
        claim=make_claim(int(attributes.get("searches", 0)), trials=trials, sampler=config.search.sampler),
        rope=config.plan.rope,
        alpha=config.plan.alpha,
        contrasts=_contrasts(config),
        points=points,
        chance=points * worst if maximize and worst is not None else None,
        metric=str(attributes.get("metric", "accuracy")),
        controls=tuple(attributes.get("controls", ())),
    )


def _contrasts(config: StudyConfig) -> Contrasts:
    planned = config.plan.contrasts
    if planned == "all":
        return "all"
    if planned.against is not None:
        return Against(planned.against)
    return Groups(planned.groups or {})


def compare_table(path: Path, *, rope: float, alpha: float, seed: int) -> Comparison:
    """Compare scores of any origin: a CSV file with the columns block, family, score (points, higher is better).

    Raises:
        InputError: if the file cannot be read, a cell is missing, twice there or not a number.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"scores {path} cannot be read: {error}") from error
    if not rows or not {"block", "family", "score"} <= rows[0].keys():
        raise InputError(f"scores {path} must be a CSV table with the columns block, family, score")
    cells: dict[tuple[str, str], float] = {}
    for line, row in enumerate(rows, start=2):
        cell = (row["block"], row["family"])
        if cell in cells:
            raise InputError(f"scores {path}, line {line}: block {cell[0]} and family {cell[1]} are there twice")
        try:
            cells[cell] = float(row["score"])
        except (TypeError, ValueError):
            raise InputError(f"scores {path}, line {line}: score must be a number, got {row['score']!r}") from None
    blocks, families = (list(dict.fromkeys(cell[axis] for cell in cells)) for axis in (0, 1))
    for block in blocks:
        for family in families:
            if (block, family) not in cells:
                raise InputError(f"scores {path}: family {family} has no score in block {block}; every block needs all")
    table = [[cells[block, family] for family in families] for block in blocks]
    return compare_scores(table, families, rope=rope, alpha=alpha, rng=np.random.default_rng(seed))
