"""What a report is made of, read from the database once: everything behind it is a function of this value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lrsearch.comparison import Comparison
from lrsearch.comparison.inference.proportions import PruningAudit
from lrsearch.config import StudyConfig
from lrsearch.errors import AllDiverged, InputError
from lrsearch.metric import Metric
from lrsearch.records import TrialRecord
from lrsearch.report.style import Style, styles
from lrsearch.storage import Storage, StoredStudy, load_study, studies_by_budget
from lrsearch.verdict.epoch_budgets import agreements, verdicts_by_budget
from lrsearch.verdict.pruning_audit import audit_result
from lrsearch.verdict.study_verdict import StudyVerdict, study_verdict
from lrsearch.verdict.tuning_budgets import smaller_budget_candidates


@dataclass(frozen=True, eq=False)
class Source:
    """One study and what is concluded from it.

    Attributes:
        study: with its replicates, its confirmation and its audit.
        verdict: the comparison and what stands beside it, or None.
        why_not: why there is no verdict.
        importances: by family, the share of each parameter.
        by_epochs: where the study was run at several epoch budgets, the comparison at each.
        agreement: how far these agree, in words, or why that is not known.
        audit: what finishing a part of the pruned trials has shown, or None where it was not done.
    """

    study: StoredStudy
    verdict: StudyVerdict | None = None
    why_not: str = ""
    importances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    by_epochs: Mapping[int, Comparison] = field(default_factory=dict)
    agreement: tuple[str, ...] = ()
    audit: PruningAudit | None = None

    @property
    def config(self) -> StudyConfig:
        """The study file."""
        return self.study.config

    @property
    def comparison(self) -> Comparison | None:
        """The comparison of the planned blocks, or None."""
        return self.verdict.comparison if self.verdict else None

    @property
    def confirmation(self) -> tuple[TrialRecord, ...]:
        """The confirmed runs of the verdict and its controls, without those that stand for a smaller tuning budget."""
        if self.study.confirmation is None:
            return ()
        smaller = smaller_budget_candidates(self.study.confirmation)
        return tuple(run for run in self.study.confirmation.runs if run.family not in smaller)

    @cached_property
    def styles(self) -> dict[str, Style]:
        """How each family and each fixed schedule of the study is drawn, in every figure."""
        return study_styles(self.study)

    @cached_property
    def highlighted(self) -> tuple[str, ...]:
        """The recommended candidates, the preferred one first; all of them where none is recommended."""
        if (comparison := self.comparison) is not None and comparison.recommended:
            return tuple(sorted(comparison.recommended, key=lambda name: name != comparison.preferred))
        confirmed = dict.fromkeys(run.family for run in self.confirmation)
        return tuple(confirmed or self.study.best_by_family())

    @property
    def metric(self) -> Metric:
        """The metric, which knows the unit in which people read it."""
        return self.study.metric


def study_styles(study: StoredStudy) -> dict[str, Style]:
    """Return how each family and each fixed schedule of a study is drawn, in the report and in the dashboard."""
    runs = study.confirmation.runs if study.confirmation is not None else ()
    named = {record.family for record in (*study.trials, *runs)}
    return styles({*named, *study.config.search.families, *(baseline.name for baseline in study.config.baseline)})


def read_source(storage: Storage, name: str | None = None) -> Source:
    """Read a study, its replicates and its confirmation; of one at several epoch budgets the longest.

    Args:
        storage: from `open_storage`.
        name: of the study, or of a part of it; None if the storage holds one alone.

    Raises:
        InputError: if there is no such study, if there are several and none is named, or if lrsearch did not make it.
    """
    from lrsearch.search.importance import family_importances  # imports scikit-learn, which a verdict does not need

    by_budget = studies_by_budget(storage, name)
    study = by_budget[max(by_budget)]
    verdict, why_not = _verdict(study)
    return Source(
        study=study,
        verdict=verdict,
        why_not=why_not,
        importances=family_importances([load_study(storage, search.name) for search in study.searches]),
        audit=audit_result(study),
        **_budgets(by_budget),
    )


def _budgets(by_budget: Mapping[int, StoredStudy]) -> dict[str, Any]:
    if len(by_budget) == 1:
        return {}
    try:
        verdicts = verdicts_by_budget(by_budget)
    except InputError as error:
        return {"agreement": (f"The other epoch budgets are not compared: {error}.",)}
    return {
        "by_epochs": {epochs: verdict.comparison for epochs, verdict in verdicts.items()},
        "agreement": tuple(f"{agreement.sentence}." for agreement in agreements(verdicts)),
    }


def _verdict(study: StoredStudy) -> tuple[StudyVerdict | None, str]:
    if study.nothing_to_confirm:
        return None, str(AllDiverged.of(study.name))
    if study.confirmation is None:
        return None, "it has not been confirmed: run lrsearch confirm"
    try:
        verdict = study_verdict(study)
    except InputError as error:
        return None, str(error)
    judged = verdict.comparison.judged
    return (verdict, "") if judged else (None, verdict.comparison.verdict_text.removesuffix("."))
