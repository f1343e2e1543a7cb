"""One study of a database: what it says of itself, and what plain Optuna left."""

import optuna
import pytest

from lrsearch.errors import InputError
from lrsearch.storage import (
    StudyPart,
    open_storage,
    records,
)


def test_a_study_of_plain_optuna_is_known_as_such(folder) -> None:
    """It holds no study file; its trials can still be read."""
    study = optuna.create_study(study_name="mine", storage=open_storage("sqlite:///a.db"), direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    with pytest.raises(InputError, match="'mine' was not made by lrsearch"):
        StudyPart.of(study)
    assert [("complete", "", True)] * 2 == [(r.state, r.family, r.finished) for r in records(study)]
