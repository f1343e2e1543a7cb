"""The comparison as a value: what `compare_scores` finds and what the verdict, the tables and the figures read."""

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsearch.comparison.arrays import FloatArray, read_only
from lrsearch.comparison.display import comparison_html
from lrsearch.comparison.inference.proportions import Failure


@dataclass(frozen=True, eq=False)
class PairResults:
    """What the tests say of each pair; every array is [families, families], and row i, column j speaks of i minus j.

    NaN stands where nothing was tested: a pair outside the planned contrasts, a family with a failed run.
    """

    difference: FloatArray  # mean_i - mean_j, points
    low: FloatArray  # simultaneous limits, dual to p_single
    high: FloatArray
    p: FloatArray  # step-down max-T
    p_single: FloatArray  # single-step max-T
    p_holm: FloatArray  # paired t with Holm, the cross-check
    p_better: FloatArray  # P(a run of i beats a run of j)
    p_better_low: FloatArray  # pointwise limits
    p_better_high: FloatArray
    verdict: NDArray[np.str_]
    blocks_to_settle: FloatArray  # of a new confirmation; 0 where settled, infinity beyond 1,000


@dataclass(frozen=True, eq=False)
class ColumnResults:
    """What is said of each family; every array is [families], with NaN for one that has a failed run."""

    mean: FloatArray  # points, failures counted
    sd: FloatArray  # over blocks
    rank_low: FloatArray  # 1 is best
    rank_high: FloatArray
    p_worse: FloatArray  # against the best of the others
    gap_high: FloatArray  # upper limit of the distance to the best, simultaneous
    recommended: tuple[str, ...]  # not shown worse than the best
    equivalent_to_best: tuple[str, ...]  # shown to be within the ROPE of the best


@dataclass(frozen=True, eq=False)
class Comparison(PairResults, ColumnResults):
    """Which family is better than which, how sure that is, and whether it matters. All arrays are read-only.

    `families` are the names of the columns: families, configurations, or groups where the plan compares groups.
    """

    families: tuple[str, ...]
    scores: FloatArray  # [blocks, families], points
    blocks: int
    claim: str
    metric: str
    contrasts: str
    alpha: float
    rope: float
    preferred: str | None  # the recommended one that the tie-breakers choose
    failures: tuple[Failure, ...]
    omnibus_max_t: float  # the smallest adjusted p-value
    omnibus_iman_davenport: float
    block_seconds: float | None
    images: int | None  # test images behind a score, where known
    crossed: bool  # whether the intervals hold for other test images too
    warnings: tuple[str, ...]
    verdict_text: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, read_only(value))

    @property
    def level(self) -> str:
        """The level of the simultaneous intervals in words: 95%."""
        return f"{100 * (1 - self.alpha):g}%"

    def to_json(self) -> str:
        """Return everything as one JSON object with these names; NaN and infinity become null."""
        return json.dumps({field.name: _plain(getattr(self, field.name)) for field in fields(self)}, allow_nan=False)

    def _repr_html_(self) -> str:
        """Return the verdict and its table, as a notebook shows them."""
        return comparison_html(self)


def _plain(value: Any) -> Any:
    """Return `value` as what JSON knows."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Failure):
        return {"family": value.family, "runs": vars(value.runs)}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
