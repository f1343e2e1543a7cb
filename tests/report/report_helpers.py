"""Hand-made records, sources and databases for the tests of pages and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState, create_trial

from lrsearch.comparison import Comparison, compare_scores
from lrsearch.config import StudyConfig
from lrsearch.experiment.space import study_space
from lrsearch.metric import ACCURACY
from lrsearch.names import confirmation_name
from lrsearch.records import LearningCurve, TrialRecord
from lrsearch.report.source import Source, read_source
from lrsearch.schedules import make_schedule
from lrsearch.storage import create_study

EPOCHS = 4
STEPS = 10
EVIL = "<b><script>alert(1)</script></b>"
GIVEN: dict[str, Any] = {"metric": ACCURACY, "data_fingerprint": "0" * 16}
FAMILIES = ("constant", "cosine", "multistep", "reduce_on_plateau")


def curve(final: float, epochs: int = EPOCHS, *, test: bool = False) -> LearningCurve:
    """Return a curve that ends at the score `final`, its losses falling as 1 / epoch."""
    losses = tuple(1.0 / epoch for epoch in range(1, epochs + 1))
    scores = tuple(final - 0.1 * (epochs - epoch) / epochs for epoch in range(1, epochs + 1))
    read = {"test_loss": losses, "test_accuracy": scores} if test else {}
    return LearningCurve(losses, losses, scores, losses, scores, **read)


def trial(number: int, family: str, value: float | None, **changes: Any) -> TrialRecord:
    """Return a complete trial of a search; `changes` are fields of the record."""
    schedule = make_schedule("constant", total_steps=EPOCHS * STEPS, base_lr=0.1).params()
    given: dict[str, Any] = {
        "state": "complete",
        "params": {"family": family, "base_lr": 0.1},
        "value": value,
        "reported": dict.fromkeys(range(1, EPOCHS + 1), value or 0.0),
        "schedule": schedule,
        "curve": curve(value or 0.0),
        "seconds": 1.5,
        "stop_reason": "finished",
    }
    return TrialRecord(number, family=family, **given | changes)


def scores(families: int, blocks: int = 8, *, spread: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return scores `[blocks, families]` in points, each family `spread` above the one before it."""
    rng = np.random.default_rng(seed)
    return 90 + spread * np.arange(families) + rng.normal(0, 0.2, (blocks, families))


def comparison(names: Sequence[str], **options: Any) -> Comparison:
    """Return a comparison of hand-made scores."""
    table = options.pop("scores", None)
    table = scores(len(names)) if table is None else table
    return compare_scores(table, names, rng=np.random.default_rng(0), **{"rope": 0.3, **options})


def small_config(**changes: Any) -> StudyConfig:
    """Return a study of four families and a baseline whose name is an attack."""
    data = {
        "name": f"study {EVIL}",
        "description": f"described by {EVIL}",
        "data": {"dataset": "digits"},
        "training": {"epochs": EPOCHS},
        "search": {"families": list(FAMILIES), "trials": 48, "sampler": "random", "pruner": "none"},
        "baseline": [{"name": EVIL, "family": "constant", "base_lr": 0.2, "printed": {"accuracy": 0.89}}],
        **changes,
    }
    return StudyConfig.from_dict(data)


def fill(storage: BaseStorage, config: StudyConfig, *, blocks: int = 8, trials: int = 12) -> BaseStorage:
    """Write a search and its confirmation as lrsearch stores them, nothing trained; return the storage."""
    space = study_space(config, STEPS)
    attributes = {"replicate": 0, "split_seed": 5, "space": space.to_json(), "lanes": 4}
    study = create_study(storage, config.name, config, **GIVEN, attributes=attributes)
    rng = np.random.default_rng(0)
    drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    made, best = [], {}
    for _ in range(trials):
        for place, family in enumerate(config.search.families):
            params = {"family": family, **drawn.ask(space.distributions(family)).params}
            value = 0.8 + 0.01 * place + float(rng.normal(0, 0.01))
            schedule = space.schedule(params).params()
            best[family] = schedule
            pruned = len(made) % 11 == 10
            reported = curve(value, 2 if pruned else EPOCHS)
            made.append(
                create_trial(
                    state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
                    value=value,
                    params=params,
                    distributions={"family": space.family_distribution, **space.distributions(family)},
                    intermediate_values=dict(enumerate(reported.select_accuracy, start=1)),
                    user_attrs={
                        "schedule": schedule,
                        "curve": reported.to_json(),
                        "init_seed": 6,
                        "order_seed": 7,
                        "epochs": EPOCHS,
                        "seconds": 2.0,
                        "device": "cpu",
                        "stop_reason": "pruned" if pruned else "finished",
                    },
                )
            )
    study.add_trials(made)
    if blocks:
        best |= {b.name: b.schedule(epochs=EPOCHS, steps_per_epoch=STEPS).params() for b in config.baseline}
        fill_confirmation(storage, config, best, blocks)
    return storage


def fill_confirmation(storage: BaseStorage, config: StudyConfig, entries: dict[str, Any], blocks: int) -> None:
    """Write a confirmation of named schedules, each better than the one before it."""
    attributes = {
        "planned_blocks": blocks,
        "searches": 1,
        "metric": "accuracy",
        "worst_value": 0.1,
        "trials_per_family": 12,
        "left_out": [],
    }
    study = create_study(storage, confirmation_name(config.name), config, **GIVEN, attributes=attributes)
    table, made = scores(len(entries), blocks) / 100, []
    for block in range(blocks):
        reading = {"when": "2026-01-01", "block": block, "entries": list(entries), "epochs": "last"}
        study.set_user_attr(f"test_ledger:{block:04d}", [reading | {"beyond_plan": False}])
        for place, (name, schedule) in enumerate(entries.items()):
            value = float(table[block, place])
            made.append(
                create_trial(
                    value=value,
                    user_attrs={
                        "entry": name,
                        "block": block,
                        "schedule": schedule,
                        "curve": curve(value).to_json(),
                        "init_seed": 100 + block,
                        "order_seed": 200 + block,
                        "split_seed": 300 + block,
                        "epochs": EPOCHS,
                        "seconds": 3.0,
                        "device": "cpu",
                        "stop_reason": "finished",
                        "test_accuracy": value,
                        "test_loss": 0.3,
                    },
                )
            )
    study.add_trials(made)


def stored_source(**options: Any) -> Source:
    """Return the source of a storage as `fill` writes it."""
    config = options.pop("config", None) or small_config()
    return read_source(fill(InMemoryStorage(), config, **options))
