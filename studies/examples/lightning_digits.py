"""A small convolutional network on digits as a module of Lightning."""

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset, random_split

from lrsearch import Run
from lrsearch.adapters.lightning import RunCallback

BATCH = 32
EXAMPLES = (1280, 256, 261)  # fitted, validated, tested


class Digits(LightningModule):
    """Knows nothing of lrsearch: it may configure any scheduler, or none."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.GroupNorm(4, 8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(128, 10),
        )

    def _loss(self, batch: list[Tensor]) -> Tensor:
        return functional.cross_entropy(self.network(batch[0]), batch[1])

    def training_step(self, batch: list[Tensor]) -> Tensor:
        """Return the loss of a batch."""
        loss = self._loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[Tensor]) -> None:
        """Log the loss of a batch."""
        self.log("val_loss", self._loss(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def train(run: Run) -> float:
    """Train and report after every epoch."""
    images, labels = (torch.tensor(part[: sum(EXAMPLES)]) for part in load_digits(return_X_y=True))
    data = TensorDataset(images.float().view(-1, 1, 8, 8) / 16, labels)
    parts = random_split(data, EXAMPLES, torch.Generator().manual_seed(run.seeds.split))
    order = torch.Generator().manual_seed(run.seeds.order)
    torch.manual_seed(run.seeds.init)
    callback = RunCallback(run, metric="val_loss", test=DataLoader(parts[2], 256))
    trainer = Trainer(
        max_steps=run.total_steps,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        Digits(),
        DataLoader(parts[0], BATCH, shuffle=True, generator=order),
        DataLoader(parts[1], 256),
        ckpt_path=callback.checkpoint,
    )
    return run.last_score
