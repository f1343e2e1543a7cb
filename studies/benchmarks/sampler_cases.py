"""The noisy quadratics on which samplers are measured, and the exact optimum of every family on each.

    python studies/benchmarks/sampler_cases.py

finds the optima that `quadratic_optima.json` lacks (half a minute a case): the best of 4,096 scrambled Sobol points of
the family's space, then 20 rounds of normal steps around the twelve best so far, ever smaller, in the same space that
the samplers search. Where the file has an optimum it starts from that and 256 points.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from lrsearch.experiment.space import FAMILY, Space
from lrsearch.schedules import default_families
from lrsearch.search.gp.features import from_unit, to_unit
from lrsearch.workloads.quadratic import NoisyQuadratic

STEPS, EPOCHS = 200, 10
FAMILIES = default_families(reading_metric=False)
OPTIMA = Path(__file__).with_name("quadratic_optima.json")


@dataclass(frozen=True)
class Case:
    """A quadratic by (spectrum, batch, scale); `cliff`: the range of base_lr reaches rates that diverge."""

    spectrum: float
    batch: int
    scale: float

    @property
    def name(self) -> str:
        """Return the case as results name it."""
        return f"{self.spectrum:g}, {self.batch}, {self.scale:g}"

    @property
    def cliff(self) -> bool:
        """Return whether the largest searched rate, 1, is beyond 2 / scale."""
        return self.scale > 2

    def score(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return -10 log10 E L `[...]` of `rates` `[..., STEPS]`, to be maximised: a point is a tenth of a decade.

        A run that ends above the loss it began with has learned nothing, and scores what it began with.
        """
        problem = NoisyQuadratic(self.spectrum, self.batch, self.scale)
        return np.asarray(-10.0 * np.log10(np.minimum(problem.expected_loss(rates), self.start)))

    @property
    def start(self) -> float:
        """Return the expected loss before training."""
        return float(NoisyQuadratic(self.spectrum, self.batch, self.scale).curvature.sum() / 2.0)


CHOSEN_ON = (
    Case(1.0, 8, 1), Case(0.5, 1, 1), Case(1.0, 8, 8), Case(0.5, 64, 1),
    Case(1.5, 8, 1), Case(1.0, 1, 1), Case(2.0, 64, 1), Case(1.0, 64, 4),
)  # fmt: skip
UNTOUCHED = (Case(0.75, 16, 1), Case(1.5, 2, 1), Case(1.0, 32, 8), Case(2.0, 4, 4))
CASES = CHOSEN_ON + UNTOUCHED


@cache
def space(families: tuple[str, ...] = FAMILIES) -> Space:
    """Return the published space of `families` for a run of STEPS updates."""
    return Space.build(families, total_steps=STEPS, steps_per_epoch=STEPS // EPOCHS, epochs=EPOCHS)


def rates(params: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the rates `[STEPS]` of a trial's parameters."""
    return np.asarray(space((params[FAMILY],)).schedule(params).epoch_lr(0, STEPS))


def curve(case: Case, params: Mapping[str, Any], whole: bool, factor: float = 1.0) -> NDArray[np.float64]:
    """Return the exact scores `[EPOCHS]` at the ends of a trial's epochs, or the last alone, `[1]`.

    The rates are `factor` times those of the parameters.
    """
    if not whole:
        return case.score(factor * rates(params)[None])
    ended = np.repeat(np.tri(EPOCHS), STEPS // EPOCHS, axis=1)  # a rate of zero changes nothing
    return case.score(factor * rates(params) * ended)


def optima(case: Case) -> dict[str, float]:
    """Return the best score of every family on a case.

    Raises:
        KeyError: if this script has not been run for it.
    """
    return {family: best["score"] for family, best in json.loads(OPTIMA.read_text())[case.name].items()}


def best_of(
    case: Case, family: str, *, points: int = 4096, rounds: int = 20, start: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the best score found in a family's space and its parameters; never worse than `known` parameters."""
    distributions = space((family,)).distributions(family)
    rng = np.random.default_rng(0)
    units = qmc.Sobol(len(distributions), rng=rng).random(points)
    if start is not None:
        units = np.vstack([[to_unit(one, start[name]) for name, one in distributions.items()], units])
    scores = _scores(case, family, units)
    for width in np.geomspace(0.1, 1e-4, rounds):
        top = np.argsort(-scores)[:12]
        units, scores = units[top], scores[top]
        moved = np.repeat(units, 16, axis=0)
        moved += width * rng.standard_normal(moved.shape) * (rng.random(moved.shape) < 0.6)
        moved = np.clip(moved, 0.0, 1.0)
        units, scores = np.concatenate([units, moved]), np.concatenate([scores, _scores(case, family, moved)])
    best = int(np.argmax(scores))
    return {"score": round(float(scores[best]), 5), "params": _params(family, units[best])}


def _scores(case: Case, family: str, units: NDArray[np.float64]) -> NDArray[np.float64]:
    return case.score(np.stack([rates({FAMILY: family, **_params(family, unit)}) for unit in units]))


def _params(family: str, unit: NDArray[np.float64]) -> dict[str, Any]:
    distributions = space((family,)).distributions(family)
    return {name: from_unit(one, u) for (name, one), u in zip(distributions.items(), unit.tolist(), strict=True)}


def main() -> None:
    """Find the optima of the cases that the file lacks, and search around those that it has for better ones."""
    optima_by_case = json.loads(OPTIMA.read_text()) if OPTIMA.exists() else {}
    for case in CASES:
        before = optima_by_case.get(case.name, {})
        after = {}
        for family in FAMILIES:
            old = before.get(family)
            new = best_of(case, family, points=256, start=old["params"]) if old else best_of(case, family)
            after[family] = old if old and old["score"] >= new["score"] else new
        gains = [after[family]["score"] - old["score"] for family, old in before.items()]
        print(case.name, f"better by up to {max(gains):.4f}" if gains else "found", flush=True)
        optima_by_case[case.name] = after
        OPTIMA.write_text(json.dumps(optima_by_case, indent=1) + "\n")


if __name__ == "__main__":
    main()
