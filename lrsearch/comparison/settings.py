"""How scores are compared: everything that is decided before a score is seen."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from lrsearch.comparison.contrasts import Against, Contrasts
from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY, Metric

CONFIGURATIONS, FAMILIES = "these configurations", "these families"


@dataclass(frozen=True)
class Settings:
    """The rules of one comparison. Scores, `rope`, `worst_value` and `failed_at` are in the metric's unit.

    Attributes:
        rope: the difference that would not matter (region of practical equivalence); None where none is stated.
        alpha: the family-wise error rate.
        contrasts: which differences are tested.
        claim: begins with "these configurations" (blocks are seeds) or "these families" (blocks are whole searches).
        metric: what a score measures, its direction and its unit.
        worst_value: the score of a model that has learned nothing; None if unknown.
        failed_at: a run that scores worse has failed; None to derive the limit from `worst_value`.
        held_out: whether the scores are of examples by which nothing was chosen.
        sigma: the SD of a run, where it is known beforehand; unpaired runs alone use it.
        one_sided: whether a difference counts only where it is in favour of a family against the reference.

    Raises:
        InputError: a value outside its rule.
    """

    rope: float | None
    alpha: float = 0.05
    contrasts: Contrasts = "all"
    claim: str = CONFIGURATIONS
    metric: Metric = ACCURACY
    worst_value: float | None = None
    failed_at: float | None = None
    sigma: float | None = None
    one_sided: bool = False
    held_out: bool = True

    def __post_init__(self) -> None:
        for name in ("rope", "sigma"):
            value = getattr(self, name)
            if value is not None and not 0 < value < inf:
                raise InputError(f"{name} must be a positive number of {self.metric.unit}, got {value:g}")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha must be above 0 and below 1, got {self.alpha:g}")
        if self.one_sided and not isinstance(self.contrasts, Against):
            raise InputError(
                "one_sided (--one-sided) needs one family that the others are compared with: --baseline NAME, or in "
                "Python contrasts=Against(name)"
            )
        if self.failed_at is not None and not isfinite(self.failed_at):
            raise InputError(f"failed_at must be a finite score, got {self.failed_at:g}")
        require_claim(self.claim)


def make_claim(searches: int, *, trials: int | None = None, sampler: str | None = None) -> str:
    """Return what a comparison may claim: about families only where every block is a search of its own.

    `searches` is the number of independent searches behind the blocks; one search speaks of its configurations alone.
    """
    if searches < 2:
        return CONFIGURATIONS
    words = FAMILIES if trials is None else f"{FAMILIES}, tuned with {trials} trials"
    return words if sampler is None else f"{words} by {sampler}"


def require_claim(claim: str) -> None:
    """Raise InputError unless `claim` is about these configurations or these families, and about one of them alone."""
    if not claim.startswith((CONFIGURATIONS, FAMILIES)):
        raise InputError(f'claim must begin with "{CONFIGURATIONS}" or "{FAMILIES}", got "{claim}"')
    if claim.startswith(CONFIGURATIONS) and "famil" in claim:
        raise InputError(f'a claim about configurations must not speak of families, got "{claim}"')
