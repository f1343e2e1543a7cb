import numpy as np
import pytest

from lrsearch.comparison.inference.flips import flip_pairs
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.comparison.inference.power import Noise, blocks_to_settle, pilot_noise, plan_power
from lrsearch.errors import InputError
from tests.comparison.simulations import draw_scores

NOISE = Noise(sd=0.25, correlation=0.3)


def plan(blocks, families=8, *, simulations=60, against_reference=False):
    rng = np.random.default_rng(1)
    return plan_power(
        NOISE, blocks=blocks, families=families, rng=rng, simulations=simulations, against_reference=against_reference
    )


@pytest.mark.parametrize(("blocks", "power"), [(10, 0.45), (12, 0.59), (15, 0.76), (20, 0.90)])
def test_the_power_is_that_of_full_simulations(blocks, power):
    """For 0.3 points among 28 pairs the plan's power is that of the published table, within 0.06."""
    planned = plan(blocks)
    assert power == pytest.approx(planned.power(0.3), abs=0.06)
    assert planned.power(0.1) < 0.1


def test_the_detectable_difference_has_its_power():
    """The difference found for a power is detected with that power, and more blocks find smaller ones."""
    few, many = plan(8), plan(12)
    assert few.power(few.detectable(0.8)) == pytest.approx(0.8, abs=0.002)
    assert many.detectable() < few.detectable()


def test_fewer_contrasts_have_more_power():
    """Against one reference a smaller difference can be seen than over all pairs."""
    assert plan(10, against_reference=True).detectable() < plan(10).detectable()


def test_the_reach_is_what_the_single_step_rejects():
    """A simulated comparison rejects a pair exactly from its reach on, in each of its two directions."""
    column_sd = NOISE.sd * np.sqrt(1 - NOISE.correlation)
    reach = plan_power(NOISE, blocks=8, families=2, rng=np.random.default_rng(5), simulations=1).reach
    assert reach[0] > 0.01
    noise = np.random.default_rng(5).normal(0.0, column_sd, (8, 2))
    for difference, expected in zip(np.repeat(reach, 2) + [-0.001, 0.001] * 2, [0, 1, 1, 2], strict=True):
        p = [
            max_t(flip_pairs(noise + np.array(shift) * difference, np.random.default_rng(0)), 0.05).p_single[0]
            for shift in ([1, 0], [0, 1])
        ]
        assert expected == np.sum(np.array(p) <= 0.05)


def test_a_pilot_gives_back_the_noise_it_was_drawn_with():
    """SD and correlation are measured on the scores, for any means."""
    scores = draw_scores(np.random.default_rng(3), 4000, 5, shift=[0, 1, 2, 3, 4])
    noise = pilot_noise(scores)
    assert (noise.sd, noise.correlation) == pytest.approx((0.25, 0.3), abs=0.02)
    assert pilot_noise(np.ones((6, 3))) == Noise(0.0, 0.0)
    with pytest.raises(InputError, match="at least two families"):
        pilot_noise(np.ones((6, 1)))


def test_a_plan_that_cannot_be_is_refused():
    """Too few blocks are named in the error, with the other numbers of the plan."""
    with pytest.raises(InputError, match="but has 5 blocks, 8 families"):
        plan(5)


def test_the_blocks_that_settle_a_pair_do_so():
    """A new comparison of that many blocks has about the half-width asked for; one of half as many has not."""
    rng = np.random.default_rng(4)
    flips = flip_pairs(draw_scores(rng, 10, 4), rng)
    result = max_t(flips, 0.05)
    sd = float(np.median(flips.seed_sd))
    needed = int(blocks_to_settle(sd, quantile=result.quantile, blocks=10, half_width=0.15))
    again = flip_pairs(draw_scores(rng, needed, 4, sd=sd / np.sqrt(1.4)), rng)
    assert float(np.median(max_t(again, 0.05).quantile * again.standard_error)) == pytest.approx(0.15, rel=0.25)


def test_test_examples_can_put_settling_out_of_reach():
    """What drawing the test examples adds does not shrink with blocks."""
    expected = float("inf")
    assert expected == blocks_to_settle(0.3, quantile=3.0, blocks=10, half_width=0.15, sampling_variance=0.01)
