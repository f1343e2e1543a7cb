"""What is exported for transformers: its own scheduler and optimizer, made from the arguments."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lrsearch.export import render
from lrsearch.schedules import ReduceOnPlateau
from tests.export.documents import document, example, run_code, sgd


def test_transformers_drops_on_a_plateau_where_ours_does():
    """reduce_on_plateau without warm-up: its scheduler, given the losses, has our rates."""
    transformers = pytest.importorskip("transformers", reason="transformers is in the group `parity`")
    schedule = ReduceOnPlateau(0.5, 40, factor=0.3, patience=1, min_lr=0.01)
    arguments = run_code(schedule, "hf")["TRAINING_ARGUMENTS"]
    optimizer = sgd(arguments["learning_rate"])
    scheduler = transformers.get_scheduler(
        arguments["lr_scheduler_type"], optimizer, 0, 40, arguments["lr_scheduler_kwargs"]
    )
    losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.9, 0.8, 0.9, 0.9, 0.9]
    for epoch, loss in enumerate(losses):
        expected = schedule.epoch_lr(epoch, 4, losses[:epoch])
        np.testing.assert_allclose(optimizer.param_groups[0]["lr"], expected, rtol=1e-12)
        scheduler.step(loss)


OPTIMIZERS = {
    "sgd": ({"name": "sgd", "momentum": 0.9, "weight_decay": 1e-4}, torch.optim.SGD, {"momentum": 0.9}),
    "adamw": ({"name": "adamw", "beta1": 0.8, "eps": 1e-6}, torch.optim.AdamW, {"betas": (0.8, 0.999), "eps": 1e-6}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_transformers_makes_the_optimizer_of_the_trial(name):
    """Its own factory, given the exported arguments, chooses the trial's optimizer and numbers."""
    transformers = pytest.importorskip("transformers", reason="transformers is in the group `parity`")
    table, cls, numbers = OPTIMIZERS[name]
    arguments = run_code(example("cosine"), "hf", optimizer=table)["TRAINING_ARGUMENTS"]
    defaults = {field.name: field.default for field in fields(transformers.TrainingArguments)}
    made = transformers.Trainer.get_optimizer_cls_and_kwargs(SimpleNamespace(**{**defaults, **arguments}))
    assert cls is made[0]
    assert numbers == {key: made[1][key] for key in numbers}
    assert table.get("weight_decay", 0.0) == arguments["weight_decay"]


def test_transformers_is_told_no_optimizer_that_it_lacks():
    """Nesterov momentum has no argument there: the file says to pass the optimizer."""
    table = {"name": "sgd", "momentum": 0.9, "nesterov": True}
    assert "optim" not in run_code(example("cosine"), "hf", optimizer=table)["TRAINING_ARGUMENTS"]


def test_transformers_clips_as_the_trial_did():
    """At the trial's norm, or not at all; and where biases were not decayed it does the same without a word."""
    table = {"name": "adamw", "weight_decay": 0.1}
    text = render(document(example("cosine"), optimizer=table), "hf")
    assert "the trial decayed every parameter" in text
    assert 0.0 == run_code(example("cosine"), "hf", optimizer=table)["TRAINING_ARGUMENTS"]["max_grad_norm"]
    table |= {"clip_norm": 0.5, "no_decay": "vectors"}
    assert 0.5 == run_code(example("cosine"), "hf", optimizer=table)["TRAINING_ARGUMENTS"]["max_grad_norm"]
    assert "decayed every parameter" not in render(document(example("cosine"), optimizer=table), "hf")
