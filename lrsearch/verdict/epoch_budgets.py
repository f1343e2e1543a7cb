"""One experiment at several epoch budgets: a verdict for each, and whether the order of the families holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from lrsearch.comparison.agreement import Agreement, agreement
from lrsearch.errors import InputError
from lrsearch.storage import StoredStudy, StudyPart, require_same_plan
from lrsearch.text import counted
from lrsearch.verdict.study_verdict import StudyVerdict, study_verdict

_FREE = ("training.epochs", "training.budgets")


@dataclass(frozen=True)
class BudgetAgreement:
    """How far the verdicts at two epoch budgets agree, or why that cannot be said."""

    epochs: tuple[int, int]
    agreement: Agreement | None
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """The agreement in words."""
        opening = f"{self.epochs[0]} against {counted(self.epochs[1], 'epoch')}: "
        if self.agreement is None:
            return f"{opening}not comparable: {self.why_not}"
        a = self.agreement
        return (
            f"{opening}the means' rank correlation (Kendall's tau) is {a.kendall_tau:.2f}; of the pairs, {a.same} are "
            f"separated in the same direction, {a.opposite} in opposite ones, {a.one_only} at one budget only, "
            f"{a.neither} at neither"
        )


def verdicts_by_budget(
    studies: Mapping[int, StoredStudy], *, rope: float | None = None, alpha: float | None = None
) -> dict[int, StudyVerdict]:
    """Return the verdict at each epoch budget; `rope` and `alpha` are those of `study_verdict`.

    Raises:
        InputError: if a study has not been confirmed, or two differ in more than their epochs.
    """
    first, *others = (study.confirmed() for study in studies.values())
    for other in others:
        _require_same_experiment(first, other)
    return {epochs: study_verdict(study, rope=rope, alpha=alpha) for epochs, study in studies.items()}


def agreements(verdicts: Mapping[int, StudyVerdict]) -> Sequence[BudgetAgreement]:
    """Return the agreement of every two budgets; none for one budget."""
    results = []
    for pair in combinations(verdicts, 2):
        try:
            results.append(BudgetAgreement(pair, agreement(*(verdicts[epochs].comparison for epochs in pair))))
        except InputError as error:
            results.append(BudgetAgreement(pair, None, str(error)))
    return results


def _require_same_experiment(first: StudyPart, second: StudyPart) -> None:
    """Raise InputError, naming the difference, if two studies differ in more than their epochs."""
    require_same_plan(second, first.config)
    one, other = (part.config.identity() | {"data": part.attributes.data_fingerprint} for part in (first, second))
    differences = [f"{key} is {other[key]!r}, not {one[key]!r}" for key in one if one[key] != other[key]]
    differences = [text for text in differences if not text.startswith(_FREE)]
    if differences:
        raise InputError(
            f"studies {first.name!r} and {second.name!r} cannot be compared: they differ in more than "
            f"their epochs: {'; '.join(differences)}"
        )
