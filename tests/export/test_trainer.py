"""The exported TrainingArguments in transformers' own Trainer, which needs accelerate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.export.documents import T, assert_same_rates, example, run_code

pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")
transformers = pytest.importorskip("transformers", reason="transformers is in the group `parity`")


class Model(nn.Module):
    """Tell the trainer a loss, as its models do."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x, labels):
        """Return the loss by name."""
        return {"loss": 1e-6 * (self.linear(x).squeeze(-1) - labels).square().mean()}


class Watch(transformers.TrainerCallback):
    """Note the rate and the momentum of every update."""

    def __init__(self):
        self.rates, self.momenta = [], []

    def on_step_begin(self, args, state, control, optimizer, **rest):
        """Note what the update is about to use."""
        self.rates.append(optimizer.param_groups[0]["lr"])
        self.momenta.append(optimizer.param_groups[0]["momentum"])


# The schedulers themselves are held against ours in test_libraries.py; two families show that the trainer takes them.
@pytest.mark.parametrize("family", ["cosine_restarts", "square_root"])
def test_the_trainer_has_the_searched_rates(family, tmp_path):
    """A whole training by the exported arguments alone: as many updates, the same rates and momentum."""
    schedule, watch = example(family), Watch()
    table = {"name": "sgd", "momentum": 0.9}
    arguments = run_code(schedule, "hf", optimizer=table)["TRAINING_ARGUMENTS"]
    quiet = {"report_to": [], "save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True, "use_cpu": True}
    examples = [{"x": torch.ones(2), "labels": torch.tensor(1.0)} for _ in range(64)]
    trainer = transformers.Trainer(
        model=Model(),
        args=transformers.TrainingArguments(output_dir=str(tmp_path), **quiet, **arguments),
        train_dataset=examples,
        callbacks=[watch],
    )
    trainer.train()
    assert_same_rates(schedule.lr(np.arange(T)), watch.rates, schedule.base_lr)
    assert {0.9} == set(watch.momenta)
