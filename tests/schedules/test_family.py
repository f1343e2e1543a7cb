"""What a family says of itself unless its class says otherwise."""

from __future__ import annotations

from lrsearch.schedules import FAMILIES
from lrsearch.schedules.parameters import Span
from lrsearch.schedules.priors import BASE_LR, FINAL_LR, WARMUP_STEPS


def test_its_own_parameters_are_without_those_of_every_schedule():
    """reduce_on_plateau has base_lr and warm-up as fields of its own; they are no parameters of the family."""
    assert ["factor", "patience", "min_lr"] == list(FAMILIES["reduce_on_plateau"].parameters())
    assert ["final_lr", "decay_steps"] == list(FAMILIES["cosine"].parameters())


def test_priors_are_those_of_every_schedule_and_its_own():
    """base_lr first, then warm-up where the family takes one."""
    assert {"base_lr": BASE_LR, "warmup_steps": WARMUP_STEPS, "final_lr": FINAL_LR} == FAMILIES["linear"].priors()
    assert "warmup_steps" not in FAMILIES["one_cycle"].priors()


def test_a_sample_stands_for_itself_in_a_dictionary_of_its_own():
    """What is drawn is not changed through what is returned."""
    sample = {"final_lr": 0.01}
    params = FAMILIES["linear"].from_sample(sample, 100)
    assert sample == params
    assert sample is not params


def test_a_shape_needs_no_constants_beside_its_parameters():
    """Only families whose exported code counts cycles, drops or a peak add some."""
    assert {} == FAMILIES["linear"]().constants(Span(0.1, 0, 100))
