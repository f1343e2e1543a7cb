"""Changes to a study by dotted key, such as `{"training.epochs": 3}`, which flags of a command are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lrsearch.config.run_table import OF_WORKLOADS
from lrsearch.errors import InputError

_REPLACED = {"training.epochs": "budgets", "run.training": "command", "run.command": "training"}
"""By dotted key, what of the same table goes where it is changed."""


def with_changes(data: dict[str, Any], changes: Mapping[str, Any], *, of_run: bool) -> dict[str, Any]:
    """Return the data of a study file with values replaced by dotted key; None changes nothing. `data` is used up.

    Args:
        data: of the study, as TOML gives it.
        changes: the values by dotted key.
        of_run: whether the study has `[run]`.

    Raises:
        InputError: if a change is for a workload and the study has `[run]`.
    """
    for key, value in changes.items():
        if value is None:
            continue
        if of_run and key.partition(".")[0] in OF_WORKLOADS:
            flag = key.rpartition(".")[2].replace("_", "-")
            raise InputError(f"--{flag} is for a workload, and this study has [run]: leave it out")
        *tables, name = key.split(".")
        table = data
        for part in tables:
            table = table.setdefault(part, {})
        table[name] = value
        if replaced := _REPLACED.get(key):
            table.pop(replaced, None)
    return data


def named_as_flag(error: str, keys: Iterable[str]) -> str:
    """Return what is wrong with a changed study, where it is one of the changed `keys` by its flag: `--epochs: ...`.

    Args:
        error: of `StudyConfig.from_dict`, "study: training.epochs: ...".
        keys: what was changed, by dotted key.
    """
    _, _, message = error.partition(": ")
    wrong = next((key for key in keys if message.startswith(f"{key}: ")), None)
    if wrong is None:
        return message
    flag = "study-name" if wrong == "name" else wrong.rpartition(".")[2]
    return f"--{flag}{message.removeprefix(wrong)}"
