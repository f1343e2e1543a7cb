"""What whole studies promised and what came true, judged by exact scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from whole_study import BLOCKS, CASES, FAMILIES, KINDS

from lrsearch.comparison.inference.power import Noise, Power, plan_power

RECOMMENDED = "the recommended set holds the true best"
COVERED = "all intervals of a study hold the true differences"
ORDER = "no separated pair of a study is in the wrong order"
PAIRS = "separated pairs are in the true order"
WITHIN = "'equivalent', 'by less than matters': within the ROPE"
BEYOND = "'by more than the ROPE': beyond it"
PROMISES = {RECOMMENDED: 0.95, COVERED: 0.95, ORDER: 0.95, PAIRS: 0.97, WITHIN: 0.95, BEYOND: 0.95}
"""The share in which each is to be true."""

POOLED_SLACK = 0.005
"""By how much the share over all cases may lie below: 95 % promised, 94.5 % asked for."""
CASE_ALPHA = 0.0005
FEWEST_SEARCHES = 15 * BLOCKS
"""Behind an exact mean, whose own error is then small beside that of a verdict on as many searches as blocks."""
FEWEST = 200
"""Of which a share is said to be kept; so many of 95 % have a standard error of 1.5 points."""
CALLED_SMALL, CALLED_LARGE = ("equivalent", "by less than matters"), ("by more than the ROPE",)


def judge(study: Mapping[str, Any], truth: NDArray[np.float64]) -> dict[str, list[bool]]:
    """Return, for each promise, how often a study made it and whether it was true.

    Args:
        study: of `whole_study`.
        truth: the exact mean loss of each family [families].
    """
    first, second = np.array(list(combinations(range(len(FAMILIES)), 2))).T
    better = truth[second] - truth[first]
    low, high = np.array(study["low"]), np.array(study["high"])
    separated = np.array(study["separated"])
    right = (low > 0) == (better > 0)
    said, rope = study["verdict"], study["rope"]
    return {
        RECOMMENDED: [FAMILIES[int(np.argmin(truth))] in study["recommended"]],
        COVERED: [bool(((low <= better) & (better <= high)).all())],
        ORDER: [bool(right[separated].all())],
        PAIRS: right[separated].tolist(),
        WITHIN: [bool(abs(d) < rope) for d, words in zip(better, said, strict=True) if words.endswith(CALLED_SMALL)],
        BEYOND: [
            bool(d * (1 if words.startswith("better") else -1) > rope)
            for d, words in zip(better, said, strict=True)
            if words.endswith(CALLED_LARGE)
        ],
    }


def truths(studies: Sequence[Mapping[str, Any]]) -> list[NDArray[np.float64] | None]:
    """Return what each study is judged by: the exact scores of its configurations [families].

    Of replicated searches it is the exact mean of the family tuned so: over all searches of its case but its own; None
    where these are too few.
    """
    total: dict[Any, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(FAMILIES)))
    count: dict[Any, int] = defaultdict(int)
    for study in studies:
        key = (KINDS[study["kind"]].searches, study["case"])
        total[key] += np.sum(study["exact"], axis=0)
        count[key] += len(study["exact"])
    judged_by: list[NDArray[np.float64] | None] = []
    for study in studies:
        exact, key = np.array(study["exact"]), (KINDS[study["kind"]].searches, study["case"])
        others = count[key] - len(exact)
        if not KINDS[study["kind"]].replicated:
            judged_by.append(exact[0])
        else:
            enough = others >= FEWEST_SEARCHES
            judged_by.append((total[key] - exact.sum(axis=0)) / others if enough else None)
    return judged_by


def power_of(studies: Sequence[Mapping[str, Any]], judged_by: Sequence[NDArray[np.float64]]) -> list[list[float]]:
    """Return, for each pair of each study, the power that a plan promised and whether the pair was found.

    The plan knows the noise of another study of the case, as `lrsearch plan --noise-from` would, and the true
    difference.
    """
    unit = plan_power(
        Noise(1.0, 0.0), blocks=BLOCKS, families=len(FAMILIES), rng=np.random.default_rng(0), simulations=200
    )
    pilots: dict[int, Mapping[str, Any]] = {}
    pairs = []
    for study, truth in zip(studies, judged_by, strict=True):
        if (pilot := pilots.get(study["case"])) is not None:
            pairs += _promised_and_found(study, truth, pilot["noise"], unit)
        pilots[study["case"]] = study
    return pairs


def _promised_and_found(
    study: Mapping[str, Any], truth: NDArray[np.float64], noise: Sequence[float], unit: Power
) -> list[list[float]]:
    sd, correlation = noise
    own = sd * np.sqrt(1 - correlation)
    found = []
    for place, (first, second) in enumerate(combinations(range(len(FAMILIES)), 2)):
        better = truth[second] - truth[first]
        seen = study["separated"][place] and (study["low"][place] > 0) == (better > 0)
        found.append([unit.power(abs(better) / own), float(seen)])
    return found


def summary(studies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, for each kind of study, how many there were and for each promise how often it was made and was true."""
    results: dict[str, Any] = {}
    judged = [(study, truth) for study, truth in zip(studies, truths(studies), strict=True) if truth is not None]
    for kind in KINDS:
        mine = [(study, truth) for study, truth in judged if study["kind"] == kind]
        if not mine:
            continue
        by_case: dict[str, dict[int, list[bool]]] = {promise: defaultdict(list) for promise in PROMISES}
        for study, truth in mine:
            for promise, outcomes in judge(study, truth).items():
                by_case[promise][study["case"]] += outcomes
        power = np.array(power_of(*zip(*mine, strict=True)) or [[np.nan, np.nan]])
        likely = power[power[:, 0] >= 0.8]
        results[kind] = {
            "studies": len(mine),
            "promises": {promise: _shares(cases) for promise, cases in by_case.items()},
            "power": {"pairs": len(power), "promised": power[:, 0].mean(), "found": power[:, 1].mean()},
            "power_of_80": {"pairs": len(likely), "found": float(likely[:, 1].mean()) if len(likely) else None},
            "cases": _cases([study for study, _ in mine], by_case[COVERED]),
        }
    return results


