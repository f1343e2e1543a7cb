"""What a run reports out of a library's loop: which metric, measured on which data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrsearch.errors import InputError
from lrsearch.runs.run import Run


def require_test(run: Run, test: object) -> None:
    """Raise InputError where the last report of the run is to be measured on test data, and there are none."""
    if test is None and run.evaluation_set_at(run.total_steps) == "test":
        raise InputError(
            "test must be the data of the last report of a confirming run, got None; where there is no test set, "
            "write [run] test = false"
        )


def score_of(metrics: Mapping[str, Any], metric: str) -> Any:
    """Return one of the metrics that a library has measured.

    Raises:
        InputError: if it has not measured it.
    """
    if metric not in metrics:
        raise InputError(f"metric must be one that is measured, {', '.join(sorted(metrics))}; got {metric!r}")
    return metrics[metric]
