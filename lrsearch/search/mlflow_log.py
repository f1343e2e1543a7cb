"""Trials in MLflow, through the callback of optuna-integration; both packages are the optional extra `mlflow`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.errors import InputError
from lrsearch.storage import redacted
from lrsearch.trials.history import FINISHED


class MlflowLog:
    """A callback that keeps one MLflow run for every finished trial, in an experiment of the study's name.

    A run holds the parameters, the metric under its own name, and everything else as tags: the state, the resolved
    schedule, the curve, seeds, device and stop reason. Trials of earlier runs that the experiment lacks are added.

    Args:
        uri: of the MLflow store or server: sqlite:///mlflow.db, http://127.0.0.1:5000.

    Raises:
        InputError: if the extra is not installed, or the store cannot be opened.
    """

    def __init__(self, uri: str) -> None:
        with _mlflow_errors(uri):
            import mlflow
            from optuna_integration import MLflowCallback  # noqa: F401  (a missing package fails here, before the search)

            mlflow.set_tracking_uri(uri)
            mlflow.search_experiments(max_results=1)
        self._uri = uri
        self._logged: dict[str, set[int]] = {}

    def __call__(self, study: Study, _trial: FrozenTrial) -> None:
        """Enter the trial, and every other one that the experiment lacks."""
        self.update([study])

    def update(self, studies: Iterable[Study]) -> None:
        """Enter every finished trial of these studies that their experiments do not hold yet.

        Raises:
            InputError: if MLflow refuses it.
        """
        with _mlflow_errors(self._uri):
            from optuna_integration import MLflowCallback

            for study in studies:
                metric = (study.metric_names or ["value"])[0]
                # Nested, because a notebook may have a run of its own open.
                log = MLflowCallback(self._uri, metric_name=metric, mlflow_kwargs={"nested": True})
                if study.study_name not in self._logged:
                    self._logged[study.study_name] = _numbers(study.study_name)
                logged = self._logged[study.study_name]
                for trial in study.get_trials(deepcopy=False, states=FINISHED):
                    if trial.number not in logged:
                        log(study, trial)
                        logged.add(trial.number)


def _numbers(experiment: str) -> set[int]:
    """Return the numbers of the trials that an experiment holds, if it exists."""
    import mlflow

    if mlflow.get_experiment_by_name(experiment) is None:
        return set()
    runs = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    return {int(run.data.tags["number"]) for run in runs if "number" in run.data.tags}


@contextmanager
def _mlflow_errors(uri: str) -> Iterator[None]:
    """Say in one line what MLflow, or its absence, has against it; its warnings are no concern of ours."""
    with warnings.catch_warnings():
        # MLflow's own code is warned of SQLAlchemy, and optuna-integration announces that it may leave its callback.
        warnings.simplefilter("ignore")
        try:
            yield
        except ModuleNotFoundError as error:
            raise InputError(f"mlflow needs {error.name}: pip install mlflow optuna-integration") from error
        except Exception as error:
            if not type(error).__module__.startswith("mlflow."):
                raise
            said = str(error).replace(uri, redacted(uri))
            raise InputError(f"mlflow {redacted(uri)} cannot be written: {said}") from error
