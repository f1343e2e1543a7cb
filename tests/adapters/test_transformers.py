"""Runs inside the Trainer of transformers."""

import pytest
import torch

from lrsearch import InputError, Run
from tests.adapters import checks

pytestmark = checks.marks_of("transformers", "accelerate")


def examples(count: int, seed: int) -> list[dict[str, object]]:
    """Return sequences whose label says whether their first two tokens are equal."""
    tokens = torch.randint(2, 6, (count, 8), generator=torch.Generator().manual_seed(seed))
    return [{"input_ids": row, "labels": int(row[0] == row[1])} for row in tokens]


def train(run: Run, *, test: bool = True, metric: str = "eval_loss", **changes: object) -> float:
    """Train a tiny BERT with dropout, 10 updates an epoch."""
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

    from lrsearch.adapters.transformers import RunCallback

    set_seed(run.seeds.init)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForSequenceClassification(BertConfig(vocab_size=8, max_position_embeddings=8, **sizes))
    arguments = {
        "max_steps": run.total_steps,
        "per_device_train_batch_size": 8,
        "seed": run.seeds.init,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        **changes,
    }
    trainer = Trainer(
        model,
        TrainingArguments(str(run.folder), **arguments),
        train_dataset=examples(80, 1),
        eval_dataset=examples(16, 2),
    )
    callback = RunCallback(run, trainer, metric=metric, test=examples(16, 3) if test else None)
    trainer.train(resume_from_checkpoint=callback.checkpoint)
    return run.last_score


CHECKS = [checks.check_reports, checks.check_confirmed, checks.check_pruned, checks.check_killed_and_resumed]


@pytest.mark.parametrize("check", CHECKS)
def test_a_trainer_is_a_run(check, tmp_path) -> None:
    """Reported, confirmed, pruned, killed and resumed."""
    check(train, tmp_path)


def test_the_rates_are_those_of_the_run(tmp_path) -> None:
    """Whatever schedule the arguments name, and for both of the Trainer's parameter groups."""
    given = {"lr_scheduler_type": "linear", "warmup_steps": 20, "learning_rate": 3e-4}
    checks.check_rates(lambda run: train(run, **given), tmp_path)


def test_further_evaluations_are_reported_and_the_last_update_once(tmp_path) -> None:
    """Where the arguments ask for them."""
    search = checks.undisturbed(lambda run: train(run, eval_strategy="steps", eval_steps=5), tmp_path)
    assert [5, 10, 15, 20, 25, 30, 35, 40] == [report.step for report in search.reports]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "accuracy"}, "metric must be one that is measured, .*eval_loss.*; got 'accuracy'"),
        (
            {"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps"},
            "load_best_model_at_end must be False",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, said, tmp_path) -> None:
    """In one line."""
    with pytest.raises(InputError, match=said):
        train(checks.run_in(tmp_path, checks.Search()), **changes)


def test_test_data_are_asked_for(tmp_path) -> None:
    """Before the training."""
    checks.check_test_data_is_asked_for(lambda run: train(run, test=False), tmp_path)
