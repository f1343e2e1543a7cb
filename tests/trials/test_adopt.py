"""Studies of one's own, taken in as searches."""

import json
import tomllib
from pathlib import Path

import optuna
import pytest

import lrsearch
from lrsearch.__main__ import main
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.storage import open_storage
from lrsearch.trials.adopt import Adoption, adopt
from tests.runs.training_examples import STUDY

STORAGE = "journal:///adopted.log"


def own_study(*, total_steps: int = 40, parameter: str = "decay", direction: str = "minimize") -> optuna.Study:
    """Return a study of stock TPE with nine trials, one of them pruned and one failed, and one without a schedule."""

    def objective(trial: optuna.Trial) -> float:
        schedule = lrsearch.suggest_schedule(trial, total_steps=total_steps, families=["constant", "cosine"])
        decay = trial.suggest_float(parameter, 1e-4, 0.1, log=True)
        trial.report(schedule.base_lr, 1)
        if trial.number == 3:
            raise optuna.TrialPruned
        if trial.number == 4:
            raise ZeroDivisionError
        return schedule.base_lr + decay

    study = optuna.create_study(
        study_name="mine", direction=direction, sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=4)
    )
    study.enqueue_trial({"family": "constant"})
    study.optimize(objective, n_trials=9, catch=ZeroDivisionError)
    study.add_trial(optuna.trial.create_trial(value=0.0))
    return study


def adopted_by(source: optuna.Study, **changes: object) -> Adoption:
    """Adopt it with the toy study."""
    config = StudyConfig.from_dict(tomllib.loads(STUDY)).changed(changes)
    return adopt(source, prepare_experiment(config), open_storage(STORAGE), "toy")


def test_an_adopted_study_is_confirmed_judged_and_exported(folder: Path) -> None:
    """Its finished trials alone, once; what is unequal stands in the verdict, and no seeds are claimed."""
    source = own_study()
    adopted = adopted_by(source)
    assert adopted_by(source).trials == adopted.trials
    finished = [trial for trial in source.trials if trial.state.is_finished() and trial.number not in (4, 9)]
    assert [trial.params for trial in finished] == [trial.params for trial in adopted.study.trials]
    assert {"complete": 7, "pruned": 1} == {
        state: sum(trial.state.name.lower() == state for trial in adopted.study.trials)
        for state in ("complete", "pruned")
    }
    assert 1 == adopted.left_out
    config = StudyConfig.from_dict(tomllib.loads(STUDY))
    assert prepare_experiment(config).source_digest == adopted.study.user_attrs["workload_source"] != ""
    lrsearch.confirm(config, storage=STORAGE, workers=1)
    comparison = lrsearch.compare("toy", storage=STORAGE)
    assert any(adopted.unequal in warning for warning in comparison.warnings)
    assert "the budgets are not equal" in adopted.unequal
    document = json.loads(lrsearch.export_schedule("toy", "json", storage=STORAGE))
    best = min((t for t in finished if t.state.name == "COMPLETE"), key=lambda trial: trial.value)
    assert lrsearch.schedule_of(best).params() == document["schedule"]
    assert {"decay": best.params["decay"]} == document["parameters"]
    assert "seeds" not in document["run"]
    assert lrsearch.best_schedule("toy", storage=STORAGE) == lrsearch.schedule_of(best)
    assert 0 == main(["report", "--storage", STORAGE])


@pytest.mark.parametrize(
    ("source", "changes", "complaint"),
    [
        ({"total_steps": 30}, {}, "trial 0 was suggested with total_steps = 30, and .* is 40"),
        ({"parameter": "dropout"}, {}, "trial 0 has no 'decay', which the study file searches in"),
        ({}, {"parameters": {}}, r"trial 0 searched 'decay': name it in \[parameters\]"),
        ({}, {"search.families": ["constant"]}, r"of the family cosine, and \[search\] families are constant"),
        ({"direction": "maximize"}, {}, "has the direction maximize, and .* minimize"),
    ],
)
def test_what_is_no_study_of_the_file_is_refused(folder: Path, source, changes, complaint) -> None:
    """In one line, before anything is stored."""
    with pytest.raises(InputError, match=complaint):
        adopted_by(own_study(**source), **changes)
    assert [] == open_storage(STORAGE).get_all_studies()


def test_a_study_without_schedules_is_refused(folder: Path) -> None:
    """It used no suggest_schedule."""
    with pytest.raises(InputError, match="no finished trial with a schedule from suggest_schedule"):
        adopted_by(optuna.create_study(study_name="mine"))
