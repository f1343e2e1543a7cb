"""Failures of a workload's own code and metric: one line each, and never a longer search."""

import pytest
from optuna.trial import TrialState

from lrsearch.errors import RunError
from tests.search.run_helpers import JOURNAL, make_config, states, stored
from tests.search.run_helpers import search_in_journal as search


def test_a_workload_that_always_raises_ends_the_search_with_its_error(folder) -> None:
    """One line with the error, its place and the trials; they are queued, and a second run adds no others."""
    config = make_config(workload="tests.workload_examples:raises_in_training")
    for attempt in (1, 2):
        with pytest.raises(RunError, match=r"failed in training: ZeroDivisionError: .*workload_examples.py, line \d+"):
            search(config, 6)
        study = stored(JOURNAL)
        assert {"FAIL": 3 * attempt, "WAITING": 3} == states(study)
        origins = {trial.user_attrs["retry_of"] for trial in study.get_trials(states=(TrialState.WAITING,))}
        assert {0, 1, 2} == origins
