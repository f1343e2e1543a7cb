"""What a workload's parts must return, said in one line before anything is trained."""

from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from lrsearch.errors import InputError
from lrsearch.training.check import check_independence, check_workload
from lrsearch.workloads import Workload
from tests.workload_examples import compares_examples, mixes_examples, mlp, regression, tabular, tabular_data

DATA = tabular_data()
X, Y = DATA.train_x[:4], DATA.train_y[:4]


class ModelOutput(OrderedDict):
    """What transformers' models return."""


class _Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()

    def forward(self, x: Tensor) -> ModelOutput:
        return ModelOutput(logits=self.inner(x))


def _one_logit() -> Workload:
    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(-1), (y > 0).float())

    return replace(tabular(), model=lambda: nn.Linear(6, 1), loss=loss)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"model": _Wrapped}, "its model must return a tensor, got ModelOutput: return one tensor"),
        ({"transform": lambda x: {"x": x}}, "its transform must return a tensor, got dict"),
        ({"metric": lambda outputs, y: "good"}, "its metric must return a tensor, got str"),
        ({"loss": lambda outputs, y: 0.5}, "its loss must return a tensor, got float"),
        ({"metric": lambda outputs, y: outputs}, r"its metric must return the shape \(4,\) .* got \(4, 3\)"),
        ({"model": lambda: "a model"}, "its model fails on a batch"),
        ({"parameter_group": lambda name: None}, "its parameter_group must return two numbers .* got None for '0.we"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_part_returns_is_checked(change, complaint) -> None:
    """The part, the rule and what it returned."""
    with pytest.raises(InputError, match=f"workload tabular: {complaint}"):
        check_workload(replace(tabular(), **change), X, Y)


def test_the_default_accuracy_of_one_logit_is_refused() -> None:
    """Its largest output is always class 0; with a metric that thresholds it is a workload like any other."""
    with pytest.raises(InputError, match=r"an output for each class, got \(4, 1\)"):
        check_workload(_one_logit(), X, Y)
    check_workload(
        replace(_one_logit(), metric=lambda outputs, y: ((outputs.squeeze(-1) > 0) == (y > 0)).float()), X, Y
    )
    check_workload(regression(), X, X.sum(1))


def test_scores_that_depend_on_other_examples_are_refused() -> None:
    """A metric that looks at its neighbours and a transform that does are told apart; usual workloads pass."""
    with pytest.raises(InputError, match="among 4: its metric must treat each example by itself"):
        check_independence(compares_examples(), X, Y)
    with pytest.raises(InputError, match="its transform or model must treat"):
        check_independence(replace(mixes_examples(), metric=regression_like), X, Y)
    check_independence(tabular(), X, Y)
    check_independence(regression(), X, X.sum(1))


def regression_like(outputs: Tensor, y: Tensor) -> Tensor:
    """Return a score that shows any change of the outputs."""
    return outputs.sum(-1) - y


def test_trying_a_workload_draws_no_random_numbers() -> None:
    """Torch's generator stands where it stood."""
    before = torch.random.get_rng_state()
    check_workload(tabular(), X, Y)
    check_independence(tabular(), X, Y)
    assert torch.equal(before, torch.random.get_rng_state())
