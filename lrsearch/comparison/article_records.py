"""The article's claims, from the records of a confirmation of its schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrsearch.comparison import article
from lrsearch.comparison.arrays import FloatArray
from lrsearch.comparison.article import Claim, article_claims
from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.comparison.failure import FailureRule
from lrsearch.comparison.from_records import ConfirmationPlan, scores_of
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord

NAMES = {
    "no schedule at 0.1": article.NONE_LOW,
    "no schedule": article.NONE_HIGH,
    "square root": article.ROOT_LOW,
    "square root at 0.3": article.ROOT_HIGH,
    "multi-step": article.MULTISTEP,
    "cosine": article.COSINE,
}
"""The baselines of studies/article.toml, and what the claims call them."""

ARTICLE_EPOCHS = 30
_UNITS = (
    *("points", "points", "(log ratio)"),
    *("test loss", "test loss", "test loss"),
    *("points", "points", "points"),
)


@dataclass(frozen=True)
class JudgedClaim:
    """One claim of the article with the unit of its contrast, and the level at which it was tested."""

    claim: Claim
    unit: str
    alpha: float

    @property
    def finding(self) -> str:
        """Whether the claim is shown, its contrary is, or neither."""
        if self.claim.holds:
            return "shown"
        # A one-sided test has no evidence for the other side: there p is small for the claim alone.
        return "the CONTRARY is shown" if self.claim.p_holm <= self.alpha else "not shown"

    @property
    def sentence(self) -> str:
        """The claim in plain words: whether it is shown, by how much, how sure."""
        c = self.claim.contrast
        limits = [f"{limit:+.3f}" if np.isfinite(limit) else "no limit" for limit in (c.low, c.high)]
        level = f"{100 * (1 - self.alpha):g} % interval"
        estimate = f"{c.estimate:+.3f} {self.unit}, {level} {limits[0]} to {limits[1]}"
        return f"{self.claim.text}: {self.finding} ({estimate}; Holm p {_p(self)})"


def _p(judged: JudgedClaim) -> str:
    return "< 0.0001" if judged.claim.p_holm < 1e-4 else f"{judged.claim.p_holm:.4f}"


def claims_of_records(records: Sequence[TrialRecord], plan: ConfirmationPlan) -> tuple[JudgedClaim, ...]:
    """Return the article's claims from the test curves of its six schedules over their whole blocks.

    The windows (epochs 10-12, 21-30 and 28-30 of 30) keep their fractions in a run of another length.

    Args:
        records: of a confirmation that read the test set after every epoch.
        plan: of the confirmation.

    Raises:
        InputError: a schedule or its curves are missing, a run failed, or there are fewer than 6 blocks or 10 epochs.
    """
    runs = {(r.block, r.family): r for r in records if r.block is not None}
    missing = [name for name in NAMES if name not in {family for _, family in runs}]
    if missing:
        raise InputError(f"the claims need all of {', '.join(NAMES)}, but the confirmation lacks {', '.join(missing)}")
    kept = [b for b in sorted({b for b, _ in runs if b is not None}) if plan.blocks is None or b < plan.blocks]
    whole = [b for b in kept if all((b, name) in runs for name in NAMES)]
    if len(whole) < FEWEST_BLOCKS:
        raise InputError(f"the claims need at least {FEWEST_BLOCKS} whole blocks, got {len(whole)}")
    table = {name: [runs[block, name] for block in whole] for name in NAMES}
    for name, own in table.items():
        _require_learned(name, own, plan)
    accuracy = {NAMES[name]: 100 * _curves(own, "test_accuracy") for name, own in table.items()}
    loss = {NAMES[name]: _curves(own, "test_loss") for name, own in table.items()}
    claims = article_claims(accuracy, loss, alpha=plan.settings.alpha)
    return tuple(JudgedClaim(claim, unit, plan.settings.alpha) for claim, unit in zip(claims, _UNITS, strict=True))


def scaled_windows(epochs: int) -> str:
    """Return what a reader must know of claims that were not tested at the article's 30 epochs; "" if they were."""
    if epochs == ARTICLE_EPOCHS:
        return ""
    return (
        f"These runs have {epochs} epochs, the article's {ARTICLE_EPOCHS}: schedules and windows keep their fractions "
        "of training, so this tests the claims' counterparts and not the claims themselves."
    )


def _require_learned(name: str, runs: Sequence[TrialRecord], plan: ConfirmationPlan) -> None:
    rule = plan.failure_rule or FailureRule(plan.settings, plan.settings.failed_at)
    if failed := int(rule.failed(*scores_of([runs], plan)).sum()):
        raise InputError(f"{failed} of {len(runs)} runs of {name} failed: no claim about it can be tested")


def _curves(runs: Sequence[TrialRecord], part: str) -> FloatArray:
    """Return one part of the curves [blocks, epochs]."""
    curves = [getattr(run.curve, part) for run in runs]
    lengths = {len(curve) for curve in curves}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(
            "the claims need the test set's curve of every run, which a confirmation of fixed schedules alone keeps"
        )
    return np.array(curves, dtype=np.float64)
