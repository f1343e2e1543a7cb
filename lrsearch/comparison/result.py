"""The comparison as a value: what `compare_scores` finds and what the verdict, the tables and the figures read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from lrsearch.comparison.arrays import FloatArray, IntArray
from lrsearch.comparison.contrasts import Against, describe
from lrsearch.comparison.failure import Failure, FailureRule
from lrsearch.comparison.parts import Means, Pairs, ReadOnly, Recommendation
from lrsearch.comparison.settings import Settings
from lrsearch.records import finite
from lrsearch.tables import STAR, Column, Estimate, Interval, Table, table
from lrsearch.text import counted, html_line, plain


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ReadOnly):
    """Which family is better than which, how sure that is, and whether it matters. All arrays are read-only.

    Printed, it is its four lines.

    Attributes:
        families: the names of the columns: families, configurations, or groups where the plan compares groups.
        scores: [blocks, families], in the unit of the settings; NaN where a diverged run has no score. Unpaired runs
            stand in the rows from the first on, with NaN below the last.
        means, pairs, recommendation: the results.
        settings: what was decided beforehand.
        failures: the families with a failed run.
        failure_rule: what counts as a failed run.
        test_examples: how many lie behind a score, where known.
        includes_test_sampling: whether the intervals hold for other test examples too.
        block_seconds: what a block takes, where known.
        warnings: what to know before believing the numbers.
        unpaired_runs: how many runs each family has where they stand in no blocks; None where they do.
        untested: why a family without a failed run was not tested, by its name.
        sentences: the statistics in words.
        lines: the answer in four lines: use, how sure, does it matter, avoid; names stand between backticks.
        cost: the runs behind it and their time summed over processes, in words; "" where it is not known.
    """

    families: tuple[str, ...]
    scores: FloatArray
    means: Means
    pairs: Pairs
    recommendation: Recommendation
    settings: Settings
    failures: tuple[Failure, ...]
    failure_rule: FailureRule
    test_examples: int | None = None
    includes_test_sampling: bool = False
    block_seconds: float | None = None
    warnings: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    unpaired_runs: tuple[int, ...] | None = None
    untested: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    cost: str = ""

    @property
    def p(self) -> FloatArray:
        """The p-values [families, families] that belong to the intervals and the verdicts of the pairs."""
        return self.pairs.p

    @property
    def low(self) -> FloatArray:
        """The lower limits [families, families] of the differences, simultaneous."""
        return self.pairs.low

    @property
    def high(self) -> FloatArray:
        """The upper limits [families, families] of the differences, simultaneous."""
        return self.pairs.high

    @property
    def recommended(self) -> tuple[str, ...]:
        """The families not shown worse than the best."""
        return self.recommendation.recommended

    @property
    def preferred(self) -> str | None:
        """The recommended family that the tie-breakers choose."""
        return self.recommendation.preferred

    @property
    def judged(self) -> bool:
        """Whether there is a verdict, were it that every family has a failed run; not of too few blocks."""
        return self.preferred is not None or len(self.failures) >= len(self.families)

    @property
    def shown_worse(self) -> list[int]:
        """The places of the families that are shown worse than the best, by their means, the best first."""
        p_worse = self.recommendation.p_worse
        return [int(place) for place in self.best_first if p_worse[place] <= self.settings.alpha]

    @property
    def blocks(self) -> int:
        """How many blocks were compared; of unpaired runs, the most of a family."""
        return len(self.scores)

    @property
    def extent(self) -> str:
        """What was compared, in words: 12 blocks, 5 runs each, 3 to 30 runs each."""
        if self.unpaired_runs is None:
            return counted(self.blocks, "block")
        few, many = min(self.unpaired_runs), max(self.unpaired_runs)
        return f"{counted(few, 'run')} each" if few == many else f"{few} to {many} runs each"

    @property
    def verdict_text(self) -> str:
        """The statistics in words, as one paragraph."""
        return " ".join(self.sentences)

    @property
    def level(self) -> str:
        """The level of the simultaneous intervals in words: 95%."""
        return f"{100 * (1 - self.settings.alpha):g}%"

    @property
    def best_first(self) -> IntArray:
        """The places of the families by their means, the best first, those without a mean last."""
        return np.argsort(-self.settings.metric.sign * self.means.mean, kind="stable")

    @property
    def note(self) -> str:
        """What the numbers of the table are, in one line."""
        settings, unit = self.settings, self.settings.metric.unit
        sigma = "" if settings.sigma is None else f"SD of a run known to be {settings.metric.amount(settings.sigma)}; "
        how = "" if self.unpaired_runs is None else f"unpaired, which assumes roughly symmetric noise; {sigma}"
        better = ", above 0 where the row is better" if settings.metric.direction == "minimize" else ""
        sided = ", one-sided" if settings.one_sided else ""
        region = "no region of practical equivalence"
        if settings.rope is not None:
            amount = settings.metric.amount(settings.rope)
            region = f"region of practical equivalence {amount} (within it by the upper limit of the gap to the best)"
        return (
            f"{self.extent}; {how}{unit} of {settings.metric.name}; differences with simultaneous {self.level} "
            f"intervals{better}; {region}; {describe(settings.contrasts)}{sided}; {self.failure_rule.sentence}"
        )

    @property
    def table_order(self) -> IntArray:
        """The places of the families: the preferred one, then the others by `best_first`."""
        first = [self.families.index(self.preferred)] if self.preferred is not None else []
        return np.array([*first, *(place for place in self.best_first if place not in first)], dtype=np.int64)

    @property
    def reference(self) -> int:
        """The place of the family from which the table measures: the plan's reference, or else the table's first."""
        planned = self.settings.contrasts
        return self.families.index(planned.reference) if isinstance(planned, Against) else int(self.table_order[0])

    def family_table(self) -> Table:
        """Return a row per family, the preferred one first and marked with a star, and then the best mean."""
        recommendation, reference = self.recommendation, self.reference
        failed = {f.family: f"{f.runs.count} of {f.runs.total} ({f.limits})" for f in self.failures}
        decimals = self.settings.metric.decimals
        runs = dict(zip(self.families, self.unpaired_runs or (), strict=False))
        columns = (
            Column("family"),
            *[Column("runs")] * bool(runs),
            Column("mean", decimals=decimals),
            Column("SD", decimals=decimals),
            Column("difference", f"difference to {self.families[reference]}", decimals=decimals, signed=True),
            Column("rank"),
            Column("recommended"),
            Column("within the ROPE"),
            Column("failed", "failed runs"),
        )
        rows = [
            (
                f"{STAR} {name}" if name == self.preferred else name,
                *([runs[name]] if runs else []),
                float(self.means.mean[place]),
                float(self.means.sd[place]),
                None
                if place == reference
                else Estimate(
                    float(self.low[place, reference]),
                    float(self.pairs.difference[place, reference]),
                    float(self.high[place, reference]),
                ),
                self._ranks(int(place)),
                name in recommendation.recommended if self.judged else None,
                name in recommendation.equivalent_to_best if self.judged and self.settings.rope is not None else None,
                failed.get(name, "none"),
            )
            for place in self.table_order
            for name in [self.families[place]]
        ]
        return table(columns, rows)

    def _ranks(self, place: int) -> Interval | int | None:
        """Return the ranks that the tests leave to a family: one of them, or the lowest and the highest."""
        low, high = self.recommendation.rank_low[place], self.recommendation.rank_high[place]
        if math.isnan(low):
            return None
        return round(low) if low == high else Interval(round(low), round(high))

    @property
    def lines_html(self) -> tuple[str, ...]:
        """The four lines and the cost as HTML, escaped: the first line and the labels bold, names as code."""
        first, *others = map(html_line, self.lines)
        labelled = (line.partition(": ") for line in others)
        cost = [f"Cost: {escape(plain(self.cost))}."] if self.cost else []
        return (f"<strong>{first}</strong>", *(f"<strong>{a}{b}</strong>{c}" for a, b, c in labelled), *cost)

    def __repr__(self) -> str:
        """Return the four lines and the cost."""
        return "\n".join(filter(None, [*self.lines, self.cost and f"Cost: {self.cost}."]))

    def _repr_html_(self) -> str:
        """Return the four lines, the warnings and the table, with the statistics folded, as a notebook shows them."""
        lines = "".join(f"<p>{line}</p>" for line in self.lines_html)
        warnings = "".join(f"<p><b>Warning:</b> {escape(warning)}</p>" for warning in self.warnings)
        return (
            f"<div>{lines}{warnings}{self.family_table().to_html()}<details><summary>The statistics</summary>"
            f"<p>{escape(self.verdict_text)}</p><p><small>{escape(self.note)}</small></p></details></div>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data under one level of names, the answer first; NaN and infinity become None."""
        chosen = {"preferred": self.preferred, "recommended": self.recommended}
        answer: dict[str, Any] = {"lines": self.lines, **chosen, "cost": self.cost}
        metric = self.settings.metric
        settings = vars(self.settings) | {"metric": metric.name, "unit": metric.unit, "direction": metric.direction}
        settings |= {"contrasts": describe(self.settings.contrasts), "failed_at": self.failure_rule.limit}
        beside = {
            "families": self.families,
            "scores": self.scores,
            "paired": self.unpaired_runs is None,
            "blocks": self.blocks if self.unpaired_runs is None else None,
            "runs": self.unpaired_runs or (self.blocks,) * len(self.families),
            "untested": dict(self.untested),
            "failures": [vars(failure) | {"runs": vars(failure.runs)} for failure in self.failures],
            "p_single": self.p,  # the name of `p` in earlier versions, whose own `p` was the step-down one
            "images": self.test_examples,
            "crossed": self.includes_test_sampling,
            "block_seconds": self.block_seconds,
            "warnings": self.warnings,
            "verdict_text": self.verdict_text,
        }
        results = vars(self.means) | vars(self.pairs) | vars(self.recommendation)
        everything = answer | results | settings | beside
        lists = {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in everything.items()}
        return dict(finite(lists))

    def to_json(self) -> str:
        """Return `to_dict` as one JSON object."""
        return json.dumps(self.to_dict(), allow_nan=False)
