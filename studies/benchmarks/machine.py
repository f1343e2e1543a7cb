"""Where and when a benchmark ran, which every result carries."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from lrsearch.training.device import usable_cores


def machine(device: str) -> dict[str, Any]:
    """Return the machine, its load, the date and the versions, as plain data."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else "cpu",
        "processor": _processor(),
        "usable_cores": usable_cores(),
        "load_average": os.getloadavg()[0],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def processor_seconds() -> float | None:
    """Return the processor time of this process and its descendants so far; None where there is no /proc.

    On a machine that others use too it tells more than the wall time. Processes that have ended count through those
    that waited for them.
    """
    if not Path("/proc/self/stat").exists():
        return None
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The second field, the command in brackets, may hold blanks: count from the last bracket.
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))
    mine = {os.getpid()}
    while grown := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= grown
    return sum(ticks[pid] for pid in mine) / os.sysconf("SC_CLK_TCK")


def heading(facts: dict[str, Any]) -> str:
    """Return the machine as the first line of a table."""
    place = facts["processor"] if facts["device"] == "cpu" else facts["device"]
    cores, load = facts["usable_cores"], facts["load_average"]
    return f"{facts['date']}, {place}, {cores} usable cores, load {load:.1f} at the start, torch {facts['torch']}"


def write_json(path: Path | None, result: dict[str, Any]) -> None:
    """Write a result where `--json` says, if it says anything."""
    if path is not None:
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
