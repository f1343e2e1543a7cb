"""How often the tests of tables err, and what they see: unpaired groups, and looking while runs are added.

    python studies/unpaired_errors.py --simulations 1000

prints the two tables of docs/statistics.md, in about 10 minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lrsearch.comparison.inference.sequential import paired_looks, unpaired_looks
from lrsearch.comparison.inference.welch import RunGroups, welch_max_t

ALPHA = 0.05
DRAWS = 999
MIXED = (3, 30, 5, 20, 3, 10, 4, 30, 6, 3, 15, 8)
FREEDOM = np.array([2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 120, 1e6])
NOISES = ("normal", "t4")
METHODS = ("max-T (used)", "Games-Howell", "Dunnett's C")


@dataclass(frozen=True)
class Case:
    """Groups of `counts` runs, with the scatter `sds` [groups] and noise of one kind; `lead` is the last one's."""

    counts: tuple[int, ...]
    sds: tuple[float, ...]
    noise: str
    lead: float = 0.0

    def draw(self, rng: np.random.Generator) -> RunGroups:
        """Return groups of runs, all of one mean but the last."""
        runs = [sd * noise(rng, self.noise, n) for n, sd in zip(self.counts, self.sds, strict=True)]
        runs[-1] += self.lead
        return RunGroups.of(runs)


def noise(rng: np.random.Generator, kind: str, size: int) -> np.ndarray:
    """Return noise [size] of SD 1: normal, or t with 4 degrees of freedom."""
    return rng.standard_normal(size) if kind == "normal" else rng.standard_t(4, size) / np.sqrt(2)


def cases(groups: int, runs: int | None) -> Iterator[Case]:
    """Yield the cases of so many groups of `runs` each, or of 3 to 30 if None: SDs alike, 1:6 and 6:1, two noises."""
    counts = MIXED[:groups] if runs is None else (runs,) * groups
    rising = tuple(np.geomspace(1, 6, groups)[np.argsort(np.argsort(counts, kind="stable"))].tolist())
    spreads = {(1.0,) * groups, rising, tuple(6 / sd for sd in rising)} if runs is None else {(1.0,) * groups, rising}
    for sds in sorted(spreads):
        for kind in NOISES:
            yield Case(counts, sds, kind)


def range_quantiles(groups: int) -> np.ndarray:
    """Return the quantile of the studentised range of `groups` for each of FREEDOM, divided by the root of 2."""
    return np.array([stats.studentized_range.ppf(1 - ALPHA, groups, nu) for nu in FREEDOM]) / np.sqrt(2)


