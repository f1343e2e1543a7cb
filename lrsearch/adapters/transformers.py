"""A run inside the Trainer of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrsearch.adapters.last_checkpoint import LastCheckpoint
from lrsearch.adapters.measured import require_test, score_of
from lrsearch.errors import InputError
from lrsearch.runs.run import Run

try:
    from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ModuleNotFoundError as error:
    raise InputError(f"lrsearch.adapters.transformers: {error}; pip install transformers accelerate") from error


class RunCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
    """Gives a Trainer the run's schedule in place of its own, reports its evaluations, and lets it go on after a kill.

        trainer = Trainer(model, TrainingArguments(run.folder, max_steps=run.total_steps, seed=...), ...)
        callback = RunCallback(run, trainer, metric="eval_loss", test=test_data)
        trainer.train(resume_from_checkpoint=callback.checkpoint)
        return run.last_score

    The Trainer evaluates where a report is due, at any eval_strategy; further evaluations are reported as well.
    Its checkpoints lie in the run's folder.

    Args:
        run: reported to.
        trainer: not yet trained; the callback adds itself to it.
        metric: the name of the score among the evaluation's metrics.
        test: the data of the last report of a confirming run, as `Trainer.evaluate` takes them.

    Raises:
        InputError: if there is no test data where there must be, or the Trainer loads its best model at the end,
            because the score of a run is that of its last update.
    """

    def __init__(self, run: Run, trainer: Trainer, *, metric: str, test: Any = None) -> None:
        require_test(run, test)
        if trainer.args.load_best_model_at_end:
            raise InputError("load_best_model_at_end must be False: a run's score is that of its last update, got True")
        self._run, self._trainer, self._metric, self._test = run, trainer, metric, test
        self._last = LastCheckpoint(run)
        self._at_end = False
        trainer.args.output_dir = str(run.folder)
        trainer.lr_scheduler = run.scheduler(trainer.create_optimizer())
        trainer.add_callback(self)

    @property
    def checkpoint(self) -> str | None:
        """What the Trainer is to go on from."""
        return None if self._last.path is None else str(self._last.path)

    def on_step_end(self, _: TrainingArguments, state: TrainerState, control: TrainerControl, **__: Any) -> None:
        """Ask for an evaluation where a report is due."""
        if self._run.report_due(state.global_step - 1):
            control.should_evaluate = True
        self._wait_for_the_end(state, control)

    def on_epoch_end(self, _: TrainingArguments, state: TrainerState, control: TrainerControl, **__: Any) -> None:
        """Leave the last evaluation to the end."""
        self._wait_for_the_end(state, control)

    def _wait_for_the_end(self, state: TrainerState, control: TrainerControl) -> None:
        if state.global_step >= self._run.total_steps:
            control.should_evaluate = control.should_save = False

    def on_evaluate(
        self, _: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: dict[str, float], **__: Any
    ) -> None:
        """Report the evaluation, and ask for a checkpoint where one is due."""
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        more = {"train_loss": losses[-1]} if losses else {}
        self._run.report(score_of(metrics, self._metric), step=state.global_step, **more)
        control.should_save = not self._at_end and self._run.checkpoint_due

    def on_save(self, args: TrainingArguments, state: TrainerState, _: TrainerControl, **__: Any) -> None:
        """Go on from this checkpoint from now on."""
        self._last.replace(Path(args.output_dir, f"checkpoint-{state.global_step}"))

    def on_train_end(self, _: TrainingArguments, state: TrainerState, __: TrainerControl, **___: Any) -> None:
        """Evaluate and report once more, on the test data where the run confirms."""
        self._at_end = True
        on_test = self._run.evaluation_set_at(state.global_step) == "test"
        self._trainer.evaluate(self._test if on_test else None)
