"""Confirmations made by hand: records and stored studies whose truth is known because it was put in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import TrialState, create_trial

from lrsearch.comparison import Comparison
from lrsearch.config import StudyConfig
from lrsearch.metric import ACCURACY
from lrsearch.records import LearningCurve, TrialRecord
from lrsearch.storage import StoredStudy, create_study
from lrsearch.verdict.study_verdict import StudyVerdict, study_verdict

EPOCHS = 12


def noisy(mean: float, blocks: int, *, sd: float = 0.3, seed: int = 0) -> list[float]:
    """Return accuracies [blocks] in percent that scatter around `mean`."""
    return [float(v) for v in np.random.default_rng([seed, round(100 * mean)]).normal(mean, sd, blocks)]


def run_of(family: str, block: int, percent: float, **changes: Any) -> TrialRecord:
    """Return the record of one confirmed run with paired seeds, unless `changes` say otherwise."""
    given: dict[str, Any] = {
        "number": 0,
        "state": "complete",
        "family": family,
        "block": block,
        "test_accuracy": percent / 100,
        "seconds": 2.0,
        "split_seed": 10 + block,
        "init_seed": 1000 + block,
        "order_seed": 2000 + block,
        "stop_reason": "finished",
    }
    return TrialRecord(**{**given, **changes})


def table_of(scores: Mapping[str, Sequence[float]], **changes: Any) -> list[TrialRecord]:
    """Return the records of {family: percent by block}."""
    return [run_of(name, block, p, **changes) for name, percents in scores.items() for block, p in enumerate(percents)]


def config_of(**tables: Any) -> StudyConfig:
    """Return a small study on tabular data."""
    study = {
        "name": "tab",
        "workload": "tests.workload_examples:tabular",
        "training": {"epochs": EPOCHS},
        "search": {"families": ["constant", "cosine", "linear"], "trials": 6},
    }
    return StudyConfig.from_dict({**study, **tables})


def stored(
    storage: BaseStorage,
    config: StudyConfig,
    scores: Mapping[str, Sequence[float]],
    *,
    name: str = "tab/confirm",
    report: Mapping[str, ArrayLike] | None = None,
    losses: Mapping[str, ArrayLike] | None = None,
    twins: Sequence[str] = (),
    **attributes: Any,
) -> Study:
    """Store a confirmation of {entry: percent by block}.

    Args:
        storage: where.
        config: its study file.
        scores: the test accuracy at the last epoch.
        name: of the confirmation.
        report: {entry: [blocks]} report accuracy at the last epoch, percent; none kept if None.
        losses: {entry: [blocks, epochs]} test losses by epoch; with them the accuracy has a curve too.
        twins: entries with an initialisation and an order of their own.
        attributes: of the study, instead of the usual ones.
    """
    blocks = len(next(iter(scores.values())))
    usual = {"planned_blocks": blocks, "searches": 1, "metric": "accuracy", "worst_value": 1 / 10, "left_out": []}
    study = create_study(storage, name, config, metric=ACCURACY, data_fingerprint="f", attributes=usual | attributes)
    for entry, percents in scores.items():
        for block, percent in enumerate(percents):
            curve = LearningCurve(
                train_loss=(1.0,),
                report_accuracy=() if report is None else (0.1, float(np.asarray(report[entry])[block]) / 100),
            ).to_json()
            if losses is not None:
                loss = [float(v) for v in np.asarray(losses[entry])[block]]
                curve |= {"test_loss": loss, "test_accuracy": [*[0.5] * (len(loss) - 1), percent / 100]}
            own_seeds = 5000 if entry in twins else 0
            record = {
                "entry": entry,
                "block": block,
                "schedule": {
                    "family": entry if entry == "schedule_free" else "constant",
                    "base_lr": 0.1,
                    "total_steps": 10 * EPOCHS,
                },
                "curve": curve,
                "init_seed": 1000 + block + own_seeds,
                "order_seed": 2000 + block + own_seeds,
                "split_seed": 10 + block,
                "epochs": config.training.epochs,
                "seconds": 2.0,
                "stop_reason": "finished",
                "test_loss": 0.5,
                "test_accuracy": percent / 100,
            }
            study.add_trial(create_trial(state=TrialState.COMPLETE, value=percent / 100, user_attrs=record))
    return study


def verdict_of(study: Study) -> StudyVerdict:
    """Return the verdict of a search or of its confirmation, read from its storage."""
    return study_verdict(StoredStudy.of(study))


def comparison_of(study: Study) -> Comparison:
    """Return the comparison of that verdict."""
    return verdict_of(study).comparison
