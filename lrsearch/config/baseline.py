"""The fixed schedules of a study file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from lrsearch.config.study_tables import MOST_EPOCHS, SEARCHABLE, Name, Table
from lrsearch.errors import InputError
from lrsearch.schedules import Choice, Join, PerEpoch, Range, ReduceOnPlateau, Schedule, Tabulated, make_schedule

_NOMINAL_RUNS = ((100, 100), (10_000, 10_000))
"""Epochs and steps per epoch of runs, one of which a schedule must fit into before the real one is known."""


class BaselineConfig(Table):
    """`[[baseline]]`: one fixed schedule under a name of its own; further keys are the schedule's parameters.

    In place of `family` and `base_lr` it may give `rates`, one for each step or with `boundaries` each held until the
    next begins, or `parts`, each a table like this one, with the `boundaries` between them. Where a study is a file,
    `rates` may name one: `read_rates`.

    `epochs` is the budget that its numbers are meant for: in a study of another length every boundary keeps its
    fraction of training. `momentum`, `weight_decay` and `ema_decay` are the optimizer's where the search samples
    those, and `parameters` holds a value for each of the study's `[parameters]`. `printed` holds published numbers
    (train_loss, test_loss, accuracy), to be shown beside the measured ones.
    """

    model_config = ConfigDict(extra="allow")

    name: Name
    family: str
    base_lr: float = Field(gt=0)
    interval: Literal["step", "epoch"] = "step"
    lag: bool = False
    lag_lr: float | None = Field(None, gt=0)
    epochs: int | None = Field(None, ge=1, le=MOST_EPOCHS)
    momentum: float | None = Field(None, ge=0, lt=1)
    weight_decay: float | None = Field(None, ge=0)
    ema_decay: float | None = Field(None, ge=0, lt=1)
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    printed: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _family_of_what_is_given(cls, data: Any) -> Any:
        return _with_family(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _is_a_schedule(self) -> BaselineConfig:
        if self.lag and self.interval != "epoch":
            raise ValueError('lag = true needs interval = "epoch": the rate of epoch e is set after epoch e - 1')
        runs = [(self.table_steps, 1)] if self.table_steps else _NOMINAL_RUNS
        problems = []
        for epochs, steps_per_epoch in runs:
            try:
                self.schedule(epochs=epochs, steps_per_epoch=steps_per_epoch)
                return self
            except InputError as error:
                problems.append(error)
        raise problems[0]

    @property
    def table_steps(self) -> int | None:
        """The length of the run that a table of one rate for each step is made for; None for any other schedule."""
        parameters = self.model_extra or {}
        if self.family != Tabulated.family or parameters.get("boundaries") is not None:
            return None
        return len(parameters["rates"])

    def check_for_run(self, searched: Mapping[str, Range | Choice]) -> None:
        """Raise ValueError unless this fits a study with `[run]` in which these parameters are searched, by name."""
        of_workloads = {"interval": self.interval == "epoch", "epochs": self.epochs is not None}
        of_workloads |= {name: getattr(self, name) is not None for name in SEARCHABLE}
        if wrong := [name for name, given in of_workloads.items() if given]:
            raise ValueError(f"baseline {self.name!r}: {wrong[0]} is for a workload, and this study has [run]")
        if missing := [name for name in searched if name not in self.parameters]:
            raise ValueError(
                f"baseline {self.name!r} needs its own {missing[0]}, because the search samples it: "
                f"parameters = {{ {missing[0]} = ... }}"
            )
        if unknown := [name for name in self.parameters if name not in searched]:
            raise ValueError(f"baseline {self.name!r}: {unknown[0]} is none of [parameters]: leave it out")
        for name, value in self.parameters.items():
            if isinstance(searched[name], Range) and isinstance(value, bool | str):
                raise ValueError(f"baseline {self.name!r}: {name} must be a number, as in [parameters], got {value!r}")

    def check_for_workload(self, searched: Collection[str]) -> None:
        """Raise ValueError unless this fits a study of a workload in which these optimizer settings are searched."""
        if self.parameters:
            raise ValueError(f"baseline {self.name!r}: parameters are for a study with [run]: leave them out")
        for name in SEARCHABLE:
            stated = getattr(self, name) is not None
            if name in searched and not stated:
                raise ValueError(f"baseline {self.name!r} needs its own {name}, because the search samples it")
            if stated and name not in searched:
                raise ValueError(f"baseline {self.name!r} has the {name} of [optimizer]: leave it out")

    def settings(self, searched: Iterable[str]) -> dict[str, Any]:
        """Return the values of what the search samples beside the schedule, by name."""
        return {name: self.parameters[name] if self.parameters else getattr(self, name) for name in searched}

    def schedule(self, *, epochs: int, steps_per_epoch: int) -> Schedule | ReduceOnPlateau | PerEpoch:
        """Return the fixed schedule for a run of this length.

        Raises:
            InputError: if a parameter is unknown to the family, invalid, or does not fit into the run.
        """
        per_epoch = self.interval == "epoch"
        steps = 1 if per_epoch else steps_per_epoch
        meant = (self.epochs and self.table_steps) or (self.epochs or epochs) * steps
        made = make_schedule(self.family, total_steps=meant, base_lr=self.base_lr, **(self.model_extra or {}))
        made = made.scaled_to(epochs * steps) if self.epochs else made
        if not per_epoch:
            return made
        if not isinstance(made, Schedule):
            raise InputError(f'{self.family} already steps by the epoch: leave out interval = "epoch"')
        return PerEpoch(made, lag_lr=(self.lag_lr or self.base_lr) if self.lag else None)


def _with_family(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a schedule with the family and the peak of its `rates` or `parts`, where it has them."""
    named = dict(table)
    if "rates" in table:
        if isinstance(table["rates"], str):
            raise InputError("rates must be a list of numbers here; the path of a file is read where a study is a file")
        named |= {"family": Tabulated.family, "base_lr": Tabulated(table["rates"], table.get("boundaries")).peak}
    elif "parts" in table:
        given = table["parts"] if isinstance(table["parts"], list | tuple) else [None]
        parts = [_with_family(part) for part in given if isinstance(part, Mapping)]
        peaks = [part["base_lr"] for part in parts if isinstance(part.get("base_lr"), int | float)]
        if not 0 < len(peaks) == len(given):
            raise InputError("parts must be tables of schedules, each with its base_lr or its rates")
        named |= {"family": Join.family, "parts": parts, "base_lr": max(peaks)}
    for name in ("family", "base_lr"):
        if table.get(name, named.get(name)) != named.get(name):
            raise InputError(f"{name} must be left out beside rates or parts, got {table[name]!r}")
    return named
