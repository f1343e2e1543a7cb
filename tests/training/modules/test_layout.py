"""Where a module's tensors lie in the row of a lane: what is trained, what a step changes, what is constant."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from lrsearch.errors import InputError
from lrsearch.training.modules.layout import ModuleLayout, model_outputs
from lrsearch.workloads import Workload
from tests.workload_examples import CLASSES, FEATURES, mlp, tabular, tabular_data

DATA = tabular_data()
X, Y = DATA.train_x[:4], DATA.train_y[:4]


class Everything(nn.Module):
    """A model with every kind of tensor that is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(FEATURES)
        self.random = nn.Linear(FEATURES, FEATURES).requires_grad_(False)
        self.head = nn.Linear(FEATURES, CLASSES)
        self.register_buffer("positions", torch.arange(FEATURES))
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("cache", torch.zeros(0))

    def forward(self, x: Tensor) -> Tensor:
        """Use all of them; put a new tensor in the place of one."""
        if self.training:
            self.seen = self.seen + 1
        self.cache = x.new_ones(FEATURES)
        mixed = self.random(self.norm(x))[:, self.positions] * self.cache
        return self.head(nn.functional.dropout(mixed, 0.1, self.training))


def layout_of(workload: Workload) -> ModuleLayout:
    """Return the layout of a workload in float64."""
    return ModuleLayout(workload, X, Y, device="cpu", dtype=torch.float64)


def test_what_is_carried_is_what_a_step_or_a_seed_decides() -> None:
    """Parameters first; then running statistics, frozen random weights and counts; constants and caches not at all."""
    layout = layout_of(replace(tabular(), model=Everything))
    assert ["norm.weight", "norm.bias", "head.weight", "head.bias"] == [slot.name for slot in layout.trained]
    carried = {slot.name: slot.dtype for slot in layout.carried}
    floats = {"random.weight", "random.bias", "norm.running_mean", "norm.running_var", "seen"}
    assert floats == {name for name, dtype in carried.items() if dtype == torch.float64}
    assert "norm.num_batches_tracked" == list(carried)[-1]
    assert 2 * FEATURES + FEATURES * CLASSES + CLASSES == layout.trainable
    assert layout.size == layout.trainable + FEATURES**2 + 3 * FEATURES + 2
    assert layout.draws


def test_the_first_row_is_the_module_built_under_its_seed() -> None:
    """In the order of the slots; torch's own generator stands where it stood."""
    layout = layout_of(replace(tabular(), model=Everything))
    before = torch.random.get_rng_state()
    row = layout.init(3)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(3)
    module = Everything()
    torch.random.set_rng_state(before)
    state = module.state_dict()
    for slot in (*layout.trained, *layout.carried):
        assert torch.equal(state[slot.name].double(), slot.of(row.unsqueeze(0))[0])


def test_a_plain_module_carries_nothing_and_draws_nothing() -> None:
    """A multilayer perceptron is its parameters."""
    layout = layout_of(tabular())
    assert ((), False, layout.trainable) == (layout.carried, layout.draws, layout.size)


def test_a_step_that_fails_and_a_model_without_parameters_are_refused() -> None:
    """One line names the workload and what was wrong."""

    def broken(outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.detach().sum()

    with pytest.raises(InputError, match="workload tabular: a step of training fails on 4 examples: RuntimeError"):
        layout_of(replace(tabular(), loss=broken))
    with pytest.raises(InputError, match="has no parameter to train"):
        layout_of(replace(tabular(), model=lambda: mlp().requires_grad_(False)))


def test_inputs_reach_the_module_by_name_or_in_order() -> None:
    """Floating inputs are cast, whole numbers are not."""
    x, index = torch.ones(2, dtype=torch.float32), torch.tensor([1, 0])

    def module(x: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return x, index

    for inputs in ({"x": x, "index": index}, (x, index)):
        outputs = model_outputs(module, inputs, torch.float64)
        assert (torch.float64, torch.int64) == tuple(value.dtype for value in outputs)
    assert None is model_outputs(module, x)[1]
