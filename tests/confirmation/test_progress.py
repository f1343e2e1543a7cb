"""How far a confirmation is."""

from lrsearch.confirmation.progress import ConfirmProgress


def test_epochs_of_runs_that_are_not_stored_yet_count_too() -> None:
    """Of four runs of ten epochs one is stored, and five epochs of others are trained."""
    assert 0.375 == ConfirmProgress(total=4, done=1, epochs=10, epochs_in_training=5).fraction
    assert (0.0, 1.0) == (ConfirmProgress(4, 0, 10).fraction, ConfirmProgress(4, 4, 10).fraction)
