"""How trials ended, from hand-made trials."""

import pytest
from optuna.storages import InMemoryStorage

from lrsearch.metric import Metric
from lrsearch.report.figures.endings import endings, endings_data, endings_figure, endings_table
from lrsearch.report.source import read_source
from lrsearch.search.pruning import PRUNERS
from tests.report.report_helpers import EPOCHS, FAMILIES, fill, small_config, trial

ACCURACY, LOSS = Metric(), Metric("loss", "minimize", "units")


def test_endings_count_every_trial_once():
    """Complete, pruned by epoch, diverged and unfinished trials add up, and so do the epochs they had."""
    search = [
        trial(0, "a", 0.9),
        trial(1, "a", 0.1, stop_reason="diverged", reported={1: 0.1}),
        trial(2, "a", 0.3, state="pruned", reported={1: 0.2, 2: 0.3}),
        trial(3, "a", None, state="running"),
        trial(4, "b", 0.8),
    ]
    first, second, third = endings_data(search, ("a", "b", "c"), ACCURACY, epochs=EPOCHS)
    assert (1, 1, {2: 1}, 1) == (first.complete, first.diverged, first.pruned, first.unfinished)
    assert (EPOCHS + 1 + 2, 3 * EPOCHS) == (first.epochs, first.epochs_in_full)
    assert (90.0, 90.0) == (first.best, first.median)
    assert (80.0, 1) == (second.best, second.complete)
    assert (None, 0) == (third.best, third.complete)
    drawn = endings_figure([first, second, third])
    assert {"complete", "pruned after epoch 2", "diverged"} == {bar.name for bar in drawn.data}
    assert 4 == sum(sum(bar.x) for bar in drawn.data)
    assert "1 after epoch 2" in endings_table([first], ACCURACY).rows[0]


@pytest.mark.parametrize("kind", PRUNERS)
def test_every_pruner_is_put_into_words(kind):
    """The record of how trials ended says what the study's pruner stops."""
    search = {"families": list(FAMILIES), "trials": 48, "pruner": kind}
    source = read_source(fill(InMemoryStorage(), small_config(search=search)))
    (section,) = endings(source)
    assert (PRUNERS[kind].sentence,) == section.sentences
