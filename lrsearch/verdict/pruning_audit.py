"""What finishing some of the pruned trials after all has shown of the pruner."""

from __future__ import annotations

from statistics import median

from lrsearch.comparison.inference.proportions import PruningAudit, audit_pruning
from lrsearch.storage import StoredStudy


def audit_result(study: StoredStudy) -> PruningAudit | None:
    """Return how many of the finished trials beat the median and the best of their family's unpruned trials.

    Each is compared with the trials of its own replicate, which have its seeds. None if there is no audit, or it holds
    no trial that can be compared.
    """
    if study.audit is None:
        return None
    finished, medians, bests = [], [], []
    for run in study.audit.runs:
        replicate, sign = run.replicate or 0, study.audit.metric.sign
        searched = study.searches[replicate].values_by_family if replicate < len(study.searches) else {}
        if unpruned := [sign * value for value in searched.get(run.family, ())]:
            finished.append(sign * run.value if run.scored and run.value is not None else min(unpruned))
            medians.append(median(unpruned))
            bests.append(max(unpruned))
    return audit_pruning(finished, medians, bests, alpha=study.audit.config.plan.alpha) if finished else None
