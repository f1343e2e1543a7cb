"""The search space: what it holds, what it refuses, and the way back to a schedule."""

import json

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from lrsearch.errors import InputError
from lrsearch.experiment.space import Space
from lrsearch.schedules import FAMILIES, Schedule, resolve_ranges
from tests.search.sampling_helpers import make_space


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_the_published_ranges(family: str) -> None:
    """Every distribution has the bounds, the scale and the type of the family's default range."""
    expected = resolve_ranges(family, {}, total_steps=1000, epochs=10, momentum=0.0)
    actual = make_space(FAMILIES).distributions(family)
    assert list(expected) == list(actual)
    for name, bounds in expected.items():
        match actual[name]:
            case CategoricalDistribution() as one:
                assert bounds.choices == one.choices
            case FloatDistribution() | IntDistribution() as one:
                assert (bounds.low, bounds.high, bounds.log) == (one.low, one.high, one.log)
                assert bounds.integer == isinstance(one, IntDistribution)


def test_all_families_share_one_distribution_per_name() -> None:
    """A name has the same distribution in every family, with and without an override for all."""
    space = make_space(FAMILIES, overrides={"base_lr": {"low": 0.05, "high": 0.5}})
    assert {FloatDistribution(0.05, 0.5, log=True)} == {space.distributions(f)["base_lr"] for f in FAMILIES}


def test_a_range_of_one_family_alone_is_refused() -> None:
    """An override that gives a shared parameter two priors is an error that names the parameter and both families."""
    with pytest.raises(InputError, match=r"'warmup_steps' must have one range in all families.*constant.*linear"):
        make_space(("constant", "linear"), overrides={"linear": {"warmup_steps": {"high": 0.05}}})


def test_a_range_of_one_family_stands_where_no_other_family_has_the_parameter() -> None:
    """A per-family override of a parameter that only this family has is taken."""
    space = make_space(("constant", "one_cycle"), overrides={"one_cycle": {"pct_start": {"high": 0.3}}})
    assert FloatDistribution(0.1, 0.3) == space.distributions("one_cycle")["pct_start"]


@pytest.mark.parametrize(
    ("families", "message"),
    [
        ((), "at least one"),
        (("cosine", "cosin"), "unknown family 'cosin'"),
        (("cosine", "cosine"), "distinct"),
    ],
)
def test_bad_families_are_refused(families: tuple[str, ...], message: str) -> None:
    """No family, an unknown one and a repeated one are errors that say so."""
    with pytest.raises(InputError, match=message):
        make_space(families)


def test_optimizer_parameters_are_in_every_family_and_not_in_the_schedule() -> None:
    """weight_decay is sampled beside the schedule's parameters, and the schedule is built without it."""
    decay = FloatDistribution(1e-6, 1e-3, log=True)
    space = make_space(("constant",), beside={"weight_decay": decay})
    assert decay == space.distributions("constant")["weight_decay"]
    schedule = space.schedule({"family": "constant", "base_lr": 0.1, "warmup_steps": 0, "weight_decay": 1e-4})
    assert isinstance(schedule, Schedule)
    assert schedule.lr(500) == 0.1


def test_an_optimizer_parameter_may_not_take_a_schedules_name() -> None:
    """A clash of names is an error, not one parameter for two things."""
    with pytest.raises(InputError, match="'base_lr' is also a parameter of"):
        make_space(("constant",), beside={"base_lr": FloatDistribution(0, 1)})


def test_the_stored_identity_tells_spaces_apart() -> None:
    """Equal spaces give equal JSON; another range, family, order or length gives another."""
    spaces = [
        make_space(),
        make_space(("cosine", "constant", "one_cycle")),
        make_space(("constant", "cosine")),
        make_space(overrides={"final_lr": {"high": 1e-3}}),
        make_space(total_steps=2000),
        make_space(beside={"weight_decay": FloatDistribution(0, 1)}),
    ]
    texts = [json.dumps(space.to_json()) for space in spaces]
    assert texts[0] == json.dumps(make_space().to_json())
    assert len(spaces) == len(set(texts))


def test_a_stored_space_is_read_back() -> None:
    """from_json is the inverse of to_json, through text."""
    space = make_space(FAMILIES, beside={"weight_decay": FloatDistribution(1e-6, 1e-3, log=True)})
    assert space == Space.from_json(json.loads(json.dumps(space.to_json())), ["weight_decay"])
