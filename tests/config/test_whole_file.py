"""What holds of a study file before its tables are read."""

import pytest

from lrsearch.config import StudyConfig
from lrsearch.config.whole_file import checked_whole
from lrsearch.errors import InputError
from lrsearch.schedules import default_families

RANGES = {"base_lr": {"low": 0.1, "high": 1.0}}


def test_the_families_of_runs_are_those_of_the_step_alone_unless_they_are_named() -> None:
    """A run's table of rates cannot follow a metric."""
    whole = checked_whole({"run": {}, "ranges": RANGES})
    assert {"families": default_families(reading_metric=False)} == whole["search"]
    named = {"run": {}, "ranges": RANGES, "search": {"families": ["rex"]}}
    assert named == checked_whole(named)


def test_the_claims_of_an_earlier_version_are_those_of_its_study() -> None:
    """They had a name then, and are tables now."""
    claims = checked_whole({"plan": {"claims": "article", "blocks": 7}})["plan"]
    assert 7 == claims["blocks"]
    assert all({"text", "weights"} <= set(claim) for claim in claims["claims"])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"parameters": {"dropout": {}}}, r"\[parameters\] are for a study with \[run\]"),
        ({"run": {}}, "needs the range of the rate"),
        ({"run": {}, "ranges": RANGES, "workload": "a:b"}, "leave out workload"),
        ({"run": {}, "ranges": RANGES, "parameters": {"family": {}}}, "family is the name of the schedule's own"),
        ({"run": {}, "ranges": RANGES, "search": {"families": ["reduce_on_plateau"]}}, "reads a metric"),
    ],
)
def test_two_ways_to_train_do_not_mix(data, complaint) -> None:
    """Each has its own tables."""
    with pytest.raises(ValueError, match=complaint):
        checked_whole(data)


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        (
            {
                "run": {"training": "a:b", "total_steps": 10, "metric": "loss", "direction": "minimize"},
                "ranges": RANGES,
            },
            "cannot put into a run of yours",
        ),
        ({"optimizer": {"name": "adam"}}, "optimizer.name must be sgd or adamw with schedule_free"),
        (
            {"optimizer": {"momentum": {"low": 0, "high": 0.9}}, "ranges": RANGES},
            "optimizer.momentum must be one number",
        ),
        ({"optimizer": {"average": "ema", "ema_decay": {"low": 0.9, "high": 0.99}}}, "optimizer.ema_decay must be one"),
        ({"optimizer": {"momentum": 0.9}}, r"\[ranges\] base_lr must be given where schedule_free is searched beside"),
    ],
)
def test_schedule_free_is_refused_where_it_cannot_be_trained(tables, complaint) -> None:
    """In one line, from the study file on; with SGD, AdamW and a range that holds its rates it is taken."""
    families = {"search": {"families": ["cosine", "schedule_free"]}}
    with pytest.raises(InputError, match=complaint):
        StudyConfig.from_dict({**families, **tables})
    for optimizer in ({"name": "adamw"}, {"momentum": 0.9, "weight_decay": {"low": 0.0, "high": 0.1}}):
        assert StudyConfig.from_dict({**families, "optimizer": optimizer, "ranges": RANGES})
