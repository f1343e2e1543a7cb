"""A metric over a whole set: joined outputs, and what is no number."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lrsearch.errors import InputError
from lrsearch.training.set_metric import joined, set_score
from tests.workload_examples import tabular


def _workload(metric):
    return replace(tabular(), metric=metric, metric_over="set")


def _r2(outputs: Tensor, y: Tensor) -> Tensor:
    return 1 - (outputs - y).square().sum() / (y - y.mean()).square().sum()


def test_outputs_of_batches_are_joined_whatever_holds_them() -> None:
    """Tensors, and tensors in a dict."""
    first, second = torch.tensor([1.0, 2.0]), torch.tensor([3.0])
    assert [1.0, 2.0, 3.0] == joined([first, second]).tolist()
    assert [1.0, 2.0, 3.0] == joined([{"a": first}, {"a": second}])["a"].tolist()


def test_a_score_is_the_metric_of_all_outputs() -> None:
    """R2 by hand; outputs that are not finite have none, which is how a lane diverges."""
    y = torch.tensor([0.0, 2.0, 4.0])
    assert 1 - 1 / 8 == set_score(_workload(_r2), torch.tensor([1.0, 2.0, 4.0]), y)
    assert math.isnan(set_score(_workload(_r2), torch.tensor([1.0, math.inf, 4.0]), y))


def test_what_is_undefined_is_refused() -> None:
    """One line: the number of examples and what happened."""
    equal = torch.tensor([3.0, 3.0])
    with pytest.raises(InputError, match=r"its metric over the whole set is undefined \(NaN\) on 2 examples"):
        set_score(_workload(_r2), equal, equal)


def test_what_a_metric_raises_is_left_to_the_caller() -> None:
    """A signal that arrives in it is no fault of the metric."""

    def interrupted(outputs: Tensor, y: Tensor) -> Tensor:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        set_score(_workload(interrupted), torch.ones(2), torch.ones(2))
