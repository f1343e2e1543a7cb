"""A run inside a net of skorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrsearch.adapters.measured import require_test
from lrsearch.errors import InputError
from lrsearch.runs.run import Run

try:
    from skorch import NeuralNet
    from skorch.callbacks import Callback
    from skorch.scoring import loss_scoring
    from skorch.utils import data_from_dataset
except ModuleNotFoundError as error:
    raise InputError(f"lrsearch.adapters.skorch: {error}; pip install skorch") from error

from sklearn.metrics import check_scoring


class RunCallback(Callback):  # type: ignore[misc]  # skorch is not followed
    """Gives a net the run's schedule, reports after every epoch, and lets the fit go on after a kill.

        net = NeuralNetClassifier(..., train_split=..., callbacks=[RunCallback(run, metric="accuracy", test=test_set)])
        net.fit(x, y)
        return run.last_score

    A train_split that draws takes its seed from the run: ValidSplit(random_state=run.seeds.split).

    Args:
        run: reported to.
        metric: of the net on the validation part, as skorch's `EpochScoring` takes it: the name of a score of
            scikit-learn, or f(net, x, y); by default the net's loss.
        test: the data of the last report of a confirming run, as a `skorch.dataset.Dataset`.

    Raises:
        InputError: if there is no test data where there must be.
    """

    def __init__(self, run: Run, *, metric: str | Callable[..., float] = loss_scoring, test: Any = None) -> None:
        require_test(run, test)
        self.run, self.metric, self.test = run, metric, test
        self.epochs = 0

    def state_dict(self) -> dict[str, Any]:
        """Return how many epochs are done."""
        return {"epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over how many epochs are done."""
        self.epochs = state["epochs"]

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Go on where the run was."""
        self.scheduler_ = self.run.scheduler(net.optimizer_)
        parts = {"module": net.module_, "criterion": net.criterion_, "optimizer": net.optimizer_}
        self.stateful_ = {**parts, "scheduler": self.scheduler_, "callback": self}
        self.run.resume(**self.stateful_)
        net.max_epochs -= self.epochs

    def on_batch_end(self, net: NeuralNet, batch: Any = None, training: bool = False, **_: Any) -> None:  # noqa: ARG002
        """Step the scheduler after an update."""
        if training:
            self.scheduler_.step()

    def on_epoch_end(self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Report, and write a checkpoint where one is due."""
        data = self.test if self.run.evaluation_set == "test" else dataset_valid
        score = check_scoring(net, self.metric)(net, *data_from_dataset(data))
        row = net.history[-1]
        self.run.report(score, **({"train_loss": row["train_loss"]} if "train_loss" in row else {}))
        self.epochs += 1
        self.run.checkpoint(**self.stateful_)
