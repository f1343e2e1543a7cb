"""A noisy quadratic: training with gradient noise whose expected loss is known exactly for every schedule.

The parameters theta_i, i = 1 .. d, start as independent standard normals. The loss is L = 1/2 sum h_i theta_i^2 with
curvatures h_i = scale i^-a, and a gradient is h_i theta_i + sqrt(c_i / batch) xi_i with fresh standard normal xi_i and
c_i = scale i^-b. After updates theta <- theta - eta_t gradient each theta_i is normal with mean 0 and variance m_i,

    m_i <- (1 - eta_t h_i)^2 m_i + eta_t^2 c_i / batch,    m_i = 1 at the start,

so that E L = 1/2 sum h_i m_i and Var L = 1/2 sum (h_i m_i)^2, exactly. The model is that of Zhang et al. 2019,
"Which algorithmic choices matter at which batch sizes? Insights from a noisy quadratic model", arXiv:1907.04164.

`NoisyQuadratic` is the exact side; `noisy_quadratic` trains it, as the built-in study `quadratic` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrsearch.errors import InputError
from lrsearch.workloads.training_run import TrainingRun

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class NoisyQuadratic:
    """The problem; the formulas stand at the head of this module.

    Attributes:
        spectrum: the exponent a of the curvatures; larger is worse conditioned.
        batch: examples a gradient is averaged over.
        scale: the largest curvature; rates above 2 / scale diverge.
        noise: the exponent b of the gradient's variances, or None for that of the spectrum.
        dimension: the number d of parameters.

    >>> NoisyQuadratic(spectrum=1.0, batch=8).expected_loss(np.zeros(200)).round(4).item()
    2.5937
    """

    spectrum: float = 1.0
    batch: int = 1
    scale: float = 1.0
    noise: float | None = None
    dimension: int = 100

    def __post_init__(self) -> None:
        for name in ("batch", "dimension", "scale"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be above 0, got {getattr(self, name)}")

    @cached_property
    def curvature(self) -> FloatArray:
        """The curvatures h `[d]`."""
        return self._powers(self.spectrum)

    @cached_property
    def gradient_variance(self) -> FloatArray:
        """The variances c / batch `[d]` of a gradient."""
        return self._powers(self.spectrum if self.noise is None else self.noise) / self.batch

    def second_moments(self, rates: ArrayLike) -> FloatArray:
        """Return the variances m `[..., d]` of the parameters after updates with `rates` `[..., T]`.

        They are infinite where the rates diverge beyond the range of float64.
        """
        steps = np.moveaxis(np.asarray(rates, dtype=np.float64), -1, 0)[..., None]
        moments = np.ones((*steps.shape[1:-1], self.dimension))
        with np.errstate(over="ignore"):
            for eta in steps:
                moments *= np.square(1.0 - eta * self.curvature)
                moments += np.square(eta) * self.gradient_variance
        return moments

    def expected_loss(self, rates: ArrayLike) -> FloatArray:
        """Return E L `[...]` after updates with `rates` `[..., T]`."""
        with np.errstate(over="ignore"):
            return np.asarray(self.second_moments(rates) @ self.curvature / 2.0)

    def variance_of_loss(self, rates: ArrayLike) -> FloatArray:
        """Return Var L `[...]` over runs with `rates` `[..., T]`."""
        with np.errstate(over="ignore"):
            return np.asarray(np.square(self.second_moments(rates) * self.curvature).sum(axis=-1) / 2.0)

    def _powers(self, exponent: float) -> FloatArray:
        return np.asarray(self.scale * np.arange(1, self.dimension + 1, dtype=np.float64) ** -exponent)


def noisy_quadratic(run: TrainingRun) -> float:
    """Train by plain SGD, and report the loss: the mean over `draws` independent draws, so that its variance is known.

    Of `run.parameters` it takes the attributes of `NoisyQuadratic`, and `draws` (16). There is no data: validation and
    test are the same loss, and the seeds make each run independent of all others but those of its own block.

    Raises:
        InputError: for parameters that it does not have, or draws below 1.
    """
    problem, draws = _asked_for(run.parameters)
    _ = run.evaluation_set  # whichever it is, this is its loss
    rates = run.schedule.lr(np.arange(run.total_steps))
    noise = np.random.default_rng(run.seeds.order)
    theta = np.random.default_rng(run.seeds.init).standard_normal((draws, problem.dimension))
    deviation = np.sqrt(problem.gradient_variance)
    xi = np.empty_like(theta)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is reported as such
        for step in run.steps():
            noise.standard_normal(out=xi)
            theta *= 1.0 - rates[step] * problem.curvature
            theta -= rates[step] * deviation * xi
            if run.report_due(step):
                run.report(float(np.square(theta).mean(axis=0) @ problem.curvature / 2.0))
    return run.last_score


def _asked_for(parameters: Mapping[str, Any]) -> tuple[NoisyQuadratic, int]:
    """Return the problem and the number of draws that a run's parameters ask for."""
    names = [field.name for field in fields(NoisyQuadratic)]
    if unknown := [name for name in parameters if name not in (*names, "draws")]:
        raise InputError(f"parameters must be among {', '.join(names)} and draws, got {unknown[0]}")
    draws = parameters.get("draws", 16)
    if not draws >= 1:
        raise InputError(f"draws must be at least 1, got {draws}")
    return NoisyQuadratic(**{name: parameters[name] for name in names if name in parameters}), draws
