"""A workload trained through a training function: every trial, confirmation and verdict is equal to the bit."""

from typing import Any

import pytest

import lrsearch
from lrsearch import Run
from lrsearch.config import StudyConfig
from lrsearch.records import TrialRecord
from lrsearch.storage import StoredStudy
from lrsearch.training.lane import Lane
from lrsearch.training.models import build_stack
from lrsearch.training.optimizers.rule import UpdateRule
from lrsearch.workloads import Workload, load_data
from lrsearch.workloads.fashion_lenet import fashion_lenet
from tests.workload_examples import STEPS_PER_EPOCH, tabular

EPOCHS = 3
SEARCH = {"families": ["constant", "cosine"], "trials": 6}
BASE_LR = {"low": 0.01, "high": 1.0}
PLAN = {"blocks": 6, "rope": 0.3}


def train_as(workload: Workload, run: Run) -> float:
    """Train one lane of a workload's own stack."""
    dataset = load_data(workload)
    split = dataset.split(run.seeds.split)
    stack = build_stack(workload, dataset, split, UpdateRule("sgd"), device="cpu")
    stack.admit(0, Lane(run.schedule, run.seeds.init, run.seeds.order))
    for _ in run.epochs():
        metrics = stack.run_epoch(("select",))[0]
        if run.evaluation_set == "test":
            test = stack.evaluate(0, "test")
            run.report(test.score, per_example=test.per_example, train_loss=metrics.train_loss)
        else:
            run.report(metrics.score["select"], train_loss=metrics.train_loss)
    return run.last_score


def train_tabular(run: Run) -> float:
    """Train the tabular workload."""
    return train_as(tabular(), run)


def train_lenet(run: Run) -> float:
    """Train the LeNet on digits."""
    return train_as(fashion_lenet("digits"), run)


def studies_of(kind: str) -> list[StudyConfig]:
    """Return the study of a workload, and that of the function which trains it."""
    steps, worst, given = {
        "tabular": (STEPS_PER_EPOCH, 1 / 3, {"workload": "tests.workload_examples:tabular"}),
        "lenet": (9, 0.1, {"data": {"dataset": "digits"}}),
    }[kind]
    shared: dict[str, Any] = {"search": SEARCH, "ranges": {"base_lr": BASE_LR}, "plan": PLAN}
    run = {
        "training": f"{__name__}:train_{kind}",
        "metric": "accuracy",
        "direction": "maximize",
        "worst_value": worst,
        "total_steps": EPOCHS * steps,
        "reports": EPOCHS,
        "in_process": True,
    }
    return [
        StudyConfig.from_dict({"name": "workload", "training": {"epochs": EPOCHS}, **given, **shared}),
        StudyConfig.from_dict({"name": "function", "run": run, **shared}),
    ]


def trained(record: TrialRecord) -> tuple[Any, ...]:
    """Return what a trial trained, and what came of it."""
    test = None if record.test_correct is None else record.test_correct.tolist()
    # At the last epoch of a confirmation a function evaluates the test set alone.
    reported = {epoch: value for epoch, value in record.reported.items() if record.block is None or epoch < EPOCHS}
    return (
        (record.number, record.state, record.family, record.params, record.value, reported, record.schedule),
        (record.init_seed, record.order_seed, record.split_seed, record.stop_reason, record.curve.train_loss),
        (record.block, record.test_accuracy, test),
    )


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["tabular", "lenet"])
def test_a_function_gives_what_the_workload_gives(kind, folder) -> None:
    """To the bit: the search with its pruning, the confirmation, and the verdict in words."""
    stored = []
    for config in studies_of(kind):
        storage = f"journal:///{config.name}.log"
        lanes = {} if config.run else {"lanes": 1}
        lrsearch.optimize(config, storage=storage, workers=1, device="cpu", **lanes)
        lrsearch.confirm(config, storage=storage, workers=1, device="cpu")
        stored.append(StoredStudy.open(storage, config.name))
    workload, function = stored
    assert [trained(record) for record in workload.trials] == [trained(record) for record in function.trials]
    confirmed = [[trained(run) for run in study.confirmation.runs] for study in stored]
    assert len(confirmed[0]) == 12
    assert sorted(confirmed[0], key=str) == sorted(confirmed[1], key=str)
    verdicts = [lrsearch.compare(study.name, storage=f"journal:///{study.name}.log").verdict_text for study in stored]
    assert verdicts[0] == verdicts[1].replace("this function", "this workload")
