"""One experiment at several epoch budgets: a verdict for each, and whether the order of the families holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.comparison.agreement import Agreement, agreement
from lrsearch.errors import InputError
from lrsearch.names import base_name, budget_names, without_budget
from lrsearch.storage import confirmation_of, study_config, the_study
from lrsearch.storage.study import refuse_another_plan
from lrsearch.verdict.study_verdict import StudyVerdict, study_verdict

_FREE = ("training.epochs", "training.budgets")


@dataclass(frozen=True)
class BudgetAgreement:
    """How far the verdicts at two epoch budgets agree, or why that cannot be said."""

    epochs: tuple[int, int]
    found: Agreement | None
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """The agreement in words."""
        opening = f"{self.epochs[0]} against {self.epochs[1]} epochs: "
        if self.found is None:
            return f"{opening}not comparable: {self.why_not}"
        a = self.found
        return (
            f"{opening}the means' rank correlation (Kendall's tau) is {a.kendall_tau:.2f}; of the pairs, {a.same} are "
            f"separated in the same direction, {a.opposite} in opposite ones, {a.one_only} at one budget only, "
            f"{a.neither} at neither"
        )


def studies_by_budget(storage: BaseStorage, name: str | None) -> dict[int, Study]:
    """Return {epochs: study} of the experiment `name` at its epoch budgets, or its one study.

    Raises:
        InputError: if there is none of this name, or several of which one must be named.
    """
    there = [study.study_name for study in storage.get_all_studies()]
    experiments = {without_budget(base_name(other)) for other in there}
    wanted = experiments.pop() if name is None and len(experiments) == 1 else name
    budgets = {} if wanted is None or wanted in there else budget_names(there, wanted)
    if budgets:
        return {epochs: the_study(storage, budget) for epochs, budget in budgets.items()}
    study = the_study(storage, name)
    return {study_config(study).training.epochs: study}


def verdicts_by_budget(studies: Mapping[int, Study]) -> dict[int, StudyVerdict]:
    """Return the verdict at each epoch budget.

    Raises:
        InputError: if a study has not been confirmed, or two differ in more than their epochs.
    """
    confirmations = {epochs: confirmation_of(study) for epochs, study in studies.items()}
    first, *others = confirmations.values()
    for other in others:
        _refuse_another_experiment(first, other)
    return {epochs: study_verdict(confirmation) for epochs, confirmation in confirmations.items()}


def agreements(verdicts: Mapping[int, StudyVerdict]) -> Sequence[BudgetAgreement]:
    """Return the agreement of every two budgets; none for one budget."""
    found = []
    for pair in combinations(verdicts, 2):
        try:
            found.append(BudgetAgreement(pair, agreement(*(verdicts[epochs].comparison for epochs in pair))))
        except InputError as error:
            found.append(BudgetAgreement(pair, None, str(error)))
    return found


def _refuse_another_experiment(first: Study, second: Study) -> None:
    """Raise InputError, naming the difference, if two studies differ in more than their epochs."""
    refuse_another_plan(second, study_config(first))
    one, other = (study_config(study).identity() for study in (first, second))
    fingerprints = [study.user_attrs.get("data_fingerprint") for study in (first, second)]
    differences = [f"{key} is {other[key]!r}, not {one[key]!r}" for key in one if one[key] != other[key]]
    differences = [text for text in differences if not text.startswith(_FREE)]
    if fingerprints[0] != fingerprints[1]:
        differences.append(f"data is {fingerprints[1]!r}, not {fingerprints[0]!r}")
    if differences:
        raise InputError(
            f"studies {first.study_name!r} and {second.study_name!r} cannot be compared: they differ in more than "
            f"their epochs: {'; '.join(differences)}"
        )
