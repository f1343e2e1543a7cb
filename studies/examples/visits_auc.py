"""A tabular classifier judged by its AUC, on visits of patients that are never on both sides of the split.

The page docs/example_workloads.md explains it. The patients are simulated: each has a tendency of its own, which a
classifier could learn by heart if other visits of the same patient were fitted.
"""

from __future__ import annotations

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from lrsearch import Dataset, Workload

PATIENTS, VISITS, NUMBERS, TEST_PATIENTS = 400, 4, 10, 80


def visits() -> Dataset:
    """Return four visits of each of 400 patients, ten numbers a visit, and whether it was followed by another stay."""
    generator = torch.Generator().manual_seed(0)
    patient = torch.arange(PATIENTS).repeat_interleave(VISITS)
    body = torch.randn(PATIENTS, NUMBERS, generator=generator)[patient]
    x = body + 0.5 * torch.randn(len(patient), NUMBERS, generator=generator)
    tendency = torch.randn(PATIENTS, generator=generator)[patient]
    risk = x[:, 0] * x[:, 1] + x[:, 2] - 0.5 * x[:, 3].square() + tendency
    y = (risk + torch.randn(len(risk), generator=generator) > 0).long()
    fitted = patient < PATIENTS - TEST_PATIENTS
    return Dataset(x[fitted], y[fitted], x[~fitted], y[~fitted], groups=patient[fitted])


def classifier() -> nn.Module:
    """Return one logit for ten numbers, with dropout."""
    return nn.Sequential(
        nn.Linear(NUMBERS, 32),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(32, 32),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(32, 1),
        nn.Flatten(0),
    )


def log_loss(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean log loss of logits `[B]`."""
    return functional.binary_cross_entropy_with_logits(outputs, y.to(outputs.dtype))


def auc(outputs: Tensor, y: Tensor) -> float:
    """Return the area under the ROC curve over all examples: no mean of one score for each."""
    return float(roc_auc_score(y.cpu().numpy(), outputs.cpu().numpy()))


def visits_auc() -> Workload:
    """Return the workload: half is what guessing gives."""
    return Workload(
        name="visits by AUC",
        model=classifier,
        data=visits,
        loss=log_loss,
        metric=auc,
        metric_over="set",
        metric_name="AUC",
        worst_value=0.5,
        batch_size=32,
    )
