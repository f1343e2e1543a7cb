"""Whether lanes train side by side, and why not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lrsearch.training import choice
from lrsearch.training.choice import choose_way, unstackable_reason
from lrsearch.training.data import TrainingData
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.optimizers.rule import UpdateRule
from lrsearch.workloads import Split, Workload
from tests.training.modules.test_layout import Everything, X, Y
from tests.training.modules.test_plain import own_function
from tests.workload_examples import batch_norm, mlp, tabular, tabular_data

MEASURED = choice._measured  # in other tests no clock decides, so that two equal searches are equal
SPLIT = Split(np.arange(200), np.arange(200, 220), np.arange(220, 240))


class _DataDependent(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if x.mean() > 0 else x


class _Mixing(nn.Module):
    """Draws a permutation, which no rule divides among the lanes in the order in which each draws alone."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, torch.randperm(x.shape[1])] if self.training else x


def _frozen() -> nn.Module:
    model = mlp()
    next(model.parameters()).requires_grad_(False)
    return model


def _reason(workload: Workload) -> str:
    return unstackable_reason(ModuleLayout(workload, X, Y, device="cpu", dtype=torch.float32), X, Y)


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (replace(tabular(), model=lambda: nn.Sequential(_DataDependent(), mlp())), "data-dependent"),
        (replace(tabular(), model=lambda: nn.Sequential(_Mixing(), mlp())), "size"),
        (replace(tabular(), model=lambda: nn.Sequential(nn.LSTM(6, 3), _First())), "lstm"),
        (own_function(), "Function"),
    ],
    ids=["control flow", "permutation", "no rule", "own function"],
)
def test_the_reason_is_named(workload: Workload, reason: str) -> None:
    """In one line: what vmap cannot do, or does otherwise than plain autograd."""
    assert reason in _reason(workload)
    assert 1 == len(_reason(workload).splitlines())


class _First(nn.Module):
    def forward(self, both: tuple[Tensor, Tensor]) -> Tensor:
        return both[0]


@pytest.mark.parametrize(
    "workload",
    [tabular(), batch_norm(), *(replace(tabular(), model=model) for model in (Everything, _frozen))],
    ids=["mlp", "batch norm", "all kinds", "frozen"],
)
def test_running_statistics_random_numbers_and_frozen_parameters_are_no_reason(workload: Workload) -> None:
    """They train side by side."""
    assert "" == _reason(workload)


def _choose(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], lanes: int | None, workload=tabular
) -> choice.Choice:
    """Choose where a step of a lane takes these seconds by the number of lanes."""
    monkeypatch.setattr(choice, "_measured", lambda layout, data, rule, n: (seconds[1], seconds[n]))
    data = TrainingData.build(tabular_data(), SPLIT, device="cpu")
    return choose_way(workload(), data, UpdateRule(), lanes=lanes)


def test_the_faster_way_is_taken(monkeypatch) -> None:
    """By the seconds of a lane's step; with one lane, or where it is slower, lanes train by plain autograd."""
    faster = _choose(monkeypatch, {1: 0.003, 4: 0.001}, 4)
    assert ("stacked", (0.003, 0.001)) == (faster.way, faster.seconds)
    slower = _choose(monkeypatch, {1: 0.003, 4: 0.004}, 4)
    assert "plain" == slower.way
    assert "side by side is no faster: 4 ms for a step of each of 4 lanes, 3 ms for one alone" == slower.reason
    assert ("plain", "there is one lane") == (_choose(monkeypatch, {}, 1).way, _choose(monkeypatch, {}, 1).reason)
    assert ["stacked", "plain"] == [_choose(monkeypatch, {}, None, w).way for w in (tabular, own_function)]


def test_both_ways_are_timed_on_steps_of_the_data() -> None:
    """The seconds are those of real steps."""
    data = TrainingData.build(tabular_data(), SPLIT, device="cpu")
    layout = ModuleLayout(tabular(), X, Y, device="cpu", dtype=torch.float32)
    assert all(0 < seconds < 1 for seconds in MEASURED(layout, data, UpdateRule("adam"), 3))
