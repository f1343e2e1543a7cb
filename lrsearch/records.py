"""What a trial leaves behind: plain frozen data, which every later room reads."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, stdev
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PARTS = {"train": "train", "select": "validation", "report": "holdout", "test": "test"}
"""What people call the parts of the data."""

_LARGEST = 1e100


@dataclass(frozen=True)
class LearningCurve:
    """Losses and scores `[epochs]`, one value per finished epoch; a part that was not evaluated is empty.

    `accuracy` stands for the workload's metric of any name. `more` holds, by name, what runs have reported besides.
    """

    train_loss: tuple[float, ...] = ()
    select_loss: tuple[float, ...] = ()
    select_accuracy: tuple[float, ...] = ()
    report_loss: tuple[float, ...] = ()
    report_accuracy: tuple[float, ...] = ()
    test_loss: tuple[float, ...] = ()
    test_accuracy: tuple[float, ...] = ()
    more: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, tuple[float, ...]]:
        """The losses and scores by name."""
        return {name: part for name, part in vars(self).items() if name != "more"}

    def extended(
        self,
        train_loss: float | None,
        loss: Mapping[str, float],
        score: Mapping[str, float],
        more: Mapping[str, float] = MappingProxyType({}),
    ) -> LearningCurve:
        """Return the curve with one more epoch: its training loss, if known, and losses and scores by part."""
        values = {} if train_loss is None else {"train_loss": train_loss}
        values |= {f"{part}_loss": value for part, value in loss.items()}
        values |= {f"{part}_accuracy": value for part, value in score.items()}
        longer = {name: (*part, values[name]) if name in values else part for name, part in self.parts.items()}
        reported = {name: (*self.more.get(name, ()), value) for name, value in more.items()}
        return LearningCurve(**longer, more={**self.more, **reported})

    def to_json(self) -> dict[str, Any]:
        """Return the curve as plain data; what is not finite becomes None, because JSON has no NaN."""
        return {name: finite(part) for name, part in vars(self).items() if part}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LearningCurve:
        """Read what `to_json` or another program wrote: unknown parts are ignored, those that are no numbers empty."""
        more = data.get("more")
        reported = {str(name): _numbers(part) for name, part in more.items()} if isinstance(more, Mapping) else {}
        return cls(**{name: _numbers(data.get(name)) for name in cls().parts}, more=reported)


def _numbers(part: Any) -> tuple[float, ...]:
    """Return a part of a curve, None as NaN; nothing where it is no list of numbers."""
    values = [math.nan if v is None else real(v) for v in part] if isinstance(part, list | tuple) else []
    numbers = [value for value in values if value is not None]
    return tuple(numbers) if len(numbers) == len(values) else ()


def finite(value: Any) -> Any:
    """Return plain data as JSON holds it: a number that is not finite becomes None."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(data: Any) -> str:
    """Return plain data as the text of a JSON file, without the end of its last line."""
    return json.dumps(finite(data), indent=2, allow_nan=False)


def real(value: Any) -> float | None:
    """Return a number as a float, infinite beyond 1e100 (sums of such would be), None for no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if abs(value) > _LARGEST:
        return math.inf if value > 0 else -math.inf
    return float(value)


def finite_real(value: Any) -> float | None:
    """Return a number as `real` does, and None where it is not finite."""
    number = real(value)
    return number if number is not None and math.isfinite(number) else None


def whole(value: Any) -> int | None:
    """Return a whole number from 0 to 2**63 - 1, and None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def mean_and_sd(values: Iterable[float]) -> tuple[float | None, float | None]:
    """Return mean and SD of the values that are finite (a diverged run has no loss); None where too few are."""
    finite = [value for value in values if math.isfinite(value)]
    return fmean(finite) if finite else None, stdev(finite) if len(finite) > 1 else None


_ROUNDING = 5.01e-5  # of single precision, and of points to two decimals


