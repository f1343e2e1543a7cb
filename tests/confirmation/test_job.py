"""What a confirmation finds in the storage, and where its parts are trained."""

import pytest

from lrsearch.confirmation import job as module
from lrsearch.confirmation.job import Job
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.storage import open_storage
from tests.search.run_helpers import make_config

CPU = RunOptions(device="cpu", workers=1)


def _store_search(config, name: str = "tab") -> None:
    """Store a search without trials."""
    experiment = WorkloadExperiment.prepare(config, device="cpu")
    Job(experiment, CPU, open_storage(CPU.storage), name, ()).create_study(name, {})


def test_the_searches_of_a_study_are_found_by_its_name(folder) -> None:
    """None, one, or all replicates; an option's name goes before the study file's."""
    assert () == Job.prepare(make_config(), CPU).searches
    _store_search(make_config())
    job = Job.prepare(make_config(name="other"), RunOptions(study_name="tab", device="cpu", workers=1))
    assert ("tab", ["tab"]) == (job.name, [search.study_name for search in job.searches])


def test_replicates_must_be_complete_and_as_many_as_were_searched(folder) -> None:
    """Each is refused with what to do."""
    config = make_config(search__replicates=2)
    _store_search(config, "tab/search-00")
    with pytest.raises(InputError, match="only 1 of 2 replicates of 'tab' have been searched: optimize first"):
        Job.prepare(config, CPU)
    _store_search(config, "tab/search-01")
    assert 2 == len(Job.prepare(config, CPU).searches)
    with pytest.raises(InputError, match=r"other replicates \(tab/search-00, tab/search-01\) than the 1 asked for"):
        Job.prepare(make_config(), CPU)


def test_a_search_of_another_study_file_is_not_confirmed(folder) -> None:
    """What was trained for two epochs says nothing of three."""
    _store_search(make_config())
    with pytest.raises(InputError, match=r"training\.epochs is 2, not 3"):
        Job.prepare(make_config(training__epochs=3), CPU)


def test_trials_added_by_hand_are_said_when_a_study_is_opened(folder, caplog) -> None:
    """They are left out, with a line that names them."""
    job = Job.prepare(make_config(), CPU)
    study = job.create_study("tab/confirm", {})
    assert "" == caplog.text
    study.tell(study.ask(), 0.5)
    job.create_study("tab/confirm", {})
    assert "1 trial was added to 'tab/confirm' by hand" in caplog.text


def test_parts_are_trained_here_or_dealt_out_to_processes(folder, monkeypatch) -> None:
    """There are no more processes than parts; each gets every n-th of them, and what it takes to open the study."""
    launched = []

    def launch(task, arguments, scheduler, *, poll, lost):
        launched.extend(arguments)

    monkeypatch.setattr(module, "run_in_processes", launch)
    trained = []

    def task(experiment, study, parts, /, *, storage, on_epoch):
        trained.extend(parts)

    for workers, parts in ((1, "abc"), (4, "a"), (2, "abcde")):
        job = Job.prepare(make_config(), RunOptions(device="cpu", workers=workers))
        job.train(task, job.create_study("tab/confirm", {}), parts, progress=lambda: None, on_epoch=print)
    assert [*"abc", "a"] == trained
    assert ["ace", "bd"] == [given[-1] for given in launched]
    assert [(task, job.config, f"sqlite:///{folder}/lrsearch.db", "tab/confirm")] * 2 == [
        (given, payload.config, storage, name) for given, payload, storage, name, _ in launched
    ]
