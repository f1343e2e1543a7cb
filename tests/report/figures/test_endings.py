"""How trials ended, from hand-made trials."""

from lrsearch.report.figures.endings import endings_data, endings_figure, endings_table
from lrsearch.tables import Metric
from tests.report.report_helpers import EPOCHS, trial

ACCURACY, LOSS = Metric(), Metric("loss", maximize=False)


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
    assert (90.0, 50.0) == (first.best, first.median)
    assert (80.0, 1) == (second.best, second.complete)
    assert (None, 0) == (third.best, third.complete)
    drawn = endings_figure([first, second, third])
    assert {"complete", "pruned after epoch 2", "diverged"} == {bar.name for bar in drawn.data}
    assert 4 == sum(sum(bar.x) for bar in drawn.data)
    assert "1 after epoch 2" in endings_table([first], ACCURACY).rows[0]
