"""What holds of a study file as a whole, before its tables are read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrsearch.config.built_in import built_in_study
from lrsearch.config.files import read_data
from lrsearch.config.run_table import OF_WORKLOADS
from lrsearch.config.study_tables import OptimizerConfig
from lrsearch.schedules import FAMILIES, default_families, reads_metric


def checked_whole(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of a study file with what follows from its way to train and from its version.

    With `[run]` the families are by default those of the step alone. `plan.claims = "article"`, as earlier versions
    wrote it, is read as the claims of the study file that ships.

    Raises:
        ValueError: for what belongs to a workload beside `[run]`, and for what belongs to a run without it.
    """
    plan = data.get("plan")
    if isinstance(plan, Mapping) and plan.get("claims") == "article":
        article = read_data(built_in_study("article"), "study file", "toml")
        data = {**data, "plan": {**plan, "claims": article["plan"]["claims"]}}
    if data.get("run") is None:
        if data.get("parameters"):
            raise ValueError("[parameters] are for a study with [run]; a workload's settings are in [optimizer]")
        return data
    _require_run_study(data)
    search = data.get("search", {})
    if not isinstance(search, Mapping) or "families" in search:
        return data
    return {**data, "search": {**search, "families": default_families(reading_metric=False)}}


def _require_run_study(data: Mapping[str, Any]) -> None:
    """Raise ValueError where a study with `[run]` has what only a workload takes, or lacks what a run needs."""
    if others := [name for name in OF_WORKLOADS if name in data]:
        named = others[0] if others[0] == "workload" else f"[{others[0]}]"
        raise ValueError(f"[run] trains with a function of its own: leave out {named}, which is for a workload")
    ranges, search = data.get("ranges", {}), data.get("search", {})
    if isinstance(ranges, Mapping) and "base_lr" not in ranges:
        raise ValueError("[run] needs the range of the rate: [ranges] base_lr = { low = 1e-4, high = 1e-2 }")
    parameters = data.get("parameters", {})
    taken = {"family", *(name for family in FAMILIES.values() for name in family.priors())}
    if clash := [name for name in parameters if name in taken] if isinstance(parameters, Mapping) else []:
        raise ValueError(f"parameters: {clash[0]} is the name of the schedule's own: rename it")
    families = search.get("families") if isinstance(search, Mapping) else None
    names = [name for name in families if isinstance(name, str)] if isinstance(families, list | tuple) else []
    if counting := [name for name in names if name in FAMILIES and reads_metric(name)]:
        raise ValueError(f"search.families: {counting[0]} reads a metric and has no table of rates: leave it out")


def check_schedule_free(
    optimizer: OptimizerConfig, *, searched: bool, of_run: bool, ranges: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise ValueError where a study that has schedule_free, which trains with an optimizer of its own, cannot.

    Args:
        optimizer: of the other families.
        searched: whether it is among the families, and not only a fixed schedule.
        of_run: whether the study has `[run]`.
        ranges: of the study file.
    """
    if of_run:
        raise ValueError(
            "schedule_free trains with an optimizer of its own, which lrsearch cannot put into a run of yours: leave "
            "it out, or compare it in a study of a workload"
        )
    if optimizer.name == "adam":
        raise ValueError("optimizer.name must be sgd or adamw with schedule_free, which has no other form, got 'adam'")
    if not searched:
        return
    if unused := [name for name in optimizer.searched() if name != "weight_decay"]:
        raise ValueError(f"optimizer.{unused[0]} must be one number beside schedule_free, which has none, got a range")
    if optimizer.largest_momentum and "high" not in ranges.get("base_lr", {}):
        raise ValueError(
            "[ranges] base_lr must be given where schedule_free is searched beside optimizer.momentum: it takes rates "
            "up to 1 / (1 - momentum) times as high, and all families have one range, such as base_lr = { low = 0.001, "
            "high = 1.0 }"
        )
