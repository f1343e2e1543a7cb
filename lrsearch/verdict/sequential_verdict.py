"""The verdict on one candidate against one baseline while runs are added: in words, as a table and as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isinf
from typing import Any, Literal

from lrsearch.comparison.inference.sequential import FEWEST_RUNS, Look
from lrsearch.metric import Metric
from lrsearch.tables import Column, Interval, Table, table
from lrsearch.text import counted

Outcome = Literal["better", "undecided", "worse"]
_EXIT_CODES: dict[Outcome, int] = {"better": 0, "undecided": 3, "worse": 4}


@dataclass(frozen=True)
class SequentialVerdict:
    """Whether a candidate is better than a baseline, after as many runs as there are.

    The error rate holds over all interim analyses: runs may be added until the outcome is known, and no further.

    Attributes:
        candidate, baseline: their names.
        looks: the interim analyses, from the first number of runs that allows one, in the order of running.
        runs: of the candidate and the baseline; of paired runs, the pairs.
        paired: whether the runs of a pair share their seeds.
        problem: why there is no verdict, or what stands against one; "" if nothing does.
        alpha: the error rate over all interim analyses, both directions together.
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
        """The first interim analysis that decided, if one did."""
        return next((look for look in self.looks if look.low > 0 or look.high < 0), None)

    @property
    def extent(self) -> str:
        """The runs in words."""
        if self.paired:
            return counted(self.runs[0], "paired run")
        return f"{counted(self.runs[0], 'run')} of {self.candidate} and {self.runs[1]} of {self.baseline}"

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if not self.looks or self.problem:
            reason = self.problem or f"an analysis needs at least {FEWEST_RUNS} runs of each"
            return f"Undecided after {self.extent}: {reason}."
        last, call = self.looks[-1], self.first_call
        if call is None:
            limits = f"by how much better: {self.metric.number(last.low)} to {self.metric.number(last.high)}"
            if isinf(last.low):
                limits = "without any limit yet"
            word = "better" if last.difference > 0 else "worse"
            return (
                f"Undecided after {self.extent}: so far {self.candidate} is {word} than {self.baseline} by "
                f"{self.metric.number(abs(last.difference))} {self.metric.unit} ({limits}). More "
                "runs may be added."
            )
        better, worse = (self.candidate, self.baseline)[:: 1 if last.low > 0 else -1]
        low, high = sorted((abs(last.low), abs(last.high)))
        return (
            f"{better} is better than {worse} by {self.metric.number(abs(last.difference))} {self.metric.unit} "
            f"({self.metric.number(low)} to {self.metric.number(high)}), after {self.extent}; this was known after "
            f"{call.runs[0] if self.paired else ' and '.join(map(str, call.runs))}."
        )

    @property
    def next_step(self) -> str:
        """What to do now, in words."""
        if self.problem:
            return "find out why; more rows of the same runs decide nothing"
        steps: dict[Outcome, str] = {
            "better": f"take {self.candidate}",
            "undecided": "add rows to the table and run the same again, as often as you like",
            "worse": f"keep {self.baseline}",
        }
        return steps[self.outcome]

    @property
    def note(self) -> str:
        """What the numbers are, in one line."""
        return (
            f"{self.metric.unit} of {self.metric.name}; valid after every run, with an error rate of {self.alpha:g} "
            "over all analyses; assumes roughly symmetric noise, and lines in the order of running"
        )

    def table(self) -> Table:
        """Return a row per interim analysis."""
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
