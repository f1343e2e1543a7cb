"""How far a search is: what is counted, from when, and which trial is the best."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.metric import Metric
from lrsearch.search.progress import SearchState, SearchTimes, TrialLengths
from lrsearch.search.pruning import NoPruning, Rungs
from lrsearch.trials.history import History

FAMILY = {"family": CategoricalDistribution(("cosine", "linear"))}


def _ask(study: Study, epochs: int, **attributes: object) -> Trial:
    """Ask for a trial that has had `epochs` epochs."""
    study.enqueue_trial({"family": "cosine"})
    trial = study.ask(FAMILY)
    for epoch in range(1, epochs + 1):
        trial.report(0.1 * epoch, epoch)
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    return trial


def _state(*studies: Study, **given: object) -> SearchState:
    state = SearchState(20, **given)
    state.begin([History(study) for study in studies])
    return state


def test_trials_of_all_replicates_and_of_earlier_runs_are_counted() -> None:
    """Complete, pruned and running; what failed is no result."""
    first, second = optuna.create_study(direction="maximize"), optuna.create_study(direction="maximize")
    first.tell(_ask(first, 2), 0.5)
    first.tell(_ask(first, 1), state=TrialState.PRUNED)
    state = _state(first, second)
    assert (1, 1, 0, 0.5, "cosine") == (state.complete, state.pruned, state.running, state.best, state.best_family)
    second.tell(_ask(second, 2), 0.7)
    second.tell(_ask(second, 1), state=TrialState.FAIL)
    _ask(second, 1)
    for _ in range(2):  # reading again counts nothing twice
        state.read()
        assert (2, 1, 1, 0.7) == (state.complete, state.pruned, state.running, state.best)
        assert ((1,), 2, {1: 1}) == (state.running_epochs, state.lengths.ended, dict(state.lengths.pruned))


def test_epochs_count_from_the_beginning_of_the_run() -> None:
    """Those of earlier runs are known apart, failed trials' epochs were trained too, and resumed ones count once."""
    study = optuna.create_study()
    study.tell(_ask(study, 3), 0.5)
    state = _state(study)
    assert (3, 0) == (state.epochs_before, state.trial_epochs)
    study.tell(_ask(study, 2), state=TrialState.FAIL)
    study.tell(_ask(study, 4, resumed_after_epochs=2), 0.4)
    _ask(study, 1)
    state.read()
    assert (3, 2 + 2 + 1) == (state.epochs_before, state.trial_epochs)


def test_the_best_is_the_least_where_lower_is_better() -> None:
    """Also of what this process has just finished; a pruned trial is never the best."""
    study = optuna.create_study(direction="minimize")
    study.tell(_ask(study, 1), 0.5)
    state = _state(study, metric=Metric("loss", "minimize", "units"))
    state.count(TrialState.PRUNED, "linear", 0.1, 1)
    assert (0.5, "cosine", 1) == (state.best, state.best_family, state.pruned)
    state.count(TrialState.COMPLETE, "linear", 0.3, 2)
    state.count(TrialState.COMPLETE, "cosine", 0.4, 2)
    assert (0.3, "linear", 3) == (state.best, state.best_family, state.complete)
    state.count(TrialState.COMPLETE, "wild", None, 2)
    assert (0.3, 4) == (state.best, state.complete)


def test_the_epochs_left_are_those_of_trials_that_nothing_stops() -> None:
    """Without pruning all are trained; with it the first three of each family are, and a third of others stops."""
    assert 2 * 4 + 6 + 0 + 3 * 8 == TrialLengths(8, NoPruning()).left([4, 4, 2, 8], 3)
    rungs = TrialLengths(8, Rungs(8), families=2)  # rungs at 2, 4 and 6
    assert 6 * 8 == rungs.left([], 6)
    new = 2 * (1 + 2 / 3 + 4 / 9 + 8 / 27)
    assert 6 * 8 + 10 * new == pytest.approx(rungs.left([], 16))
    rungs.ended = 6
    assert 11 * new - 1 == pytest.approx(rungs.left([1], 10))
    rungs.pruned[2] = 94
    assert rungs.left([], 1) < 2.3


def test_times_of_several_processes_are_added() -> None:
    """Every part, whole numbers included; of none they are zero."""
    parts = [SearchTimes(training=1.5, pruner=0.25, trial_epochs=3), SearchTimes(training=2.0, trial_epochs=4)]
    assert SearchTimes(training=3.5, pruner=0.25, trial_epochs=7) == SearchTimes.sum(parts)
    assert SearchTimes() == SearchTimes.sum([])
