"""What a study says of itself besides its trials: typed and checked where it is read, as others can write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from lrsearch.errors import InputError
from lrsearch.schedules import FAMILIES
from lrsearch.text import counted, plain

SCHEMA_VERSION = 1
LEDGER = "test_ledger:"
"""How the names of the attributes begin that hold the readings of the test set, one attribute a block."""

_Number = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
_Whole = Annotated[int, Field(ge=0, lt=2**63)]


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Control(_Read):
    """The kind of a control ("aa" or "positive") and the candidate that it is compared with."""

    kind: str
    of: str


class Range(_Read):
    """A searched range, on a logarithmic scale where `log` says so."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low > self.high or (self.log and self.low <= 0):
            raise ValueError("a range needs low <= high, above 0 where it is logarithmic")
        return self


class Choices(_Read):
    """The values of a parameter that was chosen from a list."""

    model_config = ConfigDict(extra="forbid")

    choices: list[bool | str | int | float] = Field(min_length=1)


def _require_families(families: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(families) - set(FAMILIES)):
        raise ValueError(f"family {unknown[0]!r} is unknown here")
    return families


class SearchedSpace(_Read):
    """What was searched: {family: {parameter: its range}}."""

    families: Annotated[dict[str, dict[str, Range | Choices]], AfterValidator(_require_families)]


class Reading(_Read):
    """One reading of the test set: when, in which block, after which epochs, of which candidates."""

    when: str
    block: _Whole
    epochs: str
    entries: list[str]
    beyond_plan: bool = False


class StudyAttributes(_Read):
    """The attributes of a study that are read again, under the names by which they are stored.

    Others are of later versions or of other people, and stay unread. None means that a study does not say it.

    Attributes:
        data_fingerprint: of the data set.
        git_commit: of the working directory when the study was made.
        versions: {package: version} then.
        split_seed: of a search.
        lanes: trials of a search that were trained at once.
        training_way: whether lanes train one at a time ("plain") or side by side ("stacked").
        space: what was searched.
        planned_blocks: of a confirmation.
        searches: the independent searches whose winners it confirms.
        metric: the metric's name.
        workload_facts: what its trials have in common besides the study file, such as the batch size.
        workload_source: a digest of the source of what is trained.
        study_text: the study file as it was written; flags may have changed values since.
        worst_value: the metric of a model that learned nothing.
        failed_at: the metric from which on a run counts as failed.
        trials_per_family: finished trials that every family had in every search at least.
        left_out: families without a complete trial.
        adopted: {family: trials} of a search whose trials come from a study of a person's own; empty of any other.
        controls: {name: control}.
        efforts: {trials: the candidate of each family after that number of trials, {family: candidate} by block}.
        test_ledger: every reading of the test set, by block.
    """

    schema_version: int = Field(SCHEMA_VERSION, alias="schema")
    data_fingerprint: str = ""
    git_commit: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    split_seed: _Whole | None = None
    lanes: _Whole | None = None
    startup_trials: _Whole | None = None
    training_way: Literal["plain", "stacked"] | None = None
    space: SearchedSpace | None = None
    planned_blocks: _Whole | None = None
    searches: _Whole = 0
    metric: str = ""
    workload_facts: dict[str, str | int] = Field(default_factory=dict)
    workload_source: str = ""
    study_text: str = ""
    worst_value: float | None = None
    failed_at: float | None = None
    trials_per_family: _Whole | None = None
    left_out: list[str] = Field(default_factory=list)
    adopted: dict[str, _Whole] = Field(default_factory=dict)
    controls: dict[str, Control] = Field(default_factory=dict)
    efforts: dict[_Number, list[dict[str, str]]] = Field(default_factory=dict)
    test_ledger: list[Reading] = Field(default_factory=list)

    @classmethod
    def of(cls, attributes: Mapping[str, Any], study: str) -> StudyAttributes:
        """Read the user attributes of a study.

        Args:
            attributes: as they are stored.
            study: its name, for the error.

        Raises:
            InputError: if they are of a newer version of lrsearch, or not of the kinds that lrsearch writes.
        """
        schema = attributes.get("schema", SCHEMA_VERSION)
        if not isinstance(schema, int) or schema > SCHEMA_VERSION:
            raise InputError(
                f"study {study!r} is in the record format {schema!r}, and this version of lrsearch reads up to "
                f"{SCHEMA_VERSION}: install a newer one"
            )
        try:
            return cls.model_validate({**attributes, "test_ledger": _readings(attributes)})
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = plain(".".join(str(part) for part in problem["loc"]))[:120]
            raise InputError(
                f"study {study!r} holds an attribute that lrsearch has not written: {where}: {problem['msg']}"
            ) from error


def budget_sentence(adopted: Mapping[str, int]) -> str:
    """Return what is unequal between families whose trials come from a study of a person's own.

    >>> budget_sentence({"cosine": 137, "linear": 13})
    'cosine has 137 trials against 13 of linear, chosen by another sampler: the budgets are not equal'
    """
    most, least = max(adopted, key=adopted.__getitem__), min(adopted, key=adopted.__getitem__)
    if adopted[most] == adopted[least]:
        return f"{counted(adopted[most], 'trial')} of each family, chosen by a sampler of one's own"
    return (
        f"{most} has {counted(adopted[most], 'trial')} against {adopted[least]} of {least}, chosen by another sampler: "
        "the budgets are not equal"
    )


def _readings(attributes: Mapping[str, Any]) -> list[Any]:
    """Return the readings of the test set, which are stored by block, in one list; what is no list stays as it is."""
    stored = [attributes[key] for key in sorted(attributes) if key.startswith(LEDGER)]
    return [reading for block in stored for reading in (block if isinstance(block, list) else [block])]
