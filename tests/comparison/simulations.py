"""Score tables drawn from a known truth, and whether a count of simulations keeps to a target."""

from collections.abc import Callable

import numpy as np
from scipy import stats

SEED_SD = 0.25
FULL_SIZE = 2000
# The unequal noise of the checks: seven steady families and one that varies a lot.
UNEQUAL_SDS = (0.1,) * 7 + (0.6,)


def draw_scores(rng, blocks, families, *, sd=SEED_SD, shift=0.0, correlation=0.3):
    """Return accuracies [blocks, families] in points, rounded to 0.01: normal noise, correlated within a block."""
    shared = np.sqrt(correlation) * rng.normal(size=(blocks, 1))
    separate = np.sqrt(1 - correlation) * rng.normal(size=(blocks, families))
    return np.round(90.0 + np.broadcast_to(shift, families) + (shared + separate) * np.broadcast_to(sd, families), 2)


def count(simulations: int, seed: int, happens: Callable[[np.random.Generator], bool]) -> int:
    """Return in how many of `simulations` simulations from one seed something happens."""
    rng = np.random.default_rng(seed)
    return sum(bool(happens(rng)) for _ in range(simulations))


def keeps(hits: int, simulations: int, low: float = 0.0, high: float = 1.0) -> bool:
    """Return whether a share lies in low .. high; below the full size, whether it is not refuted there at 0.001."""
    if simulations >= FULL_SIZE:
        return low <= hits / simulations <= high
    return stats.binom.ppf(0.001, simulations, low) <= hits <= stats.binom.ppf(0.999, simulations, high)


def search_winners(rng, searches, families, *, trials=10, spread=0.5):
    """Return the true qualities [searches, families] of winners chosen by one noisy run from random configurations."""
    quality = rng.normal(90.0, spread, (searches, families, trials))
    chosen = np.argmax(quality + rng.normal(0.0, SEED_SD, quality.shape), axis=2)
    return np.take_along_axis(quality, chosen[..., None], axis=2)[..., 0]


def shared_study(rng, families=8, trials=200):
    """Return (family, value) of the trials of one study whose sampler shares what it learns between identical families.

    A sampler in the manner of TPE: the best tenth of all trials weighs the families against the others; each family's
    one parameter, with its optimum at 0.6, is then tried near that family's own best. Only their names differ.
    """
    family, place, value = rng.integers(families, size=trials), rng.uniform(size=trials), np.empty(trials)
    for trial in range(trials):
        if trial >= 10:
            ranked = np.argsort(-value[:trial])
            good, rest = np.split(ranked, [int(np.ceil(0.1 * trial))])
            liked = (np.bincount(family[good], minlength=families) + 1 / families) / (len(good) + 1)
            disliked = (np.bincount(family[rest], minlength=families) + 1 / families) / (len(rest) + 1)
            candidates = rng.choice(families, size=24, p=liked)
            family[trial] = candidates[np.argmax((liked / disliked)[candidates])]
            best_three = ranked[family[ranked] == family[trial]][:3]
            if best_three.size:
                place[trial] = np.clip(place[rng.choice(best_three)] + rng.normal(0.0, 0.1), 0.0, 1.0)
        value[trial] = 90.0 - 8.0 * (place[trial] - 0.6) ** 2 + rng.normal(0.0, SEED_SD)
    return family, value