def separated(groups: RunGroups, quantiles: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return, for each of METHODS, which pairs [groups, groups] it separates."""

    def quantile(freedom: np.ndarray) -> np.ndarray:
        return np.interp(1 / freedom, 1 / FREEDOM[::-1], quantiles[::-1])

    tests = welch_max_t(groups, rng, alpha=ALPHA, draws=DRAWS)
    spread, own = groups.mean_variances, quantile(groups.counts - 1.0)
    size = np.abs(tests.difference) / groups.standard_error
    weighted = own * spread
    dunnett = (weighted[:, None] + weighted) / (spread[:, None] + spread)
    return [tests.p <= ALPHA, size > quantile(groups.freedom), size > dunnett]


def errors(case: Case, simulations: int, rng: np.random.Generator, quantiles: np.ndarray) -> np.ndarray:
    """Return how often each of METHODS separates any pair; without a lead, each time is an error."""
    return sum(
        np.array([found.any() for found in separated(case.draw(rng), quantiles, rng)], dtype=float)
        for _ in range(simulations)
    ) / np.float64(simulations)


def power(case: Case, simulations: int, rng: np.random.Generator, quantiles: np.ndarray) -> np.ndarray:
    """Return how often each of METHODS separates the last group from the first."""
    return sum(
        np.array([found[0, -1] for found in separated(case.draw(rng), quantiles, rng)], dtype=float)
        for _ in range(simulations)
    ) / np.float64(simulations)


def t_test_at_every_look(differences: np.ndarray) -> bool:
    """Return whether a t test of differences[pairs] is below 5 % after any number of pairs from 3 on."""
    n = np.arange(1, len(differences) + 1)
    mean = np.cumsum(differences) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (np.cumsum(differences**2) - n * mean**2) / (n - 1)
        t = np.abs(mean) / np.sqrt(variance / n)
    return bool((t > stats.t.isf(ALPHA / 2, n - 1))[2:].any())


def first_call(differences: np.ndarray) -> int | None:
    """Return the number of pairs at which the sequential test first separates, if it does."""
    looks = paired_looks(differences, ALPHA)
    return next((look.runs[0] for look in looks if look.low > 0 or look.high < 0), None)


def unpaired_call(rng: np.random.Generator, kind: str, sds: tuple[float, float], most: int) -> bool:
    """Return whether two groups of one mean that grow by turns are ever separated."""
    scores = noise(rng, kind, 2 * most) * np.resize(sds, 2 * most)
    looks = unpaired_looks(scores, np.arange(2 * most) % 2 == 0, ALPHA)
    return any(look.low > 0 or look.high < 0 for look in looks)


def print_unpaired(simulations: int) -> None:
    """Print the errors of the unpaired tests, the largest of all cases of a line, and their power."""
    print("| families | runs of each | " + " | ".join(METHODS) + " | power of each |")
    print("|---|---|" + "---|" * (len(METHODS) + 1))
    for groups in (2, 5, 12):
        quantiles = range_quantiles(groups)
        for runs in (3, 5, 10, 30, None):
            rng = np.random.default_rng([groups, runs or 0])
            worst = np.max([errors(case, simulations, rng, quantiles) for case in cases(groups, runs)], axis=0)
            counts = MIXED[:groups] if runs is None else (runs,) * groups
            seen = power(Case(counts, (1.0,) * groups, "normal", lead=2.0), simulations, rng, quantiles)
            cells = [f"{value:.3f}" for value in worst] + [", ".join(f"{value:.2f}" for value in seen)]
            print(f"| {groups} | {runs or '3 to 30'} | " + " | ".join(cells) + " |", flush=True)


def print_sequential(simulations: int, most: int = 100) -> None:
    """Print the errors of looking at every number of runs up to `most`, and the pairs that a call takes."""
    rng = np.random.default_rng(0)
    print("\n| looking after every run, from 3 to 100 | |\n|---|---|")
    drawn = [noise(rng, "normal", most) for _ in range(simulations)]
    print(f"| the t test at 5 %, no difference: separated | {np.mean([t_test_at_every_look(d) for d in drawn]):.3f} |")
    for kind in NOISES:
        calls = [first_call(noise(rng, kind, most)) is not None for _ in range(simulations)]
        print(f"| `--sequential`, pairs, {kind}, no difference: separated | {np.mean(calls):.3f} |", flush=True)
    for kind in NOISES:
        for sds in ((1.0, 1.0), (1.0, 6.0)):
            calls = [unpaired_call(rng, kind, sds, most) for _ in range(simulations)]
            ratio = f"SDs {sds[0]:g}:{sds[1]:g}"
            print(f"| the same, unpaired, {kind}, {ratio}: separated | {np.mean(calls):.3f} |", flush=True)
    for size in (0.5, 1.0, 2.0):
        found = [first_call(size + noise(rng, "normal", most)) for _ in range(simulations)]
        known = [call for call in found if call is not None]
        print(
            f"| a difference of {size:g} SD of a pair: separated by 100 pairs; mean number of pairs needed | "
            f"{len(known) / simulations:.2f}; {np.mean(known):.0f} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000, help="of each case; the standard error is 0.007")
    asked = parser.parse_args()
    print_unpaired(asked.simulations)
    print_sequential(asked.simulations)
