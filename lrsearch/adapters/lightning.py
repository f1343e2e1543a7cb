"""A run inside the Trainer of Lightning."""

from __future__ import annotations

from typing import Any

from lrsearch.adapters.last_checkpoint import LastCheckpoint
from lrsearch.adapters.measured import require_test, score_of
from lrsearch.errors import InputError
from lrsearch.runs.checkpoints.state import collected, restore
from lrsearch.runs.run import Run

try:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import Checkpoint
    from lightning.pytorch.utilities.types import LRSchedulerConfig
except ModuleNotFoundError as error:
    raise InputError(f"lrsearch.adapters.lightning: {error}; pip install lightning") from error


class RunCallback(Checkpoint):  # type: ignore[misc]  # lightning is not followed
    """Gives a module the run's schedule in place of its own, reports validations, and lets the fit go on after a kill.

        callback = RunCallback(run, metric="val_loss", test=test_loader)
        trainer = Trainer(max_steps=run.total_steps, callbacks=[callback])
        trainer.fit(module, train_loader, validation_loader, ckpt_path=callback.checkpoint)
        return run.last_score

    The scheduler steps after every update (interval="step"). It writes a checkpoint after an epoch where one is due, in
    place of Lightning's own ModelCheckpoint, so that `enable_checkpointing` stays as it is by default.

    Args:
        run: reported to.
        metric: the name under which the module logs its score in `validation_step`.
        test: the data of the last report of a confirming run, as `Trainer.validate` takes them.

    Raises:
        InputError: if there is no test data where there must be.
    """

    def __init__(self, run: Run, *, metric: str, test: Any = None) -> None:
        require_test(run, test)
        self._run, self._metric, self._test = run, metric, test
        self._last = LastCheckpoint(run)
        self._random = None if self._last.path is None else collected({})
        self._reported_end = False

    @property
    def checkpoint(self) -> str | None:
        """What the fit is to go on from."""
        return None if self._last.path is None else str(self._last.path)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002  (Lightning's name)
        """Put the run's scheduler in the place of the module's own."""
        if len(trainer.optimizers) != 1:
            raise InputError(f"configure_optimizers must return one optimizer, got {len(trainer.optimizers)}")
        config = LRSchedulerConfig(self._run.scheduler(trainer.optimizers[0]), interval="step")
        trainer.strategy.lr_scheduler_configs = [config]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Draw the random numbers that the run would have drawn, where it goes on."""
        if self._random is not None:
            restore({}, self._random)
            self._random = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Report the validation; that of the last update only where it is the last report."""
        if trainer.sanity_checking or self._run.evaluation_set_at(trainer.global_step) == "test":
            return
        self._report(trainer.callback_metrics, trainer.global_step)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Write a checkpoint where one is due."""
        if trainer.global_step < self._run.total_steps and self._run.checkpoint_due:
            path = self._run.folder / f"step-{trainer.global_step}.ckpt"
            trainer.save_checkpoint(path)
            self._last.replace(path)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure and report the last score, where no validation did."""
        if self._reported_end:
            return
        step = trainer.global_step
        data = self._test if self._run.evaluation_set_at(step) == "test" else trainer.val_dataloaders
        evaluator = Trainer(
            accelerator=trainer.accelerator,
            devices=1,
            precision=trainer.precision,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        evaluator.validate(pl_module, data, verbose=False)
        pl_module.trainer = trainer
        self._report(evaluator.callback_metrics, step)

    def _report(self, metrics: dict[str, Any], step: int) -> None:
        more = {"train_loss": metrics["train_loss"]} if "train_loss" in metrics else {}
        self._run.report(score_of(metrics, self._metric), step=step, **more)
        self._reported_end = step >= self._run.total_steps
