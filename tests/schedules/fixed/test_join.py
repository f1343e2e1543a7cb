"""Schedules one after the other."""

import json

import numpy as np
import pytest
import torch

import lrsearch
from lrsearch.errors import InputError
from lrsearch.schedules import PerEpoch, make_schedule, schedule_from_params

RISE = make_schedule("cosine", total_steps=6, base_lr=0.4, warmup_steps=2)
FALL = make_schedule("linear", total_steps=5, base_lr=0.2, final_lr=0.1)
TABLE = lrsearch.tabulated([0.3, 0.05])


def test_each_part_counts_its_own_steps() -> None:
    """Cut off where the next begins, and held at its last rate where it is shorter than its place."""
    joined = lrsearch.join([RISE, TABLE, FALL], [4, 8])
    expected = [*RISE.lr(np.arange(4)), 0.3, 0.05, 0.05, 0.05, *FALL.lr(np.arange(6))]
    assert expected == joined.lr(np.arange(14)).tolist()
    assert (13, 0.4) == (joined.total_steps, joined.base_lr)
    assert expected[7:9] == joined.lr([7, 8]).tolist()


def test_torch_joins_likewise() -> None:
    """The rates are those of SequentialLR over the same parts."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    parts = [
        torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=3),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10),
    ]
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[5])
    rates = []
    for _ in range(15):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    held = lrsearch.tabulated([(0, 0.2), (3, 0.4)], total_steps=5)
    ours = lrsearch.join([held, make_schedule("cosine", total_steps=10, base_lr=0.4)], [5])
    np.testing.assert_allclose(ours.lr(np.arange(15)), rates, rtol=1e-12)


def test_it_survives_json_and_another_length() -> None:
    """params() is plain JSON with the parts' own; k times as long it has at step k t the rate of step t."""
    joined = lrsearch.join([RISE, FALL], [6])
    again = schedule_from_params(json.loads(json.dumps(joined.params())))
    assert joined == again
    assert hash(joined) == hash(again)
    steps = np.arange(joined.total_steps)
    np.testing.assert_allclose(joined.scaled_to(44).lr(4 * steps), joined.lr(steps), rtol=1e-12)
    assert joined.scaled_to(11) == joined
    assert np.all(np.isfinite(joined.scaled_to(1).lr(np.arange(2))))


def test_a_part_in_plain_numbers_lasts_until_the_next() -> None:
    """As a study file gives it: without total_steps."""
    parts = [{"family": "linear", "base_lr": 0.2}, {"family": "constant", "base_lr": 0.01}]
    made = make_schedule("join", total_steps=10, base_lr=0.2, parts=parts, boundaries=[4])
    assert made == lrsearch.join(
        [
            make_schedule("linear", total_steps=4, base_lr=0.2),
            make_schedule("constant", total_steps=6, base_lr=0.01),
        ],
        [4],
    )


@pytest.mark.parametrize(
    ("parts", "boundaries", "complaint"),
    [
        ([RISE], [], "parts must be 2 to 100 schedules, got 1"),
        ([], [], "parts must be a list of schedules, got ()|got \\(\\)"),
        ([RISE], [3], "parts must be 2 to 100 schedules, got 1"),
        ([RISE, FALL], [3, 5], "boundaries must be one fewer than parts, 1, got 2"),
        ([RISE, FALL, RISE], [5, 3], r"increasing whole numbers, each >= 1, got \[5, 3\]"),
        ([RISE, FALL], [0], "each >= 1"),
        ([RISE, PerEpoch(FALL)], [3], "functions of the step, got PerEpoch"),
        ([RISE, lrsearch.join([RISE, FALL], [3])], [3], "no joins themselves"),
        ([RISE, 0.1], [3], "got float"),
    ],
)
def test_what_cannot_be_joined_is_refused(parts, boundaries, complaint) -> None:
    """In one line."""
    with pytest.raises(InputError, match=complaint):
        lrsearch.join(parts, boundaries)


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ([{"family": "linear", "base_lr": 0.2}, {"family": "linear"}], "part 2 of 2: a schedule needs base_lr"),
        ([{"family": "join"}, {"family": "linear", "base_lr": 0.1}], "no joins"),
        ([{"family": "linear", "base_lr": 0.2}, 7], "must be tables"),
        ([{"family": "linear", "base_lr": 0.2}, {"family": "linear", "base_lr": 0.3}], "base_lr of a join must be"),
    ],
)
def test_plain_parts_are_refused_by_their_place(parts, complaint) -> None:
    """A study file or a stored record may hold anything."""
    with pytest.raises(InputError, match=complaint):
        make_schedule("join", total_steps=10, base_lr=0.2, parts=parts, boundaries=[4])
