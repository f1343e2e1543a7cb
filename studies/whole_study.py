"""One whole study on a problem whose truth is known, and what became of its promises: what calibration.py repeats."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

import lrsearch.confirmation.blocks
from lrsearch import Run
from lrsearch.comparison.inference.power import pilot_noise
from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions
from lrsearch.records import TrialRecord
from lrsearch.runs.spec import RunSeeds
from lrsearch.schedules import make_schedule, schedule_from_params
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy, open_storage
from lrsearch.verdict.study_verdict import study_verdict
from lrsearch.workloads.quadratic import NoisyQuadratic, noisy_quadratic

FAMILIES = ("constant", "linear", "cosine", "warmup_stable_decay")
STEPS, DIMENSION, DRAWS = 100, 30, 8
TRIALS, BLOCKS = 5, 12
STORAGE = "memory://calibration"


@dataclass(frozen=True)
class Case:
    """A quadratic by the exponent of its spectrum, its batch and its number of parameters."""

    spectrum: float
    batch: int
    dimension: int = DIMENSION

    @property
    def problem(self) -> NoisyQuadratic:
        """The problem, whose losses are exact."""
        return NoisyQuadratic(self.spectrum, self.batch, dimension=self.dimension)

    @property
    def rope(self) -> float:
        """A tenth of the loss under the best of 25 linear schedules: fixed beforehand, in the size of the losses."""
        rates = [
            make_schedule("linear", total_steps=STEPS, base_lr=rate).lr(np.arange(STEPS))
            for rate in np.geomspace(0.01, 1, 25)
        ]
        return float(self.problem.expected_loss(np.stack(rates)).min() / 10)


CASES = tuple(Case(spectrum, batch) for spectrum in (0.5, 1.0, 1.5, 2.0) for batch in (1, 4, 16, 64, 256))


class _Changed:
    """A run with something changed; what is not changed is the run's own."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)


class _OneSeed(_Changed):
    seeds = RunSeeds(0, 0, 0)

    def report(self, score: float) -> None:
        """Report a score that differs from block to block as little as rounding on a GPU makes it."""
        self._run.report(score * (1 + 1e-4 * np.random.default_rng(self._run.seeds.init).standard_normal()))


class _BestReport(_Changed):
    best = np.inf

    def report(self, score: float) -> None:
        """Report the best loss so far."""
        self.best = min(self.best, score)
        self._run.report(self.best)


def one_seed(run: Run) -> float:
    """Train every block on the same seeds."""
    return noisy_quadratic(_OneSeed(run) if run.purpose == "confirm" else run)  # type: ignore[arg-type]


def best_report(run: Run) -> float:
    """Report the best loss of a run instead of its last."""
    return noisy_quadratic(_BestReport(run))  # type: ignore[arg-type]


@contextmanager
def own_seeds() -> Iterator[None]:
    """Confirm on the very seeds of the search."""

    class SearchSeeds:
        of = staticmethod(lambda seed, _kind, unit: Seeds.of(seed, "search", unit))

    with patch.object(lrsearch.confirmation.blocks, "Seeds", SearchSeeds):
        yield


@dataclass(frozen=True)
class Kind:
    """A kind of study: of one search or of as many as there are blocks, sound or broken in some way."""

    name: str
    replicated: bool
    training: str = "lrsearch.workloads.quadratic:noisy_quadratic"
    reports: int = 1
    draws: int = DRAWS
    dimension: int = DIMENSION
    own_seeds: bool = False

    @property
    def searches(self) -> tuple[str, int, int]:
        """What its searches do: kinds that have this in common find the same on average."""
        return self.training, self.draws, self.dimension

    def config(self, case: Case, number: int) -> StudyConfig:
        """Return the study file of study `number`, whose seeds no other study has."""
        run = {
            "training": self.training, "in_process": True, "metric": "loss", "direction": "minimize",
            "total_steps": STEPS, "reports": self.reports,
        }  # fmt: skip
        search = {
            "families": FAMILIES, "trials": TRIALS * len(FAMILIES), "pruner": "none",
            "replicates": BLOCKS if self.replicated else 1,
        }  # fmt: skip
        problem = {"spectrum": case.spectrum, "batch": case.batch, "dimension": case.dimension, "draws": self.draws}
        return StudyConfig.from_dict(
            {
                "name": "calibration",
                "seed": number,
                "run": run,
                "search": search,
                "parameters": {name: [value] for name, value in problem.items()},
                "ranges": {"base_lr": {"low": 0.01, "high": 1.0, "log": True}},
                "plan": {"rope": case.rope, "blocks": BLOCKS},
            }
        )


KINDS = {
    kind.name: kind
    for kind in (
        Kind("one search", replicated=False),
        Kind("replicated searches", replicated=True),
        Kind("broken: all blocks on one seed", replicated=False, training="whole_study:one_seed"),
        Kind("broken: the best report, not the last", False, training="whole_study:best_report", reports=20, draws=1),
        Kind("replicated searches, 2 parameters", replicated=True, draws=1, dimension=2),
        Kind("broken: the same, confirmed on the search's own seeds", True, draws=1, dimension=2, own_seeds=True),
    )
}


def whole_study(kind: Kind, case: Case, number: int) -> dict[str, Any]:
    """Search, confirm and compare, and return the verdict beside the exact scores of what was confirmed.

    Returns:
        As plain data: `exact` [blocks or 1, families], the exact expected losses of the configurations of each block;
        `difference`, `low`, `high`, `separated`, `verdict` [pairs], in the order of `itertools.combinations`;
        `recommended`; `rope`, that of the plan; `noise`, the SD and the correlation of the confirmed scores.
    """
    case = replace(case, dimension=kind.dimension)
    config = kind.config(case, number)
    options = RunOptions(STORAGE, device="cpu", workers=1)
    storage = open_storage(STORAGE)
    logging.disable(logging.WARNING)
    try:
        run_search(config, options)
        with own_seeds() if kind.own_seeds else nullcontext():
            run_confirm(config, options)
        study = StoredStudy.read(storage, config.name)
        runs = study.confirmed().runs
        comparison = study_verdict(study).comparison
    finally:
        logging.disable(logging.NOTSET)
        for stored in storage.get_all_studies():
            storage.delete_study(stored._study_id)
    order = [comparison.families.index(family) for family in FAMILIES]
    first, second = np.triu_indices(len(FAMILIES), 1)
    pairs = np.ix_(order, order)

    def of_pairs(matrix: NDArray[Any]) -> list[Any]:
        return list(matrix[pairs][first, second].tolist())

    noise = pilot_noise(comparison.scores)
    return {
        "exact": _exact(case, runs if kind.replicated else runs[: len(FAMILIES)]),
        "recommended": [family for family in FAMILIES if family in comparison.recommended],
        "low": of_pairs(comparison.low),
        "high": of_pairs(comparison.high),
        "separated": of_pairs(comparison.p <= comparison.settings.alpha),
        "verdict": of_pairs(comparison.pairs.verdict),
        "rope": case.rope,
        "noise": [noise.sd, noise.correlation],
    }


def _exact(case: Case, runs: Sequence[TrialRecord]) -> list[list[float]]:
    """Return the exact expected losses [blocks, families] of what was confirmed."""
    runs = sorted(runs, key=lambda run: (run.block, FAMILIES.index(run.family)))
    rates = np.array([schedule_from_params(run.schedule).lr(np.arange(STEPS)) for run in runs])
    return list(case.problem.expected_loss(rates).reshape(-1, len(FAMILIES)).tolist())
