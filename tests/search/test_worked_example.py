"""The worked example: a user's own PyTorch loop under `study.optimize`."""

import optuna
import torch
from torch import nn

import lrsearch
from lrsearch.search.pruning import RungPruner

EPOCHS, STEPS_PER_EPOCH = 4, 8


def objective(trial: optuna.Trial) -> float:
    """Train a small network with the suggested schedule and return its last accuracy."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 8, generator=generator)
    y = (x[:, 0] * x[:, 1] > 0).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = lrsearch.suggest_schedule(trial, total_steps=EPOCHS * STEPS_PER_EPOCH)
    scheduler = lrsearch.to_torch(schedule, optimizer)
    accuracy = 0.0
    for epoch in range(1, EPOCHS + 1):
        for batch in torch.randperm(256, generator=generator).chunk(STEPS_PER_EPOCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            scheduler.step()
        accuracy = float((model(x).argmax(1) == y).float().mean())
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


def test_a_users_own_loop_searches_schedules() -> None:
    """Plain Optuna with `suggest_schedule`, `to_torch` and RungPruner finishes all trials and learns something."""
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=RungPruner(EPOCHS))
    study.optimize(objective, n_trials=12)
    assert len(study.trials) == 12
    assert all(trial.state.is_finished() for trial in study.trials)
    assert study.best_value > 0.55
