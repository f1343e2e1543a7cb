"""Checkpoints of a search: a trial resumes from its own, and from nothing else."""

import pickle
from pathlib import Path

import pytest
import torch
from optuna.trial import TrialState

from lrsearch.errors import InputError
from lrsearch.experiment import workload_experiment
from lrsearch.processes.interruption import Interrupted
from lrsearch.runs.checkpoints.pace import Pace
from lrsearch.trials.checkpoints import checkpoint_folder, open_checkpoints, study_identity
from lrsearch.trials.history import History
from tests.search.run_helpers import (
    JOURNAL,
    address,
    begun,
    finished,
    lasting,
    make_config,
    search_and_state,
    signal_in,
    states,
    stored,
)
from tests.search.run_helpers import search_in_journal as search

FOLDER = Path(f"{JOURNAL}.checkpoints")


def _cut_short(config, epochs: int = 2, **options) -> None:
    """Interrupt a search of three lanes after `epochs` epochs; each lane leaves a checkpoint."""
    with pytest.raises(Interrupted):
        search(config, 3, on_epoch=signal_in(epochs, 15), **options)


def _results(study) -> list:
    """Return what the trials leave, in an order that does not depend on their numbers."""
    return sorted((lasting(trial) for trial in finished(study)), key=lambda left: str(left["params"]))


OPTIMIZERS = {
    "sgd with momentum": {"optimizer__momentum": 0.9},
    "adam": {"optimizer__name": "adam"},
    "one lane at a time": {"workload": "tests.workload_examples:batch_norm"},
    "a rate that reads the metric": {"search__families": ("reduce_on_plateau", "constant", "cosine")},
}


