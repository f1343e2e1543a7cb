"""Controls of a confirmation: entries whose truth is known, so that the verdict itself is put to the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lrsearch.confirmation.blocks import AA, POSITIVE, Block, Entry
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.schedules import make_schedule, reads_metric

WEAKENED = 0.01
"""What the positive control leaves of a base rate: far too little to learn as much in the same time."""


def with_controls(
    experiment: Experiment, blocks: Sequence[Block], kinds: Sequence[str], *, beside: str | None = None
) -> list[Block]:
    """Return the blocks with the controls of these kinds behind their entries.

    "aa" trains an entry a second time under another name, on the same split but with an initialisation and an order of
    its own, so that no difference is the truth. "positive" trains a constant rate of a hundredth of an entry's base
    rate, so that it is worse in truth. Where an entry has a failed run nothing beside it can be tested: after a search
    they stand beside the family that it found the best, which is the least likely to fail.

    Args:
        experiment: what is trained.
        blocks: the plan; every block has the same entries by name.
        kinds: "aa", "positive", both or none.
        beside: the entry that the controls are made of; if None the first one for "aa", and for "positive" the first
            constant one, or the first where none is constant.

    Raises:
        InputError: for another kind, or where there is nothing to make a control of.
    """
    unknown = [kind for kind in kinds if kind not in (AA, POSITIVE)]
    if unknown or len(set(kinds)) < len(kinds):
        raise InputError(f"control must be {AA} or {POSITIVE}, each given once, got {', '.join(kinds)}")
    makers = [_twin if kind == AA else _weakened for kind in kinds]
    return [
        replace(block, entries=(*block.entries, *(make(experiment, _comparable(block, beside)) for make in makers)))
        for block in blocks
    ]


def controls_of(blocks: Sequence[Block]) -> dict[str, dict[str, str]]:
    """Return {name: {"kind": ..., "of": ...}} of the controls, as the study's attribute `controls` keeps it."""
    return {entry.name: {"kind": entry.control, "of": entry.control_of} for entry in blocks[0].entries if entry.control}


def _comparable(block: Block, beside: str | None) -> list[Entry]:
    """Return the entries that a control can stand beside: one that reads a metric has no place in the comparison."""
    entries = [entry for entry in block.entries if not reads_metric(entry.schedule["family"])]
    entries = [entry for entry in entries if beside in (None, entry.name)]
    if not entries:
        raise InputError("a control needs an entry whose family reads no metric")
    return entries


def _twin(_: Experiment, entries: Sequence[Entry]) -> Entry:
    first = entries[0]
    return replace(first, name=f"{first.name} (A/A)", control=AA, control_of=first.name)


def _weakened(experiment: Experiment, entries: Sequence[Entry]) -> Entry:
    first = next((entry for entry in entries if entry.schedule["family"] == "constant"), entries[0])
    schedule = _constant(experiment, WEAKENED * float(first.schedule["base_lr"]))
    name = f"{first.name} at {WEAKENED:g} x its rate (positive)"
    return Entry(name, schedule, first.settings, control=POSITIVE, control_of=first.name)


def _constant(experiment: Experiment, rate: float) -> dict[str, Any]:
    return make_schedule("constant", total_steps=experiment.epochs * experiment.steps_per_epoch, base_lr=rate).params()
