"""The one writer of trial records: the user attributes from which every later room reads a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.records import LearningCurve
from lrsearch.training.lane import Crash

StopReason = Literal["finished", "pruned", "diverged", "crashed"]


_KEPT_CHARACTERS = 4000
"""Of a crashed run's output, in its record; what is kept beside it is longer."""


def opening(experiment: Experiment, schedule: Mapping[str, Any], seeds: Seeds) -> dict[str, Any]:
    """Return what a record says from a trial's beginning, beside the name of its process.

    Args:
        experiment: what is trained.
        schedule: the parameters of the trial's schedule, as `schedule_from_params` takes them.
        seeds: of its initialisation and its order of the data.
    """
    return {
        "schedule": dict(schedule),
        "init_seed": seeds.init,
        "order_seed": seeds.order,
        "epochs": experiment.epochs,
        "device": experiment.device_label,
        "kernels": experiment.kernels,
    }


def crashed(crash: Crash) -> dict[str, str]:
    """Return what a record says of a run that has failed for good: the error, and the end of its output."""
    return {"error": crash.error, "output": crash.output[-_KEPT_CHARACTERS:]}


def closing(curve: LearningCurve, seconds: float, stop_reason: StopReason) -> dict[str, Any]:
    """Return what a record says from a trial's end: its curve, the seconds that it cost, and why it stopped."""
    return {"curve": curve.to_json(), "seconds": round(seconds, 4), "stop_reason": stop_reason}
