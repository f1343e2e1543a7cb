"""Lanes judged on a part of the data."""

from types import SimpleNamespace

import torch
from torch import nn

from lrsearch.training.evaluation import evaluate

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
