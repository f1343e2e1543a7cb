"""How a study is run: what is refused, and what is chosen where nothing is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from lrsearch.errors import InputError
from lrsearch.experiment import options as module
from lrsearch.experiment.options import RunOptions, lanes_of, study_names
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from tests.search.run_helpers import make_config

SCHEDULER = "tcp://127.0.0.1:8786"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lanes": 0}, "lanes must be at least 1 .*, got 0"),
        ({"replicates_at_once": 0}, "replicates-at-once must be at least 1 .*, got 0"),
        ({"workers": 0}, "workers must be 1 to 1000 .*, got 0"),
        ({"workers": 1001}, "workers must be 1 to 1000 .*, got 1001"),
        ({"timeout_seconds": 0.0}, "timeout must be above 0 seconds, got 0.0"),
        ({"timeout_seconds": float("nan")}, "timeout must be above 0 seconds, got nan"),
        ({"backend": "dask"}, "go together, got dask and None"),
        ({"scheduler": SCHEDULER}, f"go together, got loky and {SCHEDULER}"),
        ({"storage": "memory://a", "workers": 2}, "in memory is of one process: workers must be 1, got 2"),
    ],
)
def test_what_cannot_be_run_is_refused(given, said) -> None:
    """The parameter, its rule and the value are named."""
    with pytest.raises(InputError, match=said):
        RunOptions(**given)


def test_a_password_in_the_address_is_not_printed() -> None:
    """Options are written into logs and tracebacks."""
    assert "secret" not in repr(RunOptions(storage="postgresql://me:secret@host/db"))


def _on(device: str) -> WorkloadExperiment:
    """Return an experiment on a device."""
    return replace(WorkloadExperiment.prepare(make_config(), device="cpu"), device=device)


def test_a_storage_in_memory_is_of_one_process(monkeypatch) -> None:
    """However many processors there are."""
    monkeypatch.setattr(module, "auto_workers", lambda _device: 4)
    assert 1 == RunOptions(storage="memory://a").resolved(_on("cpu")).workers


def test_several_processes_get_the_whole_path_of_a_file(folder, monkeypatch) -> None:
    """They may be in another folder; one process keeps the address as it was given."""
    monkeypatch.setattr(module, "auto_workers", lambda device: {"cpu": 4, "cuda": 1}[device])
    assert RunOptions(workers=1) == RunOptions().resolved(_on("cuda"))
    several = RunOptions().resolved(_on("cpu"))
    assert (4, f"sqlite:///{Path.cwd()}/lrsearch.db") == (several.workers, several.storage)
    assert 2 == RunOptions(workers=2).resolved(_on("cpu")).workers


def test_a_cluster_says_how_many_processes_it_has(folder, monkeypatch) -> None:
    """A number that is asked for goes before; one process there still needs the whole path."""
    monkeypatch.setattr(module, "cluster_size", lambda address: {SCHEDULER: 1}[address])
    given = RunOptions(backend="dask", scheduler=SCHEDULER)
    resolved = given.resolved(_on("cpu"))
    assert (1, f"sqlite:///{Path.cwd()}/lrsearch.db") == (resolved.workers, resolved.storage)


def test_processes_of_this_machine_share_the_data_and_others_load_their_own() -> None:
    """The others get the fingerprint that their copy must have, and choose their own device."""
    experiment = WorkloadExperiment.prepare(make_config(), device="cpu")
    local = RunOptions().worker_payload(experiment)
    assert ("cpu", True) == (local.device, local.arrays is not None)
    remote = RunOptions(backend="dask", scheduler=SCHEDULER).worker_payload(experiment)
    assert ("auto", experiment.data_fingerprint, None) == (remote.device, remote.fingerprint, remote.arrays)


@pytest.mark.parametrize(
    ("trials", "device", "workers", "lanes"),
    [
        (100, "cpu", 1, 8),
        (100, "cpu", 2, 4),
        (12, "cpu", 1, 3),
        (2, "cpu", 1, 1),
        (400, "cuda", 1, 64),
        (100, "cpu", 4, 2),
        (8, "cpu", 4, 1),
        (1000, "cuda", 1, 64),
        (100, "cuda", 1, 25),
    ],
)
def test_lanes_are_a_quarter_of_the_search_at_most(trials, device, workers, lanes) -> None:
    """All processes together, so that the sampler learns of most trials before it proposes the last."""
    assert lanes == lanes_of(RunOptions(workers=workers), trials, device)
    assert 5 == lanes_of(RunOptions(workers=workers, lanes=5), trials, device)


def test_names_of_replicates_sort_and_one_replicate_has_the_plain_name() -> None:
    """NAME is all that a user types."""
    assert ["fashion"] == study_names("fashion", 1)
    assert ["fashion/search-00", "fashion/search-11"] == study_names("fashion", 12)[::11]


@pytest.mark.parametrize(("device", "lanes", "expected"), [("cuda", 60, 4), ("cuda", 300, 1), ("cpu", 8, 1)])
def test_replicates_fill_a_gpu(device, lanes, expected) -> None:
    """Of the built-in LeNet, whose memory is known; a module trains one replicate after the other."""
    lenet = make_config(workload="lrsearch.workloads.fashion_lenet:fashion_lenet", data__dataset="digits")
    experiment = replace(WorkloadExperiment.prepare(lenet, device="cpu"), device=device)
    assert expected == experiment.replicates_at_once(lanes)
    assert 1 == _on(device).replicates_at_once(lanes)
