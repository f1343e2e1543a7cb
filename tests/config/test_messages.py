"""What is wrong with plain data, in one line."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lrsearch.config.messages import explain, shortened


class Inner(BaseModel):
    """A table of one number, or of a range."""

    model_config = ConfigDict(extra="forbid")

    epochs: int = Field(1, ge=1)


class Outer(BaseModel):
    """A document of one table."""

    model_config = ConfigDict(extra="forbid")

    training: Inner = Inner()
    name: str = Field("x", min_length=1)


TABLES = {(): Outer, ("training",): Inner}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"trainnig": {}}, "unknown key 'trainnig'; did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "unknown key 'epoch' in [training]; did you mean 'epochs'?"),
        ({"training": {"epochs": 0, "epoch": 3}}, "unknown key 'epoch' in [training]; did you mean 'epochs'?"),
        (
            {"training": {"epochs": 0}},
            "training.epochs: input should be greater than or equal to 1, got 0",
        ),
        ({"name": ""}, "name: string should have at least 1 character, got ''"),
    ],
)
def test_the_first_thing_that_is_wrong_is_said(data, line) -> None:
    """An unknown key goes first, because what was meant by it is lacking too."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(data)
    assert line == explain(caught.value, TABLES)


def test_a_value_is_no_longer_than_a_line() -> None:
    """Text, numbers and lists are cut in the middle."""
    assert "'short'" == shortened("short")
    for long in ("x" * 10_000, 10**4000, ["y" * 50] * 500):
        assert len(shortened(long)) < 600
    assert "..." in shortened("x" * 10_000)
