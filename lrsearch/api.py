"""What a notebook calls: one function for each step of the flow."""

from __future__ import annotations

from typing import Any

from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.search.run import RunOptions, run_search


def optimize(config: StudyConfig, *, trials: int | None = None, **options: Any) -> Study:
    """Search until the study has `trials` finished trials, and return it.

    Args:
        config: what is searched; `trials` replaces its own number.
        trials: the total of finished trials, those of earlier runs included.
        options: fields of RunOptions: storage, study_name, device, lanes, timeout_seconds.

    Returns:
        The study; of a search with several replicates the first one.

    Raises:
        InputError: if something given is wrong.
    """
    studies, _ = run_search(config.changed({"search.trials": trials}), RunOptions(**options))
    return studies[0]
