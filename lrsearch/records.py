"""What a trial leaves behind: plain frozen data, which every later room reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class LearningCurve:
    """Losses and scores `[epochs]`, one value per finished epoch; a part that was not evaluated is empty.

    `accuracy` stands for the workload's metric, whatever it is called.
    """

    train_loss: tuple[float, ...] = ()
    select_loss: tuple[float, ...] = ()
    select_accuracy: tuple[float, ...] = ()
    report_loss: tuple[float, ...] = ()
    report_accuracy: tuple[float, ...] = ()
    test_loss: tuple[float, ...] = ()
    test_accuracy: tuple[float, ...] = ()

    def extended(self, train_loss: float, loss: Mapping[str, float], score: Mapping[str, float]) -> LearningCurve:
        """Return the curve with one more epoch: its training loss, and losses and scores by part."""
        values = {"train_loss": train_loss}
        values |= {f"{part}_loss": value for part, value in loss.items()}
        values |= {f"{part}_accuracy": value for part, value in score.items()}
        return LearningCurve(**{k: (*v, values[k]) if k in values else v for k, v in asdict(self).items()})

    def to_json(self) -> dict[str, list[float | None]]:
        """Return the curve as plain data; what is not finite becomes None, because JSON has no NaN."""
        return {name: [v if math.isfinite(v) else None for v in part] for name, part in asdict(self).items() if part}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LearningCurve:
        """Read what `to_json` wrote, or what an older version wrote: unknown parts are ignored, lacking ones empty."""
        parts = {name: data.get(name) or () for name in cls.__dataclass_fields__}
        return cls(**{name: tuple(math.nan if v is None else float(v) for v in part) for name, part in parts.items()})


@dataclass(frozen=True)
class TrialRecord:
    """One trial as every later room sees it, whatever storage it lies in.

    Attributes:
        number: its number in its study.
        state: "complete", "pruned", "running", "waiting" or "fail".
        family: the schedule family, or a baseline's name.
        params: the sampled parameters.
        value: the metric at the last epoch (the last reported one if pruned), or None.
        reported: the metric by finished epochs (1-based).
        schedule: the resolved schedule, the argument of `schedule_from_params`.
        stop_reason: "finished", "pruned", "diverged", "interrupted" or "lost".
        block: the confirmation block, or None for a search trial.
    """

    number: int
    state: str
    family: str
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    reported: Mapping[int, float] = field(default_factory=dict)
    schedule: Mapping[str, Any] = field(default_factory=dict)
    curve: LearningCurve = field(default_factory=LearningCurve)
    init_seed: int | None = None
    order_seed: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    device: str = ""
    worker: str = ""
    stop_reason: str = ""
    block: int | None = None

    @property
    def finished(self) -> bool:
        """Whether the trial counts: it is complete or pruned."""
        return self.state in ("complete", "pruned")
