"""What a family is: all that the package knows of it, in one class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsearch.schedules.parameters import Parameter, Span, check_fit, make_plain, rules, scaled_parameters
from lrsearch.schedules.priors import BASE_LR, WARMUP_STEPS, Choice, Prior, Value

FloatArray: TypeAlias = NDArray[np.float64]

_OF_THE_RUN = ("total_steps", "base_lr", "warmup_steps", "warmup_begin_lr")


class Family:
    """What every family says of itself. Its parameters are the fields that are annotated with a Parameter.

    Attributes:
        family: its name.
        formula: the factor of base_lr, in the symbols of `lrsearch.schedules.families`.
        source: the library or paper it comes from.
        searched: the prior of each parameter that a search draws beside base_lr and warmup_steps.
        twins: its name in other libraries (PyTorch, transformers, timm, optax) that have the same curve.
        takes_warmup: False where the rate rises by itself.
        rises: whether the rate rises again after warm-up.
        by_default: whether a search that names no families has it.
        free_form: whether it is no named curve: searched last in each round, with five turns, and not recommended.
        optimizer: what takes the place of the study's optimizer, for people; "" where that stays.
        reads_metric: whether the rate depends on the validation loss, so that it is not known before the run.
        python: itself as plain Python. Of a function of the step it is the body of `lr(step)`, given `s` and `n` as in
            the formula and each parameter as a constant in capitals, with `bisect` and `math`.
        optax: lines that make an optax schedule called `schedule`, counted from the end of warm-up, of the same
            constants, `optax` and `jnp`; None where optax cannot express it.
    """

    family: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    searched: ClassVar[Mapping[str, Prior | Choice]] = {}
    twins: ClassVar[Mapping[str, str]] = {}
    takes_warmup: ClassVar[bool] = True
    rises: ClassVar[bool] = False
    by_default: ClassVar[bool] = True
    free_form: ClassVar[bool] = False
    optimizer: ClassVar[str] = ""
    reads_metric: ClassVar[bool] = False
    python: ClassVar[str]
    optax: ClassVar[str | None] = None

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Return the family's own parameters: without those that every schedule has."""
        return {name: rule for name, rule in rules(cls).items() if name not in _OF_THE_RUN}

    @classmethod
    def priors(cls) -> dict[str, Prior | Choice]:
        """Return the prior of everything that a search draws for this family."""
        return {"base_lr": BASE_LR, **({"warmup_steps": WARMUP_STEPS} if cls.takes_warmup else {}), **cls.searched}

    @classmethod
    def from_sample(cls, sample: Mapping[str, Value], total_steps: int) -> dict[str, Any]:
        """Return the parameters that drawn values stand for: themselves, unless a family searches by other names.

        Args:
            sample: a value for each name of `priors`.
            total_steps: the length of training in steps.
        """
        del total_steps
        return dict(sample)


@dataclass(frozen=True)
class Shape(Family, ABC):
    """A family that is a function of the step: what follows warm-up, as a factor of base_lr."""

    def __post_init__(self) -> None:
        make_plain(self)

    @abstractmethod
    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the factor of base_lr, in [0, 1], at each whole step 0 <= s <= n after warm-up."""

    def lr(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the rate at each whole step 0 <= s <= n after warm-up."""
        return span.base_lr * self.factor(s, span)

    def check(self, span: Span) -> None:
        """Raise InputError for the first parameter that does not fit into the run."""
        check_fit(self, span)

    def scaled(self, ratio: float, span: Span) -> Self:
        """Return it for a run `ratio` times as long, whose span is `span`."""
        return replace(self, **scaled_parameters(self, ratio, span))

    def constants(self, span: Span) -> dict[str, Any]:
        """Return what `python` and `optax` need beside the parameters, by name, worked out for a run."""
        del span
        return {}
