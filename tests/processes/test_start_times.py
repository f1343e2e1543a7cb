"""The parts of a start, and what they leave unexplained."""

from lrsearch.processes.start_times import StartTimes


def test_the_start_is_told_by_part() -> None:
    """A part may come in pieces; what no part explains is the rest. Without an epoch there are the parts alone."""
    start = StartTimes(imports=2.0, data=0.25, first_epoch=2.0)
    for _ in range(2):
        before = start.kernels
        with start.part("kernels"):
            pass
        assert start.kernels > before
    start.kernels = 0.5
    assert "no epoch was trained: imports 0, data 0, storage 0, timing 0, kernels 0" == StartTimes().in_words()
    assert (
        "first epoch after 4 s: imports 2, data 0.25, storage 0, timing 0, kernels 0.5, the rest 1.25"
        == start.in_words()
    )
