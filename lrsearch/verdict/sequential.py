"""One candidate against one baseline while runs are added: a verdict that is valid at every look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.comparison.arrays import BoolArray, FloatArray, one_axis
from lrsearch.comparison.inference.sequential import FEWEST_RUNS, Look, paired_looks, unpaired_looks
from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.metric import Direction, Metric
from lrsearch.tables import Column, Interval, Table, table
from lrsearch.verdict.scores_csv import Run, read_scores

Outcome = Literal["better", "undecided", "worse"]
_EXIT_CODES: dict[Outcome, int] = {"better": 0, "undecided": 3, "worse": 4}
CONTRADICTION = "the runs contradict each other"


@dataclass(frozen=True)
class SequentialVerdict:
    """Whether a candidate is better than a baseline, after as many runs as there are.

    The error rate holds over all looks together: runs may be added until the outcome is known, and no further.

    Attributes:
        candidate, baseline: their names.
        looks: from the first number of runs that allows one, in the order of running.
        runs: of the candidate and the baseline; of paired runs, the pairs.
        paired: whether the runs of a pair share their seeds.
        problem: why there is no verdict, or what stands against one; "" if nothing does.
        alpha: the error rate over all looks, both directions together.
        metric: what a score measures, its direction and its unit.
    """

    candidate: str
    baseline: str
    looks: tuple[Look, ...]
    runs: tuple[int, int]
    paired: bool
    problem: str
    alpha: float
    metric: Metric

    @property
    def outcome(self) -> Outcome:
        """What is decided, from the candidate's side."""
        if self.problem or not self.looks:
            return "undecided"
        last = self.looks[-1]
        return "better" if last.low > 0 else "worse" if last.high < 0 else "undecided"

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0 in favour of the candidate, 3 undecided, 4 against it."""
        return _EXIT_CODES[self.outcome]

    @property
    def first_call(self) -> Look | None:
        """The first look that decided, if one did."""
        return next((look for look in self.looks if look.low > 0 or look.high < 0), None)

    @property
    def extent(self) -> str:
        """The runs in words."""
        if self.paired:
            return f"{self.runs[0]} paired runs"
        return f"{self.runs[0]} runs of {self.candidate} and {self.runs[1]} of {self.baseline}"

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if not self.looks or self.problem:
            reason = self.problem or f"a look needs at least {FEWEST_RUNS} runs of each"
            return f"Undecided after {self.extent}: {reason}."
        last, call = self.looks[-1], self.first_call
        limits = f"{self.metric.number(last.low)} to {self.metric.number(last.high)}"
        if call is None:
            word = "better" if last.difference > 0 else "worse"
            return (
                f"Undecided after {self.extent}: so far {self.candidate} is {word} than {self.baseline} by "
                f"{self.metric.number(abs(last.difference))} {self.metric.unit} (by how much better: {limits}). More "
                "runs may be added and looked at."
            )
        better, worse = (self.candidate, self.baseline)[:: 1 if last.low > 0 else -1]
        low, high = sorted((abs(last.low), abs(last.high)))
        return (
            f"{better} is better than {worse} by {self.metric.number(abs(last.difference))} {self.metric.unit} "
            f"({self.metric.number(low)} to {self.metric.number(high)}), after {self.extent}; this was known after "
            f"{call.runs[0] if self.paired else ' and '.join(map(str, call.runs))}."
        )

    @property
    def note(self) -> str:
        """What the numbers are, in one line."""
        return (
            f"{self.metric.unit} of {self.metric.name}; valid at every look, with an error rate of {self.alpha:g} over "
            "all of them; assumes roughly symmetric noise, and lines in the order of running"
        )

    def table(self) -> Table:
        """Return a row per look."""
        decimals = self.metric.decimals
        columns = (
            Column("runs", "paired runs" if self.paired else f"runs of {self.candidate} and {self.baseline}"),
            Column("difference", decimals=decimals, signed=True),
            Column("interval so far", decimals=decimals, signed=True),
            Column("p so far"),
        )
        rows = [
            (
                str(look.runs[0]) if self.paired else "{} and {}".format(*look.runs),
                look.difference,
                Interval(look.low, look.high),
                look.p,
            )
            for look in self.looks
        ]
        return table(columns, rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data; infinity becomes None where it is printed."""
        last, call = self.looks[-1] if self.looks else None, self.first_call
        return {
            "candidate": self.candidate,
            "baseline": self.baseline,
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "difference": last.difference if last else None,
            "low": last.low if last else None,
            "high": last.high if last else None,
            "p": last.p if last else None,
            "e_value": last.e_value if last else None,
            "runs": list(self.runs),
            "paired": self.paired,
            "first_call": list(call.runs) if call and not self.problem else None,
            "problem": self.problem or None,
            "alpha": self.alpha,
            "metric": self.metric.name,
            "unit": self.metric.unit,
            "direction": self.metric.direction,
            "verdict_text": self.sentence,
            "looks": [asdict(look) for look in self.looks],
        }


