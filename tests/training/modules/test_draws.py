"""Random numbers side by side are those that each lane draws alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import vmap

from lrsearch.training.modules.draws import LaneDraws, default_generator, lane_generators, step_seeds

LANES = 3
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: nn.functional.dropout(x, 0.4),
        lambda x: nn.functional.dropout1d(x.unsqueeze(0), 0.4),
        lambda x: nn.functional.alpha_dropout(x, 0.4),
        lambda x: x * torch.rand_like(x) + torch.randn_like(x),
        lambda x: x * torch.rand(5) + torch.randn(4, 5),
        lambda x: x * x.new_empty(4, 1).bernoulli_(0.5).div_(0.5),
        lambda x: torch.bernoulli(x.sigmoid()) + torch.normal(x, 1.0),
        lambda x: nn.functional.gumbel_softmax(x),
        lambda x: x + torch.randint(7, (5,)),
    ],
    ids=["dropout", "dropout1d", "alpha", "like", "factories", "path", "bernoulli", "gumbel", "integers"],
)
def test_a_lane_draws_what_it_draws_alone(function: Callable[[Tensor], Tensor]) -> None:
    """To the bit, twice in a row; and torch's own generator stands where it stood."""
    x = torch.randn(LANES, 4, 5, generator=torch.Generator().manual_seed(0))
    generators = lane_generators(LANES, CPU, stackable=True)
    for seed, generator in enumerate(generators):
        generator.manual_seed(seed)
    before = torch.random.get_rng_state()
    with LaneDraws(generators):
        together = [vmap(function, randomness="different")(x) for _ in range(2)]
    assert torch.equal(before, torch.random.get_rng_state())
    with torch.random.fork_rng():
        for lane, items in enumerate(x):
            torch.manual_seed(lane)
            for drawn in together:
                assert torch.equal(function(items), drawn[lane])


def test_lanes_that_train_one_at_a_time_draw_from_the_generator_of_the_device() -> None:
    """So that a module that knows nothing of generators draws from it too."""
    assert [default_generator(CPU)] == lane_generators(1, CPU, stackable=False)
    assert default_generator(CPU) is torch.default_generator


def test_every_step_of_every_lane_has_a_seed_of_its_own() -> None:
    """A function of the initial seed, the epoch and the step."""
    seeds = [step_seeds(init, epoch, 50) for init in (0, 1) for epoch in (0, 1)]
    assert 4 * 50 == len({seed for of_epoch in seeds for seed in of_epoch})
    assert seeds[1] == step_seeds(0, 1, 50)
