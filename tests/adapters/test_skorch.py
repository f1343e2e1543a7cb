"""Runs inside a net of skorch."""

import pytest
import torch
from torch import nn

from lrsearch import Run
from tests.adapters import checks

pytestmark = checks.marks_of("skorch")


def train(run: Run, *, test: bool = True, metric: object = None) -> float:
    """Train a net with dropout on shuffled digits, 10 updates an epoch."""
    from sklearn.datasets import load_digits
    from skorch import NeuralNetClassifier
    from skorch.dataset import Dataset, ValidSplit

    from lrsearch.adapters.skorch import RunCallback

    x, y = load_digits(return_X_y=True)
    x = x.astype("float32") / 16
    torch.manual_seed(run.seeds.init)
    given = {} if metric is None else {"metric": metric}
    callback = RunCallback(run, test=Dataset(x[600:700], y[600:700]) if test else None, **given)
    net = NeuralNetClassifier(
        nn.Sequential(nn.Linear(64, 16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 10)),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        max_epochs=4,
        batch_size=40,
        iterator_train__shuffle=True,
        train_split=ValidSplit(1 / 3, stratified=True, random_state=run.seeds.split),
        callbacks=[callback],
        verbose=0,
    )
    net.fit(x[:600], y[:600])
    return run.last_score


CHECKS = [
    checks.check_reports,
    checks.check_rates,
    checks.check_confirmed,
    checks.check_pruned,
    checks.check_killed_and_resumed,
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_net_is_a_run(check, tmp_path) -> None:
    """Reported, confirmed, pruned, killed and resumed."""
    check(train, tmp_path)


def test_a_score_of_scikit_learn_is_reported(tmp_path) -> None:
    """By its name."""
    search = checks.undisturbed(lambda run: train(run, metric="accuracy"), tmp_path)
    assert 0.3 < search.reports[-1].score <= 1
    assert "train_loss" in search.reports[-1].more


def test_test_data_are_asked_for(tmp_path) -> None:
    """Before the training."""
    checks.check_test_data_is_asked_for(lambda run: train(run, test=False), tmp_path)