@checked
def compare_sequential(
    candidate: ArrayLike,
    baseline: ArrayLike,
    *,
    names: tuple[str, str] = ("candidate", "baseline"),
    paired: bool = True,
    alpha: float = 0.05,
    direction: Direction = "maximize",
    metric: str = "accuracy",
    unit: str | None = None,
    failed_at: float | None = None,
) -> SequentialVerdict:
    """Return the verdict on candidate[runs] against baseline[runs], which may be asked again after every run.

    Where only an outcome in favour of the candidate counts, twice the `alpha` may be given, and "worse" be ignored.

    Args:
        candidate: scores in the order of running; a run that diverged is NaN or infinite.
        baseline: the same.
        names: of the two.
        paired: whether run k of both shares its seeds. Unpaired runs are taken to have alternated.
        alpha: the error rate over all looks, both directions together.
        direction: "maximize" where more of the metric is better, "minimize" where less is.
        metric: what a score measures.
        unit: of a score; if None, percentage "points" of an accuracy, as `metric` calls it, and else "units".
        failed_at: a run that scores worse than this has failed: there is no verdict.

    Raises:
        InputError: scores that are no numbers, an alpha outside 0 to 1, or paired runs of unequal number.
    """
    a, b = (one_axis(scores, name) for scores, name in ((candidate, "candidate"), (baseline, "baseline")))
    if paired and len(a) != len(b):
        raise InputError(f"paired runs must be as many of the candidate as of the baseline, got {len(a)} and {len(b)}")
    order = sorted([(k, True) for k in range(len(a))] + [(k, False) for k in range(len(b))], key=lambda run: run[0])
    of_candidate = np.array([mine for _, mine in order], dtype=bool)
    scores = np.array([(a if mine else b)[k] for k, mine in order])
    asked = _Question(names, paired, alpha, Metric.of_scores(metric, direction, unit), failed_at)
    return asked.answer(scores, of_candidate)


def compare_growing_table(
    path: Path,
    *,
    candidate: str,
    baseline: str,
    alpha: float = 0.05,
    direction: Direction = "maximize",
    metric: str = "accuracy",
    unit: str | None = None,
    failed_at: float | None = None,
) -> SequentialVerdict:
    """Return the verdict on two families of a CSV file, whose lines stand in the order of running.

    With a column block the runs of a block are a pair, which counts once both are there. See `compare_sequential`.

    Raises:
        InputError: if the file cannot be read, or lacks one of the two.
    """
    rows = read_scores(path)
    names = (candidate, baseline)
    if missing := [name for name in names if name not in rows.families]:
        raise InputError(
            f"scores {path}: there is no family {', '.join(missing)}; there are {', '.join(rows.families)}"
        )
    if candidate == baseline:
        raise InputError(f"candidate and baseline must be two families, got {candidate} twice")
    runs = [run for run in rows.runs if run.family in names]
    if rows.has_blocks:
        runs = _in_pairs(runs, names)
    scores, of_candidate = np.array([run.score for run in runs]), np.array([run.family == candidate for run in runs])
    asked = _Question(names, rows.has_blocks, alpha, Metric.of_scores(metric, direction, unit), failed_at)
    return asked.answer(scores, of_candidate.astype(bool))


def _in_pairs(runs: Sequence[Run], names: tuple[str, str]) -> list[Run]:
    """Return the runs of the blocks in which both have run, block after block in the order of their completion."""
    waiting: dict[str, Run] = {}
    pairs: list[Run] = []
    for run in runs:
        other = waiting.pop(run.block, None)
        if other is None:
            waiting[run.block] = run
        else:
            pairs += sorted((other, run), key=lambda one: names.index(one.family))
    return pairs


@dataclass(frozen=True)
class _Question:
    """What is asked of two families' runs; the attributes are those of the verdict."""

    names: tuple[str, str]
    paired: bool
    alpha: float
    metric: Metric
    failed_at: float | None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha must be above 0 and below 1, got {self.alpha:g}")

    def answer(self, scores: FloatArray, of_candidate: BoolArray) -> SequentialVerdict:
        """Return the verdict on scores[runs] in the order of running, the two of a pair one after the other."""
        better = self.metric.sign * scores
        failed = ~np.isfinite(scores)
        if self.failed_at is not None:
            failed |= better < self.metric.sign * self.failed_at
        problem, looks = "", tuple[Look, ...]()
        if failed.any():
            problem = f"a run of {self.names[0] if of_candidate[failed.argmax()] else self.names[1]} failed"
        elif self.paired:
            looks = paired_looks(better[of_candidate] - better[~of_candidate], self.alpha)
        else:
            looks = unpaired_looks(better, of_candidate, self.alpha)
        if looks and looks[-1].low > looks[-1].high:
            problem = CONTRADICTION
        return SequentialVerdict(
            candidate=self.names[0],
            baseline=self.names[1],
            looks=looks,
            runs=(int(of_candidate.sum()), int((~of_candidate).sum())),
            paired=self.paired,
            problem=problem,
            alpha=self.alpha,
            metric=self.metric,
        )
