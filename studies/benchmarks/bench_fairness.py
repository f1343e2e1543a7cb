"""Whether a family is searched worse for its company: families alone, and beside others that could mislead.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_fairness.py --seeds 5 --json fairness.json

Six families are searched by the sampler `gp` with 8 trials each: alone; beside six bad copies (their scores are 6
points lower); six shifted ones (every rate counts 10-fold, so that their best base_lr is tiny); six strange ones
(30-fold: near a cliff of divergence they never train); and with a twin of cosine. For each family: its regret alone,
what the company adds to it (with the standard error over cases and seeds, paired), and the regret of a TPE of its own
with 10 start-up trials, of which a twentieth is the most that company may add beyond two standard errors. Resumable
like bench_sampler.py; about 10 seconds a case and seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_sampler import Cells
from numpy.typing import NDArray
from sampler_cases import CHOSEN_ON, Case, curve, optima, space
from sampler_runs import Problem, Setting, of_families, run

from lrsearch.experiment.space import FAMILY, Space
from lrsearch.schedules import AnySchedule

SIX = ("constant", "exponential", "multistep", "cosine", "one_cycle", "warmup_stable_decay")
COMPANY: dict[str, tuple[str, ...]] = {
    "alone": (),
    "bad copies": tuple(f"{family} bad" for family in SIX),
    "shifted copies": tuple(f"{family} shifted" for family in SIX),
    "strange copies": tuple(f"{family} strange" for family in SIX),
    "a twin of cosine": ("cosine twin",),
}
_SAMPLERS = {"tpe10": of_families(kind="tpe", startup_trials=10), "gp": of_families(kind="gp")}
_LOWER = 6.0
_FACTORS = {"shifted": 10.0, "strange": 30.0}
_ALLOWED = 0.05


@dataclass(frozen=True)
class CopiedSpace(Space):
    """A space in which "cosine bad" makes the schedules of cosine."""

    def schedule(self, params: Mapping[str, Any]) -> AnySchedule:
        """Return the schedule of the family that a copy was made from."""
        family = params[FAMILY]
        return space((_original(family),)).schedule({**params, FAMILY: _original(family)})


def _original(family: str) -> str:
    return family.partition(" ")[0]


def copied_curve(case: Case, params: Mapping[str, Any], whole: bool) -> NDArray[np.float64]:
    """Return the exact scores of a family or a copy."""
    family, _, kind = params[FAMILY].partition(" ")
    scores = curve(case, {**params, FAMILY: family}, whole, _FACTORS.get(kind, 1.0))
    return np.maximum(scores - _LOWER, _worst(case)) if kind == "bad" else scores


def _worst(case: Case) -> float:
    return float(case.score(np.zeros(1)))


def problem(case: Case, company: str) -> Problem:
    """Return the six families with a company; regrets of copies are against the originals' optima."""
    names = (*SIX, *COMPANY[company])
    plain = space()
    by_family = {name: plain.by_family[_original(name)] for name in names}
    best = optima(case)
    return Problem(
        CopiedSpace(plain.total_steps, plain.steps_per_epoch, by_family),
        partial(copied_curve, case),
        {name: best[_original(name)] for name in names},
        _worst(case),
    )


def measure(cells: Cells, cases: Sequence[Case], seeds: int, trials: int) -> None:
    """Run the searches that are missing."""
    wanted = [("tpe10", "alone"), *(("gp", company) for company in COMPANY)]
    for seed in range(seeds):
        for case in cases:
            for sampler, company in wanted:
                key = {"case": case.name, "sampler": sampler, "company": company, "seed": seed}
                if not cells.has(key, (trials,)):
                    setting = Setting((trials,), 1, 0.3, seed)
                    cells.add(key, run(problem(case, company), _SAMPLERS[sampler], setting))
                    print(f"{len(cells.rows)} cells: {key}", file=sys.stderr)


def table(rows: Sequence[Mapping[str, Any]], trials: int) -> Iterator[str]:
    """Yield a line for each family and company."""
    regrets = {
        (row["sampler"], row["company"], row["case"], row["seed"]): np.array(row["at"][str(trials)]["regret"])
        for row in rows
    }
    held = sorted({key[2:] for key in regrets if all(("gp", company, *key[2:]) in regrets for company in COMPANY)})
    today, *ours = (
        np.stack([regrets[sampler, company, *place] for place in held])
        for sampler, company in [("tpe10", "alone"), *(("gp", company) for company in COMPANY)]
    )
    alone = ours[0]
    yield f"{len(held)} cases and seeds{'':<18}{'alone':>8}{'added by company':>20}{'tpe10':>9}{'allowed':>9}"
    for company, values in zip(list(COMPANY)[1:], ours[1:], strict=True):
        added = values[:, : len(SIX)] - alone
        for number, family in enumerate([*SIX, "mean"]):
            column = added.mean(axis=1) if family == "mean" else added[:, number]
            of_tpe, of_gp = (t.mean() if family == "mean" else t[:, number].mean() for t in (today, alone))
            mean, error = _mean_and_error(column)
            verdict = "worse" if mean - 2 * error > _ALLOWED * of_tpe else ""
            yield (
                f"{company:<17}{family:<21}{of_gp:8.2f}{mean:13.2f} ±{error:5.2f}{of_tpe:9.2f}"
                f"{_ALLOWED * of_tpe:9.2f} {verdict}"
            )
    twins = ours[-1][:, -1] - ours[-1][:, SIX.index("cosine")]
    yield "the twin less cosine: {:.2f} ±{:5.2f}".format(*_mean_and_error(twins))


def _mean_and_error(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and its standard error, nan for one value."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=4, help="how many, of those that the sampler was chosen on")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=8, help="of each family")
    parser.add_argument("--json", type=Path, help="the file of cells")
    parser.add_argument("--print", action="store_true", help="run nothing, print what the file holds")
    options = parser.parse_args(arguments)
    cells = Cells(options.json)
    if not options.print:
        measure(cells, CHOSEN_ON[: options.cases], options.seeds, options.trials)
    print("\n".join(table(cells.rows, options.trials)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
