"""An epoch of a group of lanes, on a model whose gradient is known."""

from __future__ import annotations

import torch

from lrsearch.training.data import Part
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule, settings_columns
from lrsearch.training.program import EpochProgram

F64 = torch.float64


class Means:
    """One parameter a lane, whose loss is half the mean squared distance to the labels, and one buffer that counts."""

    size, trainable, stackable, draws = 2, 1, True, False

    def loss_and_grad(self, params, x, y, generators):
        """Return loss and gradient, and count the call in the buffer."""
        params[:, 1] += 1
        distance = params[:, :1] - y
        return (distance**2 / 2).mean(1), distance.mean(1, keepdim=True)


def test_an_epoch_is_its_steps_one_after_the_other():
    """Each lane by its own rates and batches; what is given stays, and the loss is the mean over the steps."""
    y = torch.tensor([0.0, 2.0, 4.0, 8.0], dtype=F64)
    fit = Part(torch.zeros(4, 1), y, torch.arange(4))
    rule = UpdateRule()
    program = EpochProgram(Means(), rule, fit, lanes=2, own_batches=True, steps=2, batch_size=2, dtype=F64)
    params = torch.tensor([[1.0, 0.0], [5.0, 7.0]], dtype=F64)
    rates = torch.tensor([[0.5, 1.0], [0.1, 0.0]], dtype=F64)
    index = torch.tensor([[[3, 2], [1, 0]], [[0, 0], [3, 3]]])
    settings = settings_columns([OptimizerSettings()] * 2, params)
    trained, state, loss = program.run(params, [], settings, torch.zeros(2, 1, dtype=F64), rates, index)
    # Lane 0: to the mean 6 by a half, 1 -> 3.5, then to the mean 1 at once. Lane 1: to 0 by a tenth, then not at all.
    assert [[1.0, 2.0], [4.5, 9.0]] == trained.tolist()
    assert [[1.0, 0.0], [5.0, 7.0]] == params.tolist()
    assert [] == state
    first, second = ((49 + 9) / 4, (1.5**2 + 3.5**2) / 4)
    assert [(first + second) / 2, (25 / 2 + 3.5**2 / 2) / 2] == loss.tolist()


def test_a_program_is_used_again():
    """A second epoch begins from what it is given, not from what the first left."""
    fit = Part(torch.zeros(2, 1), torch.tensor([0.0, 2.0], dtype=F64), torch.arange(2))
    rule = UpdateRule(uses_momentum=True)
    program = EpochProgram(Means(), rule, fit, lanes=1, own_batches=False, steps=1, batch_size=2, dtype=F64)
    settings = settings_columns([OptimizerSettings(momentum=0.9)], torch.zeros(1, dtype=F64))
    given = (torch.tensor([[3.0, 0.0]], dtype=F64), [torch.ones(1, 1, dtype=F64)], settings, torch.zeros(1, 1))
    rates, index = torch.tensor([[0.1]], dtype=F64), torch.tensor([[[0, 1]]])
    first, second = (program.run(*given, rates, index) for _ in range(2))
    torch.testing.assert_close(torch.tensor([[3.0 - 0.1 * (0.9 + 2.0), 1.0]], dtype=F64), first[0])
    torch.testing.assert_close(torch.tensor([[2.9]], dtype=F64), first[1][0])
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[2], second[2])
