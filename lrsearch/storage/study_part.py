"""One study of a database as a frozen value: a search or one of its replicates, a confirmation, a pruning audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any

from optuna.study import Study, StudyDirection

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY, POINTS, UNITS, Metric
from lrsearch.names import is_confirmation, is_search
from lrsearch.records import TrialRecord
from lrsearch.storage.attributes import StudyAttributes
from lrsearch.storage.trial import records
from lrsearch.text import plain


@dataclass(frozen=True, eq=False)
class StudyPart:
    """One study of a database: a search (or one of its replicates), a confirmation or a pruning audit.

    Attributes:
        name: in its storage.
        config: the study file that it was made from.
        attributes: what else it says of itself.
        metric: what was measured, and how people read it.
        read: returns its trials by number; called once, when they are asked for.
    """

    name: str
    config: StudyConfig
    attributes: StudyAttributes
    metric: Metric = ACCURACY
    read: Callable[[], Sequence[TrialRecord]] = field(default=tuple, repr=False)

    @classmethod
    def of(cls, study: Study) -> StudyPart:
        """Read what a study says of itself; its trials are read when they are asked for.

        Raises:
            InputError: if it was not made by lrsearch, or by a newer one, or was changed into what none has written.
        """
        attributes = study.user_attrs
        stored = attributes.get("study_file")
        if not isinstance(stored, Mapping) or len(study.directions) > 1:
            raise InputError(f"study {study.study_name!r} was not made by lrsearch (it holds no study file)")
        typed = StudyAttributes.of(attributes, study.study_name)
        named = study.metric_names
        return cls(
            study.study_name,
            _config_of(study.study_name, json.dumps(stored)),
            typed,
            metric=stored_metric(study.direction, attributes, typed.metric or (named[0] if named else "")),
            read=partial(records, study),
        )

    @cached_property
    def records(self) -> tuple[TrialRecord, ...]:
        """Every trial, by number."""
        return tuple(self.read())

    @property
    def scored(self) -> list[TrialRecord]:
        """The trials that were trained to their end and have a value, those that diverged left out, by number."""
        return [record for record in self.records if record.scored]

    @cached_property
    def values_by_family(self) -> dict[str, list[float]]:
        """The values of the scored trials, by family."""
        values: dict[str, list[float]] = {}
        for record in self.scored:
            values.setdefault(record.family, []).append(record.value or 0.0)
        return values

    @property
    def runs(self) -> tuple[TrialRecord, ...]:
        """The runs of a confirmation or of an audit, by number, without trials that were added by hand."""
        made = "confirmed" if is_confirmation(self.name) else "finished_by_audit"
        return tuple(record for record in self.records if getattr(record, made))

    @property
    def added_by_hand(self) -> str:
        """One line on the trials of a confirmation or an audit that were added by hand; "" if there are none."""
        if is_search(self.name) or not (added := len(self.records) - len(self.runs)):
            return ""
        trials = "1 trial was" if added == 1 else f"{added} trials were"
        return f"{trials} added to {self.name!r} by hand, not by lrsearch confirm: left out"


@lru_cache(maxsize=32)
def _config_of(study: str, stored: str) -> StudyConfig:
    """Return the study file that a study stores; checking its ranges takes longer than a short trial."""
    return StudyConfig.from_dict(json.loads(stored), source=f"study {study!r}")


def stored_metric(direction: StudyDirection, attributes: Mapping[str, Any], name: str = "") -> Metric:
    """Return what a study measures, from its direction and its user attributes, which other programs may have written.

    A study of a version that stored no unit is read as it was then: in points where more is better.
    """
    maximize = direction == StudyDirection.MAXIMIZE
    facts = attributes.get("workload_facts")
    unit = facts.get("unit") if isinstance(facts, Mapping) else None
    if not isinstance(unit, str) or not plain(unit).strip():
        unit = POINTS if maximize else UNITS
    shown = plain(name) if name.strip() else Metric.name
    return Metric(shown, "maximize" if maximize else "minimize", plain(unit))
