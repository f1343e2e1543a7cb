"""What a workload's parts must return, said in one line before anything is trained."""

from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from lrsearch.errors import InputError
from lrsearch.training.check import check_independence, check_set_metric, check_workload
from lrsearch.workloads import Workload
from lrsearch.workloads.workload import correct
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
        ({"model": _Wrapped}, "its loss fails on .* it is given the ModelOutput that the model returns"),
        ({"transform": lambda x: [x]}, "its transform must return a tensor, a dict or a tuple of inputs, got list"),
        ({"transform": lambda x: {"z": x}}, "its model fails on a batch .* unexpected keyword argument 'z'"),
        ({"augment": lambda x, generator: x[:, 1:]}, r"its augment must return the shape \(4, 6\) .* got \(4, 5\)"),
        (
            {"augment": lambda x, generator: x.double()},
            "its augment must return the type .* got torch.float64",
        ),
        ({"augment": lambda x: x}, "its augment fails on a batch"),
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


def _of_logits(function):
    return lambda outputs, y: function(outputs["logits"], y)


def test_inputs_by_name_and_outputs_of_any_kind_are_taken() -> None:
    """A transform may return a dict or a tuple; loss and metric take what they need of what the model returns."""
    changed = {"model": _Wrapped, "loss": _of_logits(nn.functional.cross_entropy), "metric": _of_logits(correct)}
    for transform in (lambda x: {"x": x}, lambda x: (x,)):
        workload = replace(tabular(), transform=transform, **changed)
        check_workload(workload, X, Y)
        check_independence(workload, X, Y)


def test_a_metric_over_a_set_is_tried_on_all_its_targets() -> None:
    """Where it is undefined one line says so; it need not give a score for each example."""

    def auc(outputs: Tensor, y: Tensor) -> float:
        return float(roc_auc_score(y == 0, outputs[:, 0]))

    workload = replace(tabular(), metric=auc, metric_over="set", evaluation_batch_size=3)
    check_workload(workload, X, Y)
    check_independence(workload, X, Y)
    check_set_metric(workload, DATA.test_x, DATA.test_y)
    with pytest.raises(InputError, match=r"undefined|fails on 60 examples"):
        check_set_metric(workload, DATA.test_x, torch.ones_like(DATA.test_y))


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
