"""What a study says of itself besides its trials: checked once, where it is read, because anybody can write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from lrsearch.errors import InputError
from lrsearch.schedules import FAMILIES
from lrsearch.text import plain

SCHEMA_VERSION = 1
LEDGER = "test_ledger:"

_Number = Annotated[str, Field(pattern=r"^\d{1,9}$")]
_Whole = Annotated[int, Field(ge=0, lt=2**63)]


class _Read(BaseModel):
    model_config = ConfigDict(strict=True)


class _Control(_Read):
    kind: str
    of: str


class _Range(_Read):
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool

    @model_validator(mode="after")
    def _ordered(self) -> _Range:
        if self.low > self.high or (self.log and self.low <= 0):
            raise ValueError("a range needs low <= high, above 0 where it is logarithmic")
        return self


class _Choices(_Read):
    model_config = ConfigDict(extra="forbid")

    choices: list[str | int | float] = Field(min_length=1)


def _known(families: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(families) - set(FAMILIES)):
        raise ValueError(f"family {unknown[0]!r} is unknown here")
    return families


class _Space(_Read):
    families: Annotated[dict[str, dict[str, _Range | _Choices]], AfterValidator(_known)]


class _Reading(_Read):
    when: str
    block: _Whole
    epochs: str
    entries: list[str]


class _Attributes(_Read):
    """Those that are read again; others are of later versions or of other people, and stay unread."""

    data_fingerprint: str = ""
    git_commit: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    split_seed: _Whole = 0
    lanes: _Whole = 0
    planned_blocks: _Whole = 0
    searches: _Whole = 0
    metric: str = ""
    worst_value: float = 0.0
    trials_per_family: _Whole | None = None
    left_out: list[str] = Field(default_factory=list)
    controls: dict[str, _Control] = Field(default_factory=dict)
    efforts: dict[_Number, list[dict[str, str]]] = Field(default_factory=dict)
    space: _Space | None = None


_LEDGER = TypeAdapter(dict[str, list[_Reading]])


def check_attributes(attributes: Mapping[str, Any], study: str) -> None:
    """Raise InputError unless what a study says of itself is of the kinds that a comparison or a report reads.

    Args:
        attributes: the study's user attributes.
        study: its name, for the error.
    """
    schema = attributes.get("schema", SCHEMA_VERSION)
    if not isinstance(schema, int) or schema > SCHEMA_VERSION:
        raise InputError(
            f"study {study!r} is in the record format {schema!r}, and this version of lrsearch reads up to "
            f"{SCHEMA_VERSION}: install a newer one"
        )
    ledger = {name: readings for name, readings in attributes.items() if name.startswith(LEDGER)}
    try:
        _Attributes.model_validate(dict(attributes))
        _LEDGER.validate_python(ledger)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = plain(".".join(str(part) for part in problem["loc"]))[:120]
        raise InputError(
            f"study {study!r} holds an attribute that lrsearch has not written: {where}: {problem['msg']}"
        ) from error