def off_the_means(scores: ArrayLike, per_example: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which scores `[...]` are not the mean over their examples `[..., examples]`, beyond rounding."""
    means = per_example.mean(axis=-1, dtype=np.float64)
    return np.asarray(~(np.abs(means - scores) <= _ROUNDING * np.maximum(1.0, np.abs(means))))


_MOST_EXAMPLES = 100_000
"""Test examples up to which scores that are no 0/1 are kept: half a megabyte of text."""


def pack_scores(scores: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Return the scores of examples as text: 0/1 eight to a byte, others as single-precision numbers.

    Nothing is kept where they are not finite, or of more than 100,000 examples and not 0/1.
    """
    if np.isin(scores, (0.0, 1.0)).all():
        packed = np.packbits(scores.astype(np.uint8)).tobytes()
        return {"test_correct": base64.b64encode(packed).decode(), "test_examples": len(scores)}
    if len(scores) > _MOST_EXAMPLES or not np.isfinite(numbers := scores.astype("<f4")).all():
        return {}
    return {"test_scores": base64.b64encode(numbers.tobytes()).decode(), "test_examples": len(scores)}


def unpack_scores(attributes: Mapping[str, Any]) -> NDArray[np.bool_] | NDArray[np.float32] | None:
    """Return the scores `[examples]` that `pack_scores` kept, or None if there are none that can be read."""
    examples, bits = whole(attributes.get("test_examples")), "test_correct" in attributes
    text = attributes.get("test_correct" if bits else "test_scores")
    try:
        packed = np.frombuffer(base64.b64decode(text or "", validate=True), dtype=np.uint8)
    except (TypeError, ValueError):
        return None
    if examples is None or not 0 < examples <= len(packed) * 8 // (1 if bits else 32):
        return None
    if bits:
        return np.unpackbits(packed, count=examples).astype(np.bool_)
    numbers = packed[: 4 * examples].view("<f4").astype(np.float32)
    return numbers if np.isfinite(numbers).all() else None


@dataclass(frozen=True, eq=False)
class TrialRecord:
    """One trial as every later room sees it, of any storage.

    Attributes:
        number: its number in its study.
        state: "complete", "pruned", "running", "waiting" or "fail".
        family: the schedule family, or a baseline's name.
        params: the sampled parameters.
        value: the metric at the last epoch (the last reported one if pruned); None if it is missing or not finite.
        reported: the metric by finished epochs (1-based).
        schedule: the resolved schedule, the argument of `schedule_from_params`.
        settings: the optimizer's settings of a confirmed run, where these were searched.
        completed: when it ended.
        stop_reason: "finished", "pruned", "diverged", "crashed", "interrupted" or "lost".
        error, output: of a run that has crashed: the error in one line, and the end of what it wrote.
        near_bounds: the parameters within 5 % of an end of their range, beyond which a better value may lie.
        replicate, audited: of a pruned trial that an audit has finished: its search and its number in that search.
        block: the confirmation block, or None for a search trial, as for all that follows.
        test_loss, test_accuracy: on the test set, after the last epoch.
        test_correct: the score of each test example `[examples]`, whether it was right where that is all; None where
            they were not kept.
    """

    number: int
    state: str
    family: str
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    reported: Mapping[int, float] = field(default_factory=dict)
    schedule: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    curve: LearningCurve = field(default_factory=LearningCurve)
    init_seed: int | None = None
    order_seed: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    completed: datetime | None = None
    device: str = ""
    worker: str = ""
    stop_reason: str = ""
    error: str = ""
    output: str = ""
    near_bounds: tuple[str, ...] = ()
    replicate: int | None = None
    audited: int | None = None
    split_seed: int | None = None
    block: int | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    test_correct: NDArray[np.bool_] | NDArray[np.float32] | None = None

    @property
    def sampled(self) -> dict[str, Any]:
        """What was sampled, the family left out."""
        return {name: value for name, value in self.params.items() if name != "family"}

    @property
    def diverged(self) -> bool:
        """Whether its training diverged: it is never the best, and enters no mean."""
        return self.stop_reason == "diverged"

    @property
    def without_score(self) -> bool:
        """Whether it ended without a score of its own: it has diverged or crashed."""
        return self.stop_reason in ("diverged", "crashed")

    @property
    def scored(self) -> bool:
        """Whether it was trained to its end and has a value."""
        return self.state == "complete" and self.value is not None and not self.without_score

    @property
    def finished(self) -> bool:
        """Whether the trial counts: it is complete or pruned."""
        return self.state in ("complete", "pruned")

    @property
    def confirmed(self) -> bool:
        """Whether it is a run of a confirmation, and says of which block and entry."""
        tested = self.without_score or self.test_accuracy is not None
        return self.state == "complete" and bool(self.family) and self.block is not None and tested

    @property
    def finished_by_audit(self) -> bool:
        """Whether it is a pruned trial that an audit has finished, and says which one."""
        return self.state == "complete" and bool(self.family) and None not in (self.replicate, self.audited)
