"""What other libraries share here: refusals, approximations, and a file with one dict of arguments."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from lrsearch.errors import InputError
from lrsearch.export.document import Configuration
from lrsearch.export.source_code import comments, joined, run_rates
from lrsearch.schedules import PerEpoch, Schedule

logger = logging.getLogger(__name__)

_S = TypeVar("_S", bound=Schedule | PerEpoch)


def refuse(library: str, family: str, difference: str) -> NoReturn:
    """Raise InputError that says why a library cannot have the same curve."""
    raise InputError(f"{library} cannot express this {family} exactly: {difference}; export --format python can")


def exact_or_nearest(
    schedule: _S,
    arguments: Callable[[_S], dict[str, Any]],
    nearest: Callable[[_S], _S],
    *,
    approximate: bool,
) -> tuple[dict[str, Any], str]:
    """Return a library's arguments for a schedule, and in words how its curve differs ("" where it does not).

    Args:
        schedule: the searched one.
        arguments: gives the arguments of a schedule that the library has, and refuses any other.
        nearest: gives a schedule like this one that the library has, or the same where it has none.
        approximate: whether the nearest one is taken where the searched one is refused.

    Raises:
        InputError: as `arguments`; the message says where --approximate would help.
    """
    try:
        return arguments(schedule), ""
    except InputError as refusal:
        near = nearest(schedule)
        try:
            made = arguments(near)
        except InputError:
            raise refusal from None
        apart = 100 * np.abs(run_rates(schedule) - run_rates(near)) / schedule.base_lr
        largest, mean = (f"{float(f'{value:.2g}'):g}" for value in (np.max(apart), np.mean(apart)))  # 100, not 1e+02
        difference = f"differs by up to {largest} % of base_lr, {mean} % on average,"
        if not approximate:
            raise InputError(f"{refusal}, and --approximate one that {difference.rstrip(',')}") from None
        note = f"approximate, {difference} from the searched {schedule.family}"
        logger.warning(f"{note} ({str(refusal).partition('exactly: ')[2].partition('; export')[0]})")
        return made, note


def arguments_code(
    name: str, arguments: dict[str, Any], usage: list[str], note: str, configuration: Configuration
) -> str:
    """Return a Python file that assigns the arguments to `name`, below how they are used and where they come from.

    `note` says how their curve differs from the searched one, or is empty.
    """
    if note:
        usage = [*usage, f"{note[0].upper()}{note[1:]}."]
    entries = [f"    {key!r}: {value!r}," for key, value in arguments.items()]
    used = (f"# {line}" for line in usage)
    return joined([*used, "", f"{name} = {{", *entries, "}", "", *comments(configuration)])