@pytest.mark.parametrize("changes", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_resumed_trial_equals_one_that_was_never_cut_short(folder, changes) -> None:
    """Parameters, optimizer state and curve come back: records equal to the bit, and no epoch is trained twice."""
    config = make_config(search__pruner="none", search__sampler="random", training__epochs=4, **changes)
    _cut_short(config)
    assert 3 == len(list(FOLDER.iterdir()))
    resumed, state = search_and_state(config, 3, database=JOURNAL)
    assert [2, 2, 2] == [trial.user_attrs["resumed_after_epochs"] for trial in finished(resumed)]
    assert (3 * 2, 3 * 2) == (state.times.trial_epochs, state.trial_epochs)
    assert _results(search(config, 3, database="whole.log")) == _results(resumed)
    assert not FOLDER.exists()


def test_a_trial_that_other_kernels_began_goes_on_with_one_line(folder, monkeypatch, caplog) -> None:
    """Trials keep the name of what computed them; where that is another one now, equality is up to rounding."""
    config = make_config(search__pruner="none", search__sampler="random", training__epochs=4)
    with monkeypatch.context() as patch:
        patch.setattr(workload_experiment, "kernels_of", lambda *_: "numba float32x8")
        _cut_short(config)
    resumed = search(config, 3)
    assert [2, 2, 2] == [trial.user_attrs["resumed_after_epochs"] for trial in finished(resumed)]
    assert {"torch, side by side"} == {trial.user_attrs["kernels"] for trial in finished(resumed)}
    assert sum("was begun with numba float32x8: its result" in line for line in caplog.messages) == 3


def test_lanes_resume_each_from_its_own_epoch(folder) -> None:
    """Trials that were cut short at different epochs go on side by side, each where it stood."""
    config = make_config(search__pruner="none", search__sampler="random", training__epochs=4)
    _cut_short(config, 2)
    (FOLDER / sorted(path.name for path in FOLDER.iterdir())[1]).unlink()
    _cut_short(config, 1)
    resumed = search(config, 3)
    assert [3, 1, 3] == [trial.user_attrs["resumed_after_epochs"] for trial in finished(resumed)]
    assert _results(search(config, 3, database="whole.log")) == _results(resumed)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


class _Bomb:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def _bomb(path: Path) -> None:
    path.write_bytes(pickle.dumps(_Bomb()))


def _torch_bomb(path: Path) -> None:
    torch.save({"format": 1, "identity": _Bomb()}, path)


def _lacks_an_epoch(path: Path) -> None:
    content = torch.load(path, weights_only=True)
    content["curve"]["select_accuracy"].pop()
    torch.save(content, path)


def _of_another_trial(path: Path) -> None:
    content = torch.load(path, weights_only=True)
    content["identity"] = content["identity"].replace('"base_lr": 0.', '"base_lr": 1.')
    torch.save(content, path)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [(_truncate, _bomb, _lacks_an_epoch), (_empty, _torch_bomb, _of_another_trial)]


@pytest.mark.parametrize("damages", DAMAGES, ids=["broken", "foreign"])
def test_a_damaged_or_foreign_checkpoint_is_ignored_with_one_line(folder, caplog, damages) -> None:
    """The trial begins from epoch 0, nothing in the file is executed, and the others are not disturbed."""
    config = make_config(search__pruner="none", search__sampler="random", training__epochs=4)
    with pytest.raises(Interrupted):
        search(config, 4, lanes=4, on_epoch=signal_in(2, 15))
    for damage, path in zip(damages, sorted(FOLDER.iterdir()), strict=False):
        damage(path)
    caplog.clear()
    resumed = search(config, 4, lanes=4)
    for line, number in zip(caplog.messages, (4, 5, 6), strict=True):
        assert f"is damaged or of another trial: trial {number} begins from epoch 0" in line
    assert [None, None, None, 2] == [t.user_attrs.get("resumed_after_epochs") for t in finished(resumed)]
    assert _results(search(config, 4, database="whole.log")) == _results(resumed)
    assert not Path("executed").exists()


def test_a_study_made_anew_does_not_see_the_old_one(folder) -> None:
    """The same command after the database was deleted: same name, same numbers, but not the same study."""
    config = make_config(search__pruner="none", training__epochs=4)
    _cut_short(config)
    before = {path.name for path in FOLDER.iterdir()}
    for path in Path().glob(f"{JOURNAL}*"):
        if path.is_file():
            path.unlink()
    _cut_short(config, 1)
    assert not before & ({path.name for path in FOLDER.iterdir()} - before)
    assert 6 == len(list(FOLDER.iterdir()))
    resumed = search(config, 3)
    assert [1, 1, 1] == [trial.user_attrs["resumed_after_epochs"] for trial in finished(resumed)]


def test_a_folder_that_cannot_be_written_ends_no_search(folder, caplog) -> None:
    """One line says that there are no checkpoints; every trial finishes."""
    FOLDER.write_text("a file where the folder should be")
    config = make_config(search__pruner="none", training__epochs=4)
    _cut_short(config)
    (line,) = [line for line in caplog.messages if "checkpoint" in line]
    assert "checkpoints cannot be written" in line
    assert 3 == len(finished(search(config, 3)))


def test_checkpoints_of_ended_trials_are_removed(folder) -> None:
    """What a killed process left behind goes when the next run begins; what is still to be resumed stays."""
    config = make_config(search__pruner="none", training__epochs=4)
    _cut_short(config)
    study = stored(JOURNAL)
    one, *others = sorted(path.name for path in FOLDER.iterdir())
    (FOLDER / one.replace("000000", "000099")).touch()
    (FOLDER / f".{one}.123").touch()  # of a process that may be writing
    (FOLDER / f".{one}.123".replace("000000", "000099")).touch()
    (FOLDER / "0123456789abcdef-000000.pt").touch()  # of another study
    history = History(study)
    history.read()
    open_checkpoints(study, config, address(JOURNAL)).tidy(history.unfinished_origins())
    kept = {one, *others, f".{one}.123", "0123456789abcdef-000000.pt"}
    assert kept == {path.name for path in FOLDER.iterdir()}


def test_where_checkpoints_lie(folder, monkeypatch) -> None:
    """Beside the file of a storage; for a server in the user's cache; or all in the folder that a person names."""
    assert Path("a/b.db.checkpoints") == checkpoint_folder("sqlite:///a/b.db")
    assert Path("b.db.checkpoints") == checkpoint_folder("sqlite:///b.db?timeout=60")
    assert Path("b.log.checkpoints") == checkpoint_folder("journal:///b.log")
    server = "postgresql+psycopg://me:secret@host/db"
    assert ("lrsearch", "checkpoints") == checkpoint_folder(server).parts[-2:]
    monkeypatch.setenv("LRSEARCH_CHECKPOINTS", str(folder / "shared"))
    assert {folder / "shared"} == {checkpoint_folder("sqlite:///b.db"), checkpoint_folder(server)}


def test_a_folder_that_a_person_names_is_used_and_stays(folder, monkeypatch) -> None:
    """Studies of several databases share it, each resumes from its own files, and none removes it."""
    shared = folder / "shared"
    monkeypatch.setenv("LRSEARCH_CHECKPOINTS", str(shared))
    config = make_config(search__pruner="none", training__epochs=4)
    _cut_short(config, 1)
    _cut_short(config, 2, database="other.log")
    assert 6 == len(list(shared.iterdir()))
    assert [2] * 3 == [t.user_attrs["resumed_after_epochs"] for t in finished(search(config, 3, database="other.log"))]
    assert [1] * 3 == [t.user_attrs["resumed_after_epochs"] for t in finished(search(config, 3))]
    assert [] == list(shared.iterdir())


class _Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_checkpoints_are_due_every_ten_seconds_or_a_hundred_times_their_cost(folder) -> None:
    """However large a model is, writing its checkpoints takes one per cent of the time at most."""
    clock = _Clock()
    pace = Pace(clock=clock)
    clock.seconds += 9.9
    assert not pace.due()
    clock.seconds += 0.2
    assert (True, False) == (pace.due(), pace.due())
    pace.spent(0.5)
    clock.seconds += 49.0
    assert not pace.due()
    clock.seconds += 1.1
    assert pace.due()


def test_the_pause_between_checkpoints_is_checked(folder, monkeypatch) -> None:
    """LRSEARCH_CHECKPOINT_SECONDS is a number of seconds; anything else is named."""
    config = make_config()
    study = begun(config, database=JOURNAL)
    monkeypatch.setenv("LRSEARCH_CHECKPOINT_SECONDS", "2.5")
    assert 2.5 == open_checkpoints(study, config, address(JOURNAL)).pace.pause_seconds
    for wrong in ("often", "-1", "nan"):
        monkeypatch.setenv("LRSEARCH_CHECKPOINT_SECONDS", wrong)
        with pytest.raises(InputError, match=f"LRSEARCH_CHECKPOINT_SECONDS must be .*, got '{wrong}'"):
            open_checkpoints(study, config, address(JOURNAL))


def test_a_checkpoint_belongs_to_one_study_file(folder) -> None:
    """Another seed, or another study of the same file, is another identity."""
    config = make_config()
    study = begun(config, database=JOURNAL)
    same = study_identity(stored(JOURNAL), config)
    assert same == study_identity(study, config)
    assert same != study_identity(study, config.changed({"seed": 1}))
    assert same != study_identity(begun(config, database="other.log"), config)


def test_pruned_trials_are_pruned_again_after_a_resume(folder) -> None:
    """The pruner counts a resumed trial's earlier epochs: none is judged twice, and the total is exact."""
    config = make_config(search__families=("constant",), training__epochs=6)
    with pytest.raises(Interrupted):
        search(config, 7, lanes=5, on_epoch=signal_in(2, 15))
    study = search(config, 7, lanes=5)
    assert {7} == {states(study)["COMPLETE"] + states(study)["PRUNED"]}
    for trial in finished(study):
        epochs = list(trial.intermediate_values)
        assert list(range(1, len(epochs) + 1)) == epochs
        assert trial.state == TrialState.PRUNED or len(epochs) == 6
