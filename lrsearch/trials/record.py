"""The one writer of trial records: the user attributes from which every later room reads a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.records import LearningCurve

StopReason = Literal["finished", "pruned", "diverged"]


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


def closing(curve: LearningCurve, seconds: float, stop_reason: StopReason) -> dict[str, Any]:
    """Return what a record says from a trial's end: its curve, the seconds that it cost, and why it stopped."""
    return {"curve": curve.to_json(), "seconds": round(seconds, 4), "stop_reason": stop_reason}
