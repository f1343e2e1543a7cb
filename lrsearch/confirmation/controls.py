"""Controls of a confirmation: candidates whose truth is known, so that the verdict itself is put to the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lrsearch.confirmation.blocks import AA, POSITIVE, Block
from lrsearch.confirmation.candidates import Candidate
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.schedules import reads_metric

WEAKENED = 0.01
"""What the positive control leaves of a base rate: far too little to learn as much in the same time."""


def with_controls(
    experiment: Experiment, blocks: Sequence[Block], kinds: Sequence[str], *, beside: str | None = None
) -> list[Block]:
    """Return the blocks with the controls of these kinds behind their candidates.

    "aa" trains a candidate a second time under another name, on the same split but with an initialisation and an order
    of its own, so that in truth there is no difference. "positive" trains a constant rate of a hundredth of a
    candidate's base rate, so that in truth it is worse. A candidate with a failed run cannot be compared with its
    control: after a search they stand beside the family that it found the best, which is the least likely to fail.

    Args:
        experiment: what is trained.
        blocks: the plan; every block has the same candidates by name.
        kinds: "aa", "positive", both or none.
        beside: the candidate that the controls are made of; if None the first one for "aa", and for "positive" the
            first constant one, or the first where none is constant.

    Raises:
        InputError: for another kind, or where there is nothing to make a control of.
    """
    unknown = [kind for kind in kinds if kind not in (AA, POSITIVE)]
    if unknown or len(set(kinds)) < len(kinds):
        raise InputError(f"control must be {AA} or {POSITIVE}, each given once, got {', '.join(kinds)}")
    makers = [_twin if kind == AA else _weakened for kind in kinds]
    controlled = []
    for block in blocks:
        controls = [make(experiment, _comparable(block, beside)) for make in makers]
        controlled.append(replace(block, candidates=(*block.candidates, *controls)))
    return controlled


def controls_of(blocks: Sequence[Block]) -> dict[str, dict[str, str]]:
    """Return {name: {"kind": ..., "of": ...}} of the controls, as the study's attribute `controls` keeps it."""
    return {c.name: {"kind": c.control, "of": c.control_of} for c in blocks[0].candidates if c.control}


def _comparable(block: Block, beside: str | None) -> list[Candidate]:
    """Return the candidates that a control can stand beside; one that reads a metric is not compared."""
    candidates = [c for c in block.candidates if not reads_metric(c.schedule["family"]) and beside in (None, c.name)]
    if not candidates:
        raise InputError("a control needs a candidate whose family reads no metric")
    return candidates


def _twin(_: Experiment, candidates: Sequence[Candidate]) -> Candidate:
    first = candidates[0]
    return replace(first, name=f"{first.name} (A/A)", control=AA, control_of=first.name)


def _weakened(experiment: Experiment, candidates: Sequence[Candidate]) -> Candidate:
    first = next((c for c in candidates if c.schedule["family"] == "constant"), candidates[0])
    schedule = experiment.constant_schedule(WEAKENED * float(first.schedule["base_lr"])).params()
    name = f"{first.name} at {WEAKENED:g} x its rate (positive)"
    return Candidate(name, schedule, first.settings, control=POSITIVE, control_of=first.name)
