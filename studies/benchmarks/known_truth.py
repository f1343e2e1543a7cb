"""The true answer of the study `quadratic` beside the one that it found.

    lrsearch run quadratic
    python studies/benchmarks/known_truth.py

prints, for each family, the exact expected loss of its best configuration (by exact optimisation: `sampler_cases.py`),
that of the configuration which the search found, what the confirmation measured, and what the verdict says.
"""

from __future__ import annotations

import argparse

import numpy as np
from sampler_cases import STEPS, Case, optima

from lrsearch.api.reading import compare
from lrsearch.names import DEFAULT_STORAGE
from lrsearch.schedules import schedule_from_params
from lrsearch.storage import StoredStudy

CASE = Case(1.0, 8, 1)
"""The case that studies/quadratic.toml is."""


def rows(storage: str, study: str) -> list[tuple[str, float, float, float, float, bool]]:
    """Return (family, true optimum, exact loss of what was found, measured mean, its SD, recommended), best first."""
    confirmed = StoredStudy.open(storage, study).confirmed()
    comparison = compare(study, storage=storage)
    best = {family: 10 ** (-score / 10) for family, score in optima(CASE).items()}  # scores are tenths of a decade
    found = {run.family: schedule_from_params(run.schedule).lr(np.arange(STEPS)) for run in confirmed.runs}
    made = []
    for place, family in enumerate(comparison.families):
        exact = 10 ** (-float(CASE.score(found[family])) / 10)
        mean, sd = comparison.means.mean[place], comparison.means.sd[place]
        made.append((family, best[family], exact, float(mean), float(sd), family in comparison.recommended))
    return sorted(made, key=lambda row: row[1])


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--storage", default=DEFAULT_STORAGE)
    parser.add_argument("--study", default="quadratic")
    asked = parser.parse_args(argv)
    print("| family | true optimum | what was found, exactly | measured, mean and SD | recommended |")
    print("|---|---|---|---|---|")
    for family, best, exact, mean, sd, recommended in rows(asked.storage, asked.study):
        print(f"| {family} | {best:.4f} | {exact:.4f} | {mean:.4f} ± {sd:.4f} | {'yes' if recommended else 'no'} |")


if __name__ == "__main__":
    main()
