"""The claims that a study file makes beforehand: planned contrasts of its candidates' test curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsearch.comparison.arrays import FloatArray
from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.comparison.failure import FailureRule
from lrsearch.comparison.from_records import ConfirmationPlan, scores_of
from lrsearch.comparison.inference.crosscheck import Alternative, Contrast, holm, planned_contrast
from lrsearch.config.plan_tables import ClaimConfig
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord
from lrsearch.text import counted


@dataclass(frozen=True)
class JudgedClaim:
    """One claim, its contrast, its p-value adjusted by Holm over all claims, and the level of the test."""

    claim: ClaimConfig
    contrast: Contrast
    p_holm: float
    alpha: float

    @property
    def holds(self) -> bool:
        """Whether the contrast lies on the claimed side of its limit, with an adjusted p-value of alpha or less."""
        claimed = self.claim.sign * (self.contrast.estimate - self.claim.limit) > 0
        return self.p_holm <= self.alpha and claimed

    @property
    def finding(self) -> str:
        """Whether the claim is shown, its contrary is, or neither."""
        if self.holds:
            return "shown"
        # A one-sided test has no evidence for the other side: there p is small for the claim alone.
        return "the CONTRARY is shown" if self.p_holm <= self.alpha else "not shown"

    @property
    def sentence(self) -> str:
        """The claim in plain words: whether it is shown, by how much, how sure."""
        c = self.contrast
        limits = [f"{limit:+.3f}" if np.isfinite(limit) else "no limit" for limit in (c.low, c.high)]
        level = f"{100 * (1 - self.alpha):g} % interval"
        estimate = f"{c.estimate:+.3f} {self.claim.unit}, {level} {limits[0]} to {limits[1]}"
        p = "< 0.0001" if self.p_holm < 1e-4 else f"{self.p_holm:.4f}"
        return f"{self.claim.text}: {self.finding} ({estimate}; Holm p {p})"

    def to_dict(self) -> dict[str, Any]:
        """Return the claim and its result as plain data."""
        beside = {"p_holm": self.p_holm, "holds": self.holds, "finding": self.finding, "sentence": self.sentence}
        return {"text": self.claim.text, "unit": self.claim.unit} | self.contrast._asdict() | beside


def judge_claims(
    records: Sequence[TrialRecord], claims: Sequence[ClaimConfig], plan: ConfirmationPlan
) -> tuple[JudgedClaim, ...]:
    """Return what the whole blocks of a confirmation show of each claim.

    Args:
        records: of a confirmation that read the test set after every epoch.
        claims: of the study file.
        plan: of the confirmation: its alpha holds for all claims together.

    Raises:
        InputError: a candidate or its curves are missing, a run failed, or there are fewer than 6 blocks or too few
            epochs for a window.
    """
    names = list(dict.fromkeys(name for claim in claims for name in claim.weights))
    runs = {(r.block, r.family): r for r in records if r.block is not None}
    missing = [name for name in names if name not in {family for _, family in runs}]
    if missing:
        raise InputError(f"the claims need all of {', '.join(names)}, but the confirmation lacks {', '.join(missing)}")
    planned = [b for b in sorted({b for b, _ in runs if b is not None}) if plan.blocks is None or b < plan.blocks]
    blocks = [block for block in planned if all((block, name) in runs for name in names)]
    if len(blocks) < FEWEST_BLOCKS:
        raise InputError(f"the claims need at least {FEWEST_BLOCKS} whole blocks, got {len(blocks)}")
    table = {name: [runs[block, name] for block in blocks] for name in names}
    for name, scores in table.items():
        _require_learned(name, scores, plan)
    alpha = plan.settings.alpha
    contrasts = [_contrast(claim, table, plan) for claim in claims]
    adjusted = holm([contrast.p for contrast in contrasts]).tolist()
    return tuple(JudgedClaim(*judged, alpha) for judged in zip(claims, contrasts, adjusted, strict=True))


def scaled_windows(epochs: int, claims: Sequence[ClaimConfig]) -> str:
    """Return what a reader must know of claims that were not tested at their own number of epochs; "" if they were."""
    planned = sorted({claim.epochs for claim in claims} - {epochs})
    if not planned:
        return ""
    return (
        f"These runs have {counted(epochs, 'epoch')}, the claims' {' or '.join(map(str, planned))}: schedules and "
        "windows keep their fractions of training, so this tests the claims' counterparts, not the claims themselves."
    )


def _contrast(claim: ClaimConfig, table: dict[str, list[TrialRecord]], plan: ConfirmationPlan) -> Contrast:
    """Return the test of one claim, its weighted sum of measures [blocks] against the claimed limit."""
    differences = np.zeros(len(next(iter(table.values()))))
    for name, weight in claim.weights.items():
        scale, part = (plan.settings.metric.scale, "test_accuracy") if claim.curve == "metric" else (1.0, "test_loss")
        differences += weight * measured(claim, scale * _curves(table[name], part))
    alternative: Alternative = "two-sided"
    if claim.one_sided:
        alternative = "greater" if claim.sign > 0 else "less"
    return planned_contrast(differences, alpha=plan.settings.alpha, against=claim.limit, alternative=alternative)


def measured(claim: ClaimConfig, curves: FloatArray) -> FloatArray:
    """Return what a claim measures of curves[blocks, epochs], one number a block.

    "last" is the value after the last epoch; "rise" the mean over the second window minus that over the first (the two
    are fixed: "minus the minimum" would be above 0 by the noise alone); "log_roughness" the logarithm of the SD of the
    differences between successive epochs of the window.

    Raises:
        InputError: too few epochs for a window, or a curve that does not vary in it.
    """
    if claim.measure == "last":
        return np.asarray(curves[:, -1])
    if claim.measure == "rise":
        early, late = (curves[:, _window(claim, window, curves.shape[1], 1)].mean(axis=1) for window in claim.windows)
        return np.asarray(late - early)
    steps = np.diff(curves[:, _window(claim, claim.windows[0], curves.shape[1], 3)], axis=1)
    roughness = steps.std(axis=1, ddof=1)
    if not np.all(roughness):
        raise InputError(f"{claim.text!r} cannot be tested where a curve does not vary between epochs")
    return np.asarray(np.log(roughness), dtype=np.float64)


def _window(claim: ClaimConfig, window: tuple[int, int], epochs: int, fewest: int) -> slice:
    """Return a window of a claim, in epochs from 1, both ends included, at the same fractions of `epochs`."""
    first, last = window
    length = last - first + 1
    if (enough := math.ceil(fewest * claim.epochs / length)) > epochs:
        raise InputError(f"{claim.text!r} needs {counted(enough, 'epoch')} or more, but the curves have {epochs}")
    end = round(last / claim.epochs * epochs)
    return slice(end - round(length / claim.epochs * epochs), end)


def _require_learned(name: str, runs: Sequence[TrialRecord], plan: ConfirmationPlan) -> None:
    rule = plan.failure_rule or FailureRule(plan.settings, plan.settings.failed_at)
    if failed := int(rule.failed(*scores_of([runs], plan)).sum()):
        raise InputError(f"{failed} of {counted(len(runs), 'run')} of {name} failed: no claim about it can be tested")


def _curves(runs: Sequence[TrialRecord], part: str) -> FloatArray:
    """Return one part of the curves [blocks, epochs]."""
    curves = [getattr(run.curve, part) for run in runs]
    lengths = {len(curve) for curve in curves}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(
            "the claims need the test set's curve of every run, which a confirmation of fixed schedules alone keeps"
        )
    return np.array(curves, dtype=np.float64)
