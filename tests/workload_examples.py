"""Workloads of a few hundred examples that the tests train, and some that are broken."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from lrsearch.workloads import Dataset, Workload

TRAIN, TEST, FEATURES, CLASSES, BATCH = 240, 60, 6, 3, 20
STEPS_PER_EPOCH = 10  # 200 of the 240 examples are fitted


def tabular_data(seed: int = 0) -> Dataset:
    """Return 240 and 60 rows of six numbers in three classes that a straight line tells apart, some of them not."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(TRAIN + TEST, FEATURES, generator=generator)
    noise = 0.5 * torch.randn(TRAIN + TEST, generator=generator)
    y = torch.bucketize(x[:, 0] + x[:, 1] + noise, torch.tensor([-0.6, 0.6]))
    return Dataset(x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:])


def mlp() -> nn.Module:
    """Return a small MLP for tabular data."""
    return nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU(), nn.Linear(8, CLASSES))


def tabular() -> Workload:
    """Return an own workload as a user writes it: a small MLP on tabular data."""
    return Workload("tabular", mlp, tabular_data, worst_value=1 / CLASSES, batch_size=BATCH)


def other_tabular() -> Workload:
    """Return the same on other examples."""
    return Workload("tabular", mlp, lambda: tabular_data(1), worst_value=1 / CLASSES, batch_size=BATCH)


def batch_norm() -> Workload:
    """Return a module with buffers, which cannot be stacked."""

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES))

    return Workload("batch norm", model, tabular_data, worst_value=1 / CLASSES, batch_size=BATCH)


def squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the squared error of each example."""
    return (outputs.squeeze(-1) - y).square()


def regression() -> Workload:
    """Return a regression whose metric, the mean squared error, is to be minimised."""

    def data() -> Dataset:
        classes = tabular_data()
        return Dataset(classes.train_x, classes.train_x.sum(1), classes.test_x, classes.test_x.sum(1))

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU(), nn.Linear(8, 1))

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return squared_error(outputs, y).mean()

    return Workload(
        "regression",
        model,
        data,
        worst_value=100.0,
        loss=loss,
        metric=squared_error,
        metric_name="squared error",
        direction="minimize",
        batch_size=BATCH,
    )


def own_score() -> Workload:
    """Return a workload whose metric, maximised, is no accuracy: the logarithm of the likelihood."""

    def metric(outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.log_softmax(-1)[torch.arange(len(y)), y]

    return Workload(
        "own score", mlp, tabular_data, worst_value=-10.0, metric=metric, metric_name="log likelihood", batch_size=BATCH
    )


def no_worst_value() -> Workload:
    """Return a workload of a loss that does not say what a model scores that has learned nothing."""
    return replace(regression(), worst_value=None)


def wrong_outputs() -> Workload:
    """Return a workload whose model does not take its own data."""
    return Workload("wrong outputs", lambda: nn.Linear(FEATURES + 1, CLASSES), tabular_data, worst_value=0.0)


def wrong_metric() -> Workload:
    """Return a workload whose metric gives one number where it owes one per example."""
    return Workload("wrong metric", mlp, tabular_data, worst_value=0.0, metric=lambda outputs, y: outputs.mean())


def not_a_workload() -> nn.Module:
    """Return something else than a Workload."""
    return mlp()


def fails() -> Workload:
    """Raise what a person's own code may raise."""
    raise RuntimeError("the data base is down")


def fails_to_load() -> Workload:
    """Return a workload whose data cannot be read."""

    def data() -> Dataset:
        raise OSError("no such disk")

    return Workload("no data", mlp, data, worst_value=0.0)


def wrong_data() -> Workload:
    """Return a workload whose data is no Dataset."""
    return Workload("no data set", mlp, lambda: [1, 2, 3], worst_value=0.0)  # type: ignore[arg-type, return-value]


def not_a_number(outputs: Tensor, y: Tensor) -> Tensor:
    """Return NaN for every example."""
    return torch.full((len(outputs),), float("nan"))


def nan_metric() -> Workload:
    """Return a workload whose metric is NaN though its loss is finite."""
    return Workload("NaN", mlp, tabular_data, worst_value=0.0, metric=not_a_number, batch_size=BATCH)


def nan_on_the_test_set() -> Workload:
    """Return a workload whose metric is NaN on one of its test examples alone."""

    def data() -> Dataset:
        usual = tabular_data()
        x = usual.test_x.clone()
        x[7, 5] = float("nan")
        return Dataset(usual.train_x, usual.train_y, x, usual.test_y)

    def likelihood(outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.softmax(-1)[torch.arange(len(y)), y]

    return Workload("NaN in test", mlp, data, worst_value=0.0, metric=likelihood, batch_size=BATCH)


def compares_examples() -> Workload:
    """Return a workload whose metric judges an example by the company that it is in."""

    def metric(outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs - outputs.mean(0)).square().sum(-1)

    return Workload("company", mlp, tabular_data, worst_value=0.0, metric=metric, batch_size=BATCH)


def mixes_examples() -> Workload:
    """Return a workload whose model normalises over the examples of a batch, in evaluation too."""

    def transform(x: Tensor) -> Tensor:
        return x - x.mean(0)

    return Workload("mixed", mlp, tabular_data, worst_value=0.0, transform=transform, batch_size=BATCH)


def fails_later() -> Workload:
    """Return a workload whose loss raises on the label of a few examples only, none of which comes first."""

    def data() -> Dataset:
        usual = tabular_data()
        y = usual.train_y.clone()
        y[100:110] = CLASSES
        return Dataset(usual.train_x, y, usual.test_x, usual.test_y)

    return Workload("fails later", mlp, data, worst_value=0.0, batch_size=BATCH)


def fails_when_called_again() -> Workload:
    """Return a workload whose model raises from its fourth call on."""

    class Unlucky(nn.Linear):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            if self.calls > 3:
                raise RuntimeError("out of luck")
            return super().forward(x)

    return Workload(
        "unlucky", lambda: Unlucky(FEATURES, CLASSES), tabular_data, worst_value=1 / CLASSES, batch_size=BATCH
    )


def raises_in_training() -> Workload:
    """Return a workload whose loss raises on every batch, but not on the few examples that it is tried out on."""

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        if len(outputs) > 8:
            raise ZeroDivisionError("no mean of nothing")
        return torch.nn.functional.cross_entropy(outputs, y)

    return Workload("raises", mlp, tabular_data, worst_value=0.0, loss=loss, batch_size=BATCH)
