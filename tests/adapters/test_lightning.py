"""Runs inside the Trainer of Lightning."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lrsearch import InputError, Run
from tests.adapters import checks

pytestmark = checks.marks_of("lightning")


def loader(count: int, seed: int, *, shuffle: bool = False) -> DataLoader:
    """Return noisy sums in batches of 8."""
    x = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    return DataLoader(TensorDataset(x, x.sum(1)), batch_size=8, shuffle=shuffle)


def train(run: Run, *, test: bool = True, metric: str = "val_loss", optimizers: int = 1, **changes: object) -> float:
    """Train a module with dropout on shuffled data, 10 updates an epoch; its own scheduler would act once an epoch."""
    from lightning.pytorch import LightningModule, Trainer

    from lrsearch.adapters.lightning import RunCallback

    class Sums(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = optimizers == 1
            self.net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))

        def loss(self, batch: list[Tensor]) -> Tensor:
            return (self.net(batch[0]).squeeze(1) - batch[1]).square().mean()

        def training_step(self, batch: list[Tensor]) -> Tensor:
            loss = self.loss(batch)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: list[Tensor]) -> None:
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self):
            made = [torch.optim.AdamW(self.parameters(), lr=1e-3) for _ in range(optimizers)]
            return made, [torch.optim.lr_scheduler.ExponentialLR(made[0], 0.5)]

    torch.manual_seed(run.seeds.init)
    callback = RunCallback(run, metric=metric, test=loader(32, 3) if test else None)
    trainer = Trainer(
        max_steps=run.total_steps,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **changes,
    )
    trainer.fit(Sums(), loader(80, 1, shuffle=True), loader(32, 2), ckpt_path=callback.checkpoint)
    return run.last_score


CHECKS = [checks.check_reports, checks.check_confirmed, checks.check_pruned, checks.check_killed_and_resumed]


@pytest.mark.parametrize("check", CHECKS)
def test_a_fit_is_a_run(check, tmp_path) -> None:
    """Reported, confirmed, pruned, killed and resumed."""
    check(train, tmp_path)


def test_the_rates_are_those_of_the_run(tmp_path) -> None:
    """The scheduler steps after every update, whatever the module configured."""
    checks.check_rates(train, tmp_path)


def test_the_last_update_is_reported_where_no_validation_follows_it(tmp_path) -> None:
    """As where validations have another rhythm."""
    search = checks.undisturbed(
        lambda run: train(run, val_check_interval=25, check_val_every_n_epoch=None), tmp_path, reports=2, epochs=2
    )
    assert [25, 40] == [report.step for report in search.reports]
    assert "train_loss" in search.reports[0].more


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "accuracy"}, "metric must be one that is measured, train_loss, val_loss; got 'accuracy'"),
        ({"optimizers": 2}, "configure_optimizers must return one optimizer, got 2"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, said, tmp_path) -> None:
    """In one line."""
    with pytest.raises(InputError, match=said):
        train(checks.run_in(tmp_path, checks.Search()), **changes)


def test_test_data_are_asked_for(tmp_path) -> None:
    """Before the training."""
    checks.check_test_data_is_asked_for(lambda run: train(run, test=False), tmp_path)
