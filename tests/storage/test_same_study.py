"""Whether a stored study is the one that is asked for."""

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY, Metric
from lrsearch.storage import StudyPart, create_study, load_study, open_storage, require_same_plan

CONFIG = StudyConfig(name="study")
ADDRESS = "sqlite:///study.db"


def _create(storage, name, **attributes):
    return create_study(storage, name, CONFIG, metric=ACCURACY, data_fingerprint="abc", attributes=attributes)


def test_a_rope_that_a_search_left_open_is_stated_before_it_is_confirmed(folder) -> None:
    """The verdict asks for it; what has been confirmed without one stays so."""
    storage, loss, stated = (
        open_storage(ADDRESS),
        Metric("loss", "minimize", "nats"),
        CONFIG.changed({"plan.rope": 0.1}),
    )
    for name in ("study", "study/confirm"):
        create_study(storage, name, CONFIG, metric=loss, data_fingerprint="abc", attributes={})
    require_same_plan(StudyPart.of(load_study(storage, "study")), stated)
    with pytest.raises(InputError, match=r"plan\.rope is None, not 0\.1"):
        require_same_plan(StudyPart.of(load_study(storage, "study/confirm")), stated)


def test_a_study_of_a_changed_workload_is_refused_with_the_difference(folder, caplog) -> None:
    """Direction, metric, batch size and the like; what an older study does not say is not compared."""
    facts = {"batch_size": 20, "steps_per_epoch": 10, "parameters": "2 tensors of 10 numbers (ab)"}
    storage = open_storage("sqlite:///a.db")
    old, new = _create(storage, "old"), _create(storage, "new", workload_facts=facts, workload_source="a")
    assert old._study_id == _create(storage, "old", workload_facts=facts)._study_id
    assert new._study_id == _create(storage, "new", workload_facts=facts, workload_source="a")._study_id
    assert "has changed" not in caplog.text
    for _ in range(2):
        _create(storage, "new", workload_facts=facts, workload_source="b")
    _create(storage, "new", workload_facts=facts, workload_source="of an earlier version")
    assert 1 == caplog.text.count("the source of what study 'new' trains has changed")
    with pytest.raises(InputError, match="'new' is another one: its batch_size is 20, not 30"):
        _create(storage, "new", workload_facts=facts | {"batch_size": 30})
    for given, difference in (
        (Metric(direction="minimize"), "direction is 'maximize', not 'minimize'"),
        (Metric("top-5"), "metric is 'accuracy', not 'top-5'"),
    ):
        with pytest.raises(InputError, match=difference):
            create_study(storage, "old", CONFIG, metric=given, data_fingerprint="abc", attributes={})
