"""Blocks: who shares whose seeds, and what is trained in which block."""

from dataclasses import astuple

import pytest

from lrsearch.confirmation.blocks import AA, POSITIVE, Block, plan_blocks
from lrsearch.confirmation.candidates import Candidate
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Seeds
from tests.confirmation.searches_by_hand import DONE, experiment_of, search_of

PLAIN = {"name": "plain", "family": "constant", "base_lr": 0.1}
ALL_THREE = [("constant", DONE, 0.5, 0.01), ("cosine", DONE, 0.7, 0.02), ("linear", DONE, 0.6, 0.03)]


def _names(block: Block) -> list[str]:
    return [candidate.name for candidate in block.candidates]


def test_all_of_a_block_share_its_seeds_but_for_the_twin() -> None:
    """An A/A twin has the block's split, and an initialisation and an order of its own in every block."""
    candidate, twin = Candidate("cosine", {}), Candidate("twin", {}, control=AA)
    weak = Candidate("weak", {}, control=POSITIVE)
    twin_seeds = set()
    for index in range(3):
        block = Block(index, Seeds.of(0, "confirm", index), (candidate, twin, weak))
        assert block.seeds == block.seeds_of(candidate) == block.seeds_of(weak)
        seeds = block.seeds_of(twin)
        assert block.seeds.split == seeds.split
        assert not {block.seeds.init, block.seeds.order} & {seeds.init, seeds.order}
        twin_seeds |= {seeds.init, seeds.order}
    assert 6 == len(twin_seeds)


def test_after_one_search_every_block_trains_its_winners_and_the_fixed_schedules() -> None:
    """On seeds that no other block and no search has; families without a complete trial are left out by name."""
    experiment = experiment_of(baseline=[PLAIN])
    plan = plan_blocks(experiment, [search_of(experiment)], blocks=3, top=2)
    assert (("linear",), {}) == (plan.left_out, plan.tuning_budgets)
    assert [["constant", "constant #2", "cosine", "plain"]] * 3 == [_names(block) for block in plan.blocks]
    assert [0, 1, 2] == [block.index for block in plan.blocks]
    seeds = [seed for block in plan.blocks for seed in astuple(block.seeds)]
    assert 12 == len({*seeds} - {*astuple(Seeds.of(experiment.config.seed, "search", 0))})


def test_after_several_searches_each_block_trains_the_winners_of_its_own() -> None:
    """Their number is the number of blocks; a family that one search left empty is left out of all blocks."""
    experiment = experiment_of()
    plan = plan_blocks(experiment, [search_of(experiment), search_of(experiment, ALL_THREE)], blocks=9)
    assert [["constant", "cosine"]] * 2 == [_names(block) for block in plan.blocks]
    assert ("linear",) == plan.left_out
    assert [0.04, 0.01] == [block.candidates[0].schedule["base_lr"] for block in plan.blocks]


def test_without_a_search_the_fixed_schedules_are_compared_alone() -> None:
    """There is nothing to tune."""
    plan = plan_blocks(experiment_of(baseline=[PLAIN]), [], blocks=2, tuning_budgets=[1])
    assert ([["plain"]] * 2, (), {}) == ([_names(block) for block in plan.blocks], plan.left_out, plan.tuning_budgets)


def test_a_family_that_was_ahead_earlier_is_trained_in_that_configuration_too() -> None:
    """After one trial constant had another winner than at the end; cosine's winner was there already."""
    experiment = experiment_of()
    later = [("constant", DONE, 0.8, 0.5), ("cosine", DONE, 0.1, 0.9), ("linear", DONE, 0.1, 0.9)]
    study = search_of(experiment, [*ALL_THREE, *later])
    plan = plan_blocks(experiment, [study], blocks=2, tuning_budgets=[1])
    standing = {"constant": "constant after 1", "cosine": "cosine", "linear": "linear"}
    assert {1: [standing, standing]} == plan.tuning_budgets
    for block in plan.blocks:
        earlier = block.candidates[_names(block).index("constant after 1")]
        assert (0.01, 1) == (earlier.schedule["base_lr"], earlier.tuning_budget)
    with pytest.raises(InputError, match="below the number of trials of every family, got 2, and constant has 2"):
        plan_blocks(experiment, [study], blocks=2, tuning_budgets=[2])
