"""What lists and counts of trials hold: which trials are asked for, how many there are, and one line for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lrsearch.errors import InputError
from lrsearch.names import replicate_of
from lrsearch.records import finite_real, whole
from lrsearch.schedules import FAMILIES
from lrsearch.text import did_you_mean

STATES = ("complete", "pruned", "running", "waiting", "fail")


@dataclass(frozen=True)
class TrialFilter:
    """Which trials are asked for; None is any.

    Attributes:
        family: a schedule family, or the name of a candidate of a confirmation.
        state: one of STATES.
        replicate: the number of an independent search; a search that has only one is replicate 0.
    """

    family: str | None = None
    state: str | None = None
    replicate: int | None = None

    @property
    def of_trials(self) -> bool:
        """Whether only some trials of a study are asked for."""
        return self.family is not None or self.state is not None

    def takes(self, study: str, state: str, family: str) -> bool:
        """Return whether trials of this study, state and family are asked for."""
        return self.takes_study(study) and self.state in (None, state) and self.family in (None, family)

    def takes_study(self, study: str) -> bool:
        """Return whether trials of this study are asked for."""
        return self.replicate in (None, replicate_of(study))

    def require_possible(self, studies: Iterable[str], families: Iterable[str]) -> None:
        """Raise InputError where a name is asked for that no trial of these studies and families could have."""
        choices = dict.fromkeys([*filter(None, families), *FAMILIES])
        if self.family is not None and self.family not in choices:
            raise InputError(f"there is no family {self.family!r} here{did_you_mean(self.family, choices)}")
        if self.state is not None and self.state not in STATES:
            raise InputError(f"state must be one of {', '.join(STATES)}, got {self.state!r}")
        replicates = sorted({number for name in studies if (number := replicate_of(name)) is not None})
        if self.replicate is not None and self.replicate not in replicates:
            possible = ", ".join(map(str, replicates)) or "none, because only searches are replicated"
            raise InputError(f"replicate must be one of this study's ({possible}), got {self.replicate}")


@dataclass(frozen=True)
class TrialCount:
    """How many trials of a study have a state and a family; the least and greatest value of those that converged."""

    study: str
    state: str
    family: str
    count: int
    least: float | None = None
    greatest: float | None = None


@dataclass(frozen=True)
class TrialLine:
    """One trial in a list.

    Attributes:
        study: its study.
        number: its number in its study.
        state: one of STATES.
        family: the schedule family, or the candidate's name.
        value: the metric, or None if it is missing or not finite.
        epochs: how many were reported.
        seconds, stop_reason, block: as `TrialRecord` has them.
        parameters: what was sampled, or the schedule where nothing was.
    """

    study: str
    number: int
    state: str
    family: str
    value: float | None
    epochs: int
    seconds: float | None
    stop_reason: str
    block: int | None
    parameters: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        study: str,
        number: int,
        state: str,
        *,
        value: float | None,
        epochs: int,
        params: Mapping[str, Any],
        attributes: Mapping[str, Any],
    ) -> TrialLine:
        """Make a line of what a storage holds of a trial; what is not what it should be stays at its default."""
        schedule = attributes.get("schedule")
        sampled = {name: chosen for name, chosen in params.items() if name != "family"}
        return cls(
            study,
            number,
            state,
            family=str(attributes.get("entry") or params.get("family", "")),
            value=finite_real(value),
            epochs=epochs,
            seconds=finite_real(attributes.get("seconds")),
            stop_reason=str(attributes.get("stop_reason", "")),
            block=whole(attributes.get("block")),
            parameters=sampled if params else dict(schedule) if isinstance(schedule, Mapping) else {},
        )


LISTED_ATTRIBUTES = ("entry", "seconds", "stop_reason", "block", "schedule")
"""The user attributes that `TrialLine.of` reads."""
