"""What finishing some of the pruned trials after all has shown of the pruner."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from optuna.study import Study

from lrsearch.comparison.inference.proportions import PruningAudit, audit_pruning
from lrsearch.errors import InputError
from lrsearch.storage import audited_trials, family_of
from lrsearch.storage.trial import values_by_family


def audit_result(audit: Study, searches: Sequence[Study], *, alpha: float) -> PruningAudit:
    """Return how many of the finished trials beat the median and the best of their family's unpruned trials.

    Each is held against the trials of its own replicate, which have its seeds.

    Raises:
        InputError: if the audit holds no trial.
    """
    sign = 1.0 if audit.direction.name == "MAXIMIZE" else -1.0
    known = [values_by_family(study) for study in searches]
    finished, medians, bests = [], [], []
    for (replicate, _), trial in audited_trials(audit).items():
        own = [sign * value for value in known[replicate].get(family_of(trial), ())] if replicate < len(known) else []
        if own:
            finished.append(sign * float(trial.values[0]))
            medians.append(median(own))
            bests.append(max(own))
    if not finished:
        raise InputError(f"study {audit.study_name!r} holds no finished trial yet: run confirm --audit-pruned again")
    return audit_pruning(finished, medians, bests, alpha=alpha)
