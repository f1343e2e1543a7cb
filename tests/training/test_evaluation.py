"""Lanes judged on a part of the data, by each example or by the whole part."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from lrsearch.errors import InputError
from lrsearch.training.evaluation import evaluate, joined, set_score
from tests.workload_examples import tabular

CLASSES, EXAMPLES, LANES = 3, 124, 5


def test_evaluation_does_not_depend_on_how_many_lanes_there_are():
    """To the bit, in float32, where the order of a sum shows: each lane's loss is that of the loss function alone."""
    outputs = torch.randn(LANES, EXAMPLES, CLASSES, generator=torch.Generator().manual_seed(0))
    y = torch.arange(EXAMPLES) % CLASSES
    model = SimpleNamespace(predict=lambda params, x: outputs[params[:, 0].long()])
    workload = SimpleNamespace(
        metric_over="example",
        evaluation_batch_size=EXAMPLES,
        loss=nn.functional.cross_entropy,
        metric=lambda output, target: (output.argmax(1) == target).double(),
    )
    part = _Part(y)
    losses, scores = evaluate(model, workload, torch.arange(LANES).unsqueeze(1), part)
    assert [float(nn.functional.cross_entropy(output, y)) for output in outputs] == losses.float().tolist()
    assert (outputs.argmax(2) == y).double().tolist() == scores.tolist()
    alone = evaluate(model, workload, torch.tensor([[3]]), part)
    assert (losses[3], scores[3].tolist()) == (alone[0][0], alone[1][0].tolist())


class _Part:
    """Examples without inputs."""

    def __init__(self, y: torch.Tensor) -> None:
        self.y, self.index = y, torch.arange(len(y))

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.y[index], self.y[index]


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
