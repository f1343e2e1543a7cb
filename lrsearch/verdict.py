"""From a confirmation in a storage, or a table of anybody's scores, to a comparison and what stands beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from optuna.study import Study

from lrsearch.comparison import Comparison, compare_scores
from lrsearch.comparison.article_records import JudgedClaim, claims_of_records, scaled_windows
from lrsearch.comparison.contrasts import Against, Contrasts, Groups
from lrsearch.comparison.controls import Control, check_controls
from lrsearch.comparison.families import Plan, compare_records
from lrsearch.comparison.verdict import make_claim, name_tie_breaker
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord
from lrsearch.robustness import GoodRegions, good_regions
from lrsearch.storage import confirmation_of, records, searches_of, study_config

_FIXED_BEFOREHAND = ("alpha", "rope", "contrasts", "claims")


@dataclass(frozen=True, eq=False)
class StudyVerdict:
    """Everything that a confirmation allows to say.

    Attributes:
        comparison: of the planned blocks, the controls left out; its text names what they showed.
        controls: what the procedure made of entries whose truth is known.
        claims: the article's, where the study's plan asks for them.
        claims_note: why they could not be tested, or what to know of them.
        exploratory: with the blocks beyond the plan, or None where there are none.
        left_out: families of which no trial was finished.
        good_regions: how wide each family's good region is.
    """

    comparison: Comparison
    controls: tuple[Control, ...]
    claims: tuple[JudgedClaim, ...]
    claims_note: str
    exploratory: Comparison | None
    left_out: tuple[str, ...]
    good_regions: GoodRegions

    def to_json(self) -> str:
        """Return the comparison's JSON object with what stands beside it."""
        beside = {
            "controls": [vars(control) | {"sentence": control.sentence} for control in self.controls],
            "claims": [
                {"text": c.claim.text, "unit": c.unit, "p_holm": c.claim.p_holm, "holds": c.claim.holds}
                | c.claim.contrast._asdict()
                | {"finding": c.finding, "sentence": c.sentence}
                for c in self.claims
            ],
            "claims_note": self.claims_note,
            "exploratory": None if self.exploratory is None else json.loads(self.exploratory.to_json()),
            "left_out": list(self.left_out),
            "good_regions": {name: vars(share) for name, share in self.good_regions.shares.items()},
            "good_regions_note": self.good_regions.why_not,
        }
        return json.dumps(json.loads(self.comparison.to_json()) | _plain(beside), allow_nan=False)


def compare_study(study: Study) -> Comparison:
    """Compare what a study's confirmation has found in its planned blocks.

    Args:
        study: a search or its confirmation.

    Raises:
        InputError: if there is no confirmation, or it has too few blocks.
    """
    return study_verdict(study).comparison


def study_verdict(study: Study) -> StudyVerdict:
    """Return the comparison of a study's confirmation, its controls, the claims it was made for, and what lies beyond.

    Args:
        study: a search or its confirmation.

    Raises:
        InputError: if there is no confirmation, it has too few blocks, or its searches were made under another plan.
    """
    confirmation = confirmation_of(study)
    config = study_config(confirmation)
    searches = searches_of(confirmation)
    for search in searches:
        refuse_another_plan(search, config)
    plan, found = _plan(confirmation, config), records(confirmation)
    comparison = compare_records(found, plan, np.random.default_rng(config.seed))
    controls: tuple[Control, ...] = ()
    if planned_controls := confirmation.user_attrs.get("controls"):
        controls = check_controls(found, plan, planned_controls, np.random.default_rng(config.seed))
    claims, claims_note = _claims(found, config, plan)
    return StudyVerdict(
        comparison=_annotated(comparison, plan, controls),
        controls=controls,
        claims=claims,
        claims_note=claims_note,
        exploratory=_exploratory(found, plan, config.seed),
        left_out=plan.left_out,
        good_regions=good_regions(searches),
    )


def refuse_another_plan(study: Study, config: StudyConfig) -> None:
    """Raise InputError, naming the difference, if a study was planned otherwise: its error rate, ROPE or contrasts.

    The plan is fixed before anything runs. What was searched or confirmed under one plan is not judged by another.
    """
    stored, given = (c.plan.model_dump(mode="json") for c in (study_config(study), config))
    differences = [
        f"plan.{key} is {stored[key]!r}, not {given[key]!r}" for key in _FIXED_BEFOREHAND if stored[key] != given[key]
    ]
    if differences:
        raise InputError(
            f"study {study.study_name!r} was planned otherwise: its {'; '.join(differences)}. The plan is fixed before "
            "anything runs: go on with the plan it was made with, or begin a new study under another --study-name"
        )


def _plan(confirmation: Study, config: StudyConfig) -> Plan:
    attributes = confirmation.user_attrs
    trials = attributes.get("trials_per_family") or None
    maximize = confirmation.direction.name == "MAXIMIZE"
    points = 100.0 if maximize else -1.0
    worst = attributes.get("worst_value")
    controls = tuple(attributes.get("controls", ()))
    return Plan(
        claim=make_claim(int(attributes.get("searches", 0)), trials=trials, sampler=config.search.sampler),
        rope=config.plan.rope,
        alpha=config.plan.alpha,
        contrasts=_contrasts(config),
        points=points,
        chance=points * worst if maximize and worst is not None else None,
        metric=str(attributes.get("metric", "accuracy")),
        controls=controls,
        excluded=controls,
        left_out=tuple(attributes.get("left_out", ())),
        blocks=attributes.get("planned_blocks"),
    )


def _annotated(comparison: Comparison, plan: Plan, controls: tuple[Control, ...]) -> Comparison:
    """Return the comparison with what its controls showed, and warned of where the plan is not yet fulfilled."""
    warnings = comparison.warnings
    if plan.blocks is not None and comparison.blocks < plan.blocks:
        warnings += (
            f"interim: {comparison.blocks} of the {plan.blocks} planned blocks; a look before the planned one is "
            "exploratory, and deciding by it to stop or to go on makes the error rate larger than stated",
        )
    if wrong := [control.name for control in controls if control.as_it_must is False]:
        warnings += (f"a control shows that this verdict is not to be trusted: {', '.join(wrong)}",)
    text = comparison.verdict_text
    if controls:
        text += f" Controls: {'; '.join(control.sentence for control in controls)}."
    return replace(comparison, warnings=warnings, verdict_text=text)


def _claims(found: list[TrialRecord], config: StudyConfig, plan: Plan) -> tuple[tuple[JudgedClaim, ...], str]:
    """Return the claims that the plan asks for and what to know of them, or none and the reason."""
    if config.plan.claims is None:
        return (), ""
    try:
        chance = None if plan.chance is None else plan.chance / plan.points
        claims = claims_of_records(found, blocks=plan.blocks, alpha=plan.alpha, chance=chance)
    except InputError as error:
        return (), f"The article's claims are not tested: {error}"
    return claims, scaled_windows(config.training.epochs)


def _exploratory(found: list[TrialRecord], plan: Plan, seed: int) -> Comparison | None:
    """Return the comparison with the blocks beyond the plan, or None where there are none."""
    if plan.blocks is None or not any(r.block is not None and r.block >= plan.blocks for r in found):
        return None
    return compare_records(found, replace(plan, blocks=None), np.random.default_rng(seed))


def _plain(value: Any) -> Any:
    """Return plain data as what JSON knows: NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


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
    comparison = compare_scores(table, families, rope=rope, alpha=alpha, rng=np.random.default_rng(seed))
    return name_tie_breaker(comparison, parameters={})