def _cases(studies: Sequence[Mapping[str, Any]], covered: Mapping[int, list[bool]]) -> list[dict[str, Any]]:
    """Return, for each case, how often all intervals held, and the exact losses of what was confirmed there."""
    losses: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    for study in studies:
        losses[study["case"]].append(np.ravel(study["exact"]))
    return [
        {
            "spectrum": CASES[case].spectrum,
            "batch": CASES[case].batch,
            "covered": sum(covered[case]),
            "made": len(covered[case]),
            **{of.__name__: float(of(np.concatenate(losses[case]))) for of in (np.median, np.mean, np.max)},
        }
        for case in sorted(covered)
    ]


def _shares(cases: Mapping[int, list[bool]]) -> dict[str, Any]:
    """Return how often a promise was made and was true, and the same of the case where it was least true."""
    counts = {case: (int(sum(outcomes)), len(outcomes)) for case, outcomes in cases.items() if outcomes}
    true, made = (int(sum(count[place] for count in counts.values())) for place in (0, 1))
    limits = {case: _upper(true, made, CASE_ALPHA) for case, (true, made) in counts.items()}
    worst = min(limits, key=lambda case: limits[case], default=None)
    return {
        "true": true,
        "made": made,
        "worst_case": None if worst is None else [CASES[worst].spectrum, CASES[worst].batch, *counts[worst]],
        "worst_upper": None if worst is None else limits[worst],
    }


def _upper(true: int, made: int, alpha: float) -> float:
    """Return the upper limit of the exact interval for a share, at the level 1 - alpha."""
    return 1.0 if true == made else float(beta.ppf(1 - alpha / 2, true + 1, made - true))


def outcome(promise: str, shares: Mapping[str, Any]) -> str:
    """Return whether a promise was kept: over all cases, and in no single one certainly not.

    A share below what it has to be, whose exact interval of 95 % reaches it, leaves that open.
    """
    least, true, made = PROMISES[promise], shares["true"], shares["made"]
    if shares["worst_upper"] < min(least, 0.95) or _upper(true, made, 0.05) < least:
        return "**broken**"
    return (
        "kept"
        if made >= FEWEST and true / made >= (least if promise == PAIRS else least - POOLED_SLACK)
        else "too few to say"
    )


def overview(results: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table in Markdown with a row for each kind of study: how often each promise was true."""
    lines = ["| studies | " + " | ".join(PROMISES) + " |", "|---|" + "---|" * len(PROMISES)]
    for kind, result in results.items():
        cells = [f"{share['true']:,} of {share['made']:,}" for share in result["promises"].values()]
        lines.append(f"| {result['studies']:,}, {kind} | " + " | ".join(cells) + " |")
    return lines


def table(results: Mapping[str, Any]) -> str:
    """Return the results as tables in Markdown: an overview, and one for each kind of study."""
    lines = overview(results)
    for kind, result in results.items():
        lines += [f"\n{result['studies']:,} studies, {kind}\n", "| promised | made | came true | worst case | |"]
        lines += ["|---|---|---|---|---|"]
        for promise, shares in result["promises"].items():
            if not shares["made"]:
                lines.append(f"| {promise} | 0 | - | - | |")
                continue
            spectrum, batch, true, made = shares["worst_case"]
            lines.append(
                f"| {promise} ({PROMISES[promise]:.0%}) | {shares['made']:,} | {shares['true'] / shares['made']:.2%} | "
                f"a = {spectrum:g}, B = {batch}: {true} of {made} | {outcome(promise, shares)} |"
            )
        power, likely = result["power"], result["power_of_80"]
        lines.append(
            f"| power of a pair by `plan`: {power['promised']:.0%} on average | {power['pairs']:,} | "
            f"{power['found']:.1%} found | | |"
        )
        if likely["pairs"]:
            lines.append(f"| where that was 80 % or more | {likely['pairs']:,} | {likely['found']:.1%} found | | |")
        lines += ["\n| case | all intervals held | losses: median | mean | largest |", "|---|---|---|---|---|"]
        lines += [
            f"| a = {case['spectrum']:g}, B = {case['batch']} | {case['covered']} of {case['made']} | "
            f"{case['median']:.3f} | {case['mean']:.3f} | {case['max']:.2f} |"
            for case in result["cases"]
        ]
    return "\n".join(lines)
