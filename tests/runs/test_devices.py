"""GPUs of several runs."""

import pytest

from lrsearch.errors import InputError
from lrsearch.runs.devices import places


@pytest.mark.parametrize(
    ("listed", "gpus", "runs_per_gpu", "expected"),
    [
        ("3,5", 1, 1, ["3", "5"]),
        ("3,5", 2, 1, ["3,5"]),
        ("0,1,2", 2, 1, ["0,1"]),
        (" MIG-a, MIG-b", 1, 2, ["MIG-a", "MIG-b", "MIG-a", "MIG-b"]),
    ],
)
def test_each_run_gets_its_own_of_the_list_that_is_set(monkeypatch, listed, gpus, runs_per_gpu, expected) -> None:
    """By the names that stand there; GPUs that are left over stay idle."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert expected == places(gpus, runs_per_gpu=runs_per_gpu)


@pytest.mark.parametrize("listed", ["", "-1", "3"])
def test_more_gpus_than_there_are_is_refused(monkeypatch, listed) -> None:
    """By both numbers."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    with pytest.raises(InputError, match=r"gpus must be at most the number of visible GPUs, [01], got 2"):
        places(2)
