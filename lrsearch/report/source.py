"""What a report is made of, read from the database once: everything behind it is a function of this value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.comparison import Comparison
from lrsearch.comparison.inference.proportions import PruningAudit
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.names import audit_name, base_name, confirmation_name, search_names
from lrsearch.records import TrialRecord
from lrsearch.search.importance import family_importances
from lrsearch.storage import confirmed_runs, load_study, records, study_config, test_ledger, trials_by_hand
from lrsearch.storage.bounds import near_bounds
from lrsearch.verdict.epoch_budgets import agreements, studies_by_budget, verdicts_by_budget
from lrsearch.verdict.pruning_audit import audit_result
from lrsearch.verdict.study_verdict import StudyVerdict, study_verdict
from lrsearch.verdict.tuning_budgets import effort_entries


@dataclass(frozen=True, eq=False)
class Source:
    """One study with its replicates and its confirmation.

    Attributes:
        name: the study's name.
        config: the study file.
        searches: the trials of each replicate; empty for fixed schedules alone.
        confirmation: the confirmed runs of the verdict and its controls; empty if there are none.
        verdict: the comparison and what stands beside it, or None.
        why_not: why there is no verdict.
        attributes: the user attributes of the confirmation, or of the first search.
        near_bounds: by family, the winner's parameters at the edge of their ranges.
        importances: by family, the share of each parameter.
        maximize: whether a higher metric is better.
        by_epochs: where the study was run at several epoch budgets, the comparison at each.
        agreement: how far these agree, in words, or why that is not known.
        audit: what finishing a part of the pruned trials has shown, or None where it was not done.
        by_hand: a line for the confirmation and for the audit where trials were added to it by hand.
    """

    name: str
    config: StudyConfig
    searches: tuple[tuple[TrialRecord, ...], ...] = ()
    confirmation: tuple[TrialRecord, ...] = ()
    verdict: StudyVerdict | None = None
    why_not: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    near_bounds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    importances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    maximize: bool = True
    by_epochs: Mapping[int, Comparison] = field(default_factory=dict)
    agreement: tuple[str, ...] = ()
    audit: PruningAudit | None = None
    by_hand: tuple[str, ...] = ()

    @property
    def comparison(self) -> Comparison | None:
        """The comparison of the planned blocks, or None."""
        return self.verdict.comparison if self.verdict else None

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """The trials of all replicates."""
        return tuple(record for search in self.searches for record in search)

    @property
    def metric_name(self) -> str:
        """The metric's name."""
        return str(self.attributes.get("metric", "accuracy"))

    @property
    def metric(self) -> str:
        """The metric's name with its unit."""
        return f"{self.metric_name} (points)" if self.maximize else self.metric_name

    @property
    def scale(self) -> float:
        """What turns a stored metric into the unit of `metric`."""
        return 100.0 if self.maximize else 1.0

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Every reading of the test set."""
        return test_ledger(self.attributes)


def read_source(storage: BaseStorage, name: str | None = None) -> Source:
    """Read a study, its replicates and its confirmation; of one at several epoch budgets the longest.

    Args:
        storage: from `open_storage`.
        name: of the study, or of a part of it; None if the storage holds one alone.

    Raises:
        InputError: if there is no such study, several of which one must be named, or one that lrsearch has not made.
    """
    by_budget = studies_by_budget(storage, name)
    base = base_name(by_budget[max(by_budget)].study_name)
    there = sorted(study.study_name for study in storage.get_all_studies())
    searches = [load_study(storage, search) for search in search_names(there, base)]
    confirmed = confirmation_name(base) in there
    confirmation = load_study(storage, confirmation_name(base)) if confirmed else None
    audit = load_study(storage, audit_name(base)) if audit_name(base) in there else None
    first = confirmation or searches[0]
    verdict, why_not = _verdict(confirmation)
    found = tuple(tuple(records(study)) for study in searches)
    maximize = first.direction.name == "MAXIMIZE"
    return Source(
        name=base,
        config=_config(searches, first),
        searches=found,
        confirmation=() if confirmation is None else _entries_of_the_verdict(confirmation),
        verdict=verdict,
        why_not=why_not,
        # what the search alone knows (its lanes, its space) stands behind what the confirmation says
        attributes={**(searches[0].user_attrs if searches else {}), **first.user_attrs},
        near_bounds=_near_bounds(searches, found, maximize),
        importances=family_importances(searches),
        maximize=maximize,
        audit=_audit(audit, searches),
        by_hand=tuple(filter(None, (trials_by_hand(study) for study in (confirmation, audit) if study))),
        **_budgets(by_budget),
    )


def best_trials(searches: Sequence[Sequence[TrialRecord]], *, maximize: bool) -> dict[str, tuple[int, TrialRecord]]:
    """Return {family: (replicate, its best complete trial)}, the best family first."""
    sign = -1 if maximize else 1
    complete = [
        (sign * r.value, replicate, r.number, r)
        for replicate, search in enumerate(searches)
        for r in search
        if r.state == "complete" and r.value is not None
    ]
    best: dict[str, tuple[int, TrialRecord]] = {}
    for _, replicate, _, record in sorted(complete, key=lambda entry: entry[:3]):
        best.setdefault(record.family, (replicate, record))
    return best


def _entries_of_the_verdict(confirmation: Study) -> tuple[TrialRecord, ...]:
    """Return the confirmed runs without those that stand for a smaller tuning effort."""
    efforts = effort_entries(confirmation)
    return tuple(record for record in confirmed_runs(confirmation) if record.family not in efforts)


def _audit(audit: Study | None, searches: Sequence[Study]) -> PruningAudit | None:
    if audit is None:
        return None
    try:
        return audit_result(audit, searches, alpha=study_config(audit).plan.alpha)
    except InputError:  # interrupted before its first trial was finished
        return None


def _config(searches: Sequence[Study], first: Study) -> StudyConfig:
    """Return the study file; how the search was run is known best by the search, whose flags may have changed it."""
    config = study_config(first)
    return config.model_copy(update={"search": study_config(searches[0]).search}) if searches else config


def _budgets(by_budget: Mapping[int, Study]) -> dict[str, Any]:
    if len(by_budget) == 1:
        return {}
    try:
        verdicts = verdicts_by_budget(by_budget)
    except InputError as error:
        return {"agreement": (f"The other epoch budgets are not compared: {error}.",)}
    return {
        "by_epochs": {epochs: verdict.comparison for epochs, verdict in verdicts.items()},
        "agreement": tuple(f"{found.sentence}." for found in agreements(verdicts)),
    }


def _verdict(confirmation: Study | None) -> tuple[StudyVerdict | None, str]:
    if confirmation is None:
        return None, "it has not been confirmed: run lrsearch confirm"
    try:
        return study_verdict(confirmation), ""
    except InputError as error:
        return None, str(error)


def _near_bounds(
    studies: Sequence[Study], found: Sequence[Sequence[TrialRecord]], maximize: bool
) -> dict[str, list[str]]:
    best = best_trials(found, maximize=maximize)
    return {family: near_bounds(record, studies[replicate]) for family, (replicate, record) in best.items()}
