"""Storages: how they open, what they refuse, whose a study and a running trial are."""

import sqlite3
from pathlib import Path

import optuna
import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY, Metric
from lrsearch.storage import (
    StudyPart,
    as_stored,
    create_study,
    load_study,
    open_storage,
    require_same_plan,
)

CONFIG = StudyConfig(name="study")
ADDRESS = "sqlite:///study.db"


def _create(storage, name="study", config=CONFIG, fingerprint="abc", **attributes):
    return create_study(storage, name, config, metric=ACCURACY, data_fingerprint=fingerprint, attributes=attributes)


def _database(path: Path) -> bytes:
    """Return the bytes of a database that holds a study of ten trials."""
    study = _create(open_storage(f"sqlite:///{path}"))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=10)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


@pytest.mark.parametrize("kept", [50, 3 * 4096 + 100, 0.5], ids=["a piece of the header", "three pages", "half"])
def test_a_truncated_database_is_refused_and_left_as_it_is(folder, kept) -> None:
    """A database that was cut off is not repaired, filled or emptied behind anybody's back."""
    whole = _database(folder / "whole.db")
    part = whole[: int(kept * len(whole)) if kept < 1 else kept]
    (folder / "part.db").write_bytes(part)
    with pytest.raises(InputError, match=r"cannot be opened: .*malformed"):
        open_storage("sqlite:///part.db")
    assert part == (folder / "part.db").read_bytes()


def test_sqlite_opens_for_several_processes(folder) -> None:
    """Write-ahead logging, a minute's patience, and transactions that take the lock before they read."""
    storage = open_storage("sqlite:///a.db")
    with storage.engine.connect() as connection:
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        assert 60_000 == connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        other = sqlite3.connect("a.db", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    storage.engine.dispose()


def test_a_study_carries_what_produced_it(folder) -> None:
    """The whole study file, the data's fingerprint, the versions, the commit, and what the run adds."""
    study = _create(open_storage("sqlite:///a.db"), split_seed=7)
    assert CONFIG == StudyPart.of(study).config
    attributes = study.user_attrs
    assert ("abc", 7, 1) == (attributes["data_fingerprint"], attributes["split_seed"], attributes["schema"])
    assert {"lrsearch", "torch", "optuna", "numpy"} <= set(attributes["versions"])
    assert "git_commit" in attributes


def test_the_same_study_is_opened_again_and_another_refused(folder) -> None:
    """More trials or another name in the file are the same study; other data or epochs are not, and are named."""
    storage = open_storage("sqlite:///a.db")
    study = _create(storage)
    assert study._study_id == _create(storage, config=CONFIG.changed({"search.trials": 7}))._study_id
    with pytest.raises(InputError, match="'study' is another one: its data is 'abc', not 'xyz'"):
        _create(storage, fingerprint="xyz")
    with pytest.raises(InputError, match=r"its training\.epochs is 30, not 3\."):
        _create(storage, config=CONFIG.changed({"training.epochs": 3}))


def test_a_stored_search_keeps_its_sampler_where_none_is_named(folder) -> None:
    """Neither the default nor a change of something else replaces it; a file or a flag that names one does."""
    storage = open_storage("sqlite:///study.db")
    _create(storage, config=CONFIG.changed({"search.sampler": "qmc"}))
    for config in (CONFIG, CONFIG.changed({"search.trials": 5, "training.epochs": [2, 4]})):
        kept = as_stored(config, ADDRESS, "study")
        assert kept == config.changed({"search.sampler": "qmc"})
        assert as_stored(kept.changed({"seed": 1}), ADDRESS, "study").search.sampler == "qmc"
    for named in (CONFIG.changed({"search.sampler": "tpe"}), StudyConfig.from_dict({"search": {"sampler": "tpe"}})):
        assert as_stored(named, ADDRESS, "study").search.sampler == "tpe"


def test_a_stored_search_keeps_its_rope_where_none_is_named_and_the_unit_has_none(folder) -> None:
    """Versions that read every score in points stored 0.3 for losses too; an accuracy takes the default, as ever."""
    storage = open_storage("sqlite:///study.db")
    config, loss = CONFIG.changed({"plan.rope": 0.3}), Metric("loss", "minimize", "units")
    create_study(storage, "study", config, metric=loss, data_fingerprint="abc", attributes={})
    create_study(storage, "points", config, metric=ACCURACY, data_fingerprint="abc", attributes={})
    assert (0.3, None) == tuple(as_stored(CONFIG, ADDRESS, name).plan.rope for name in ("study", "points"))
    assert 0.5 == as_stored(CONFIG.changed({"plan.rope": 0.5}), ADDRESS, "study").plan.rope
    require_same_plan(StudyPart.of(load_study(storage, "points")), CONFIG)
    with pytest.raises(InputError, match=r"plan\.rope is 0\.3, not None"):
        require_same_plan(StudyPart.of(load_study(storage, "study")), CONFIG)


def test_where_no_search_is_stored_the_sampler_is_that_of_the_file(folder) -> None:
    """No storage, another program's, none of this name, one whose process was killed before it said what it is."""
    (folder / "notes.txt").write_text("no database")
    optuna.create_study(study_name="study", storage=open_storage(ADDRESS))
    for address, name in (("sqlite:///none.db", "study"), ("sqlite:///notes.txt", "study"), (ADDRESS, "other")):
        assert as_stored(CONFIG, address, name) is CONFIG
    assert as_stored(CONFIG, ADDRESS, "study") is CONFIG
