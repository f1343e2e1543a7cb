"""The report: its chapters in their order, the verdict first, then everything that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from lrsearch.report import record_tables, verdict_tables
from lrsearch.report.figures import (
    base_lr,
    better,
    budgets,
    costs,
    endings,
    forest,
    further,
    learning,
    parameters,
    schedules,
    scores,
    search,
    standing,
)
from lrsearch.report.figures.first_page import FIRST_PAGE
from lrsearch.report.page import Page, Part, Section, render
from lrsearch.report.source import Source
from lrsearch.report.style import FAILED_RUNS
from lrsearch.verdict.over_studies import OverStudies


@dataclass(frozen=True)
class Chapter:
    """A part of the report.

    Attributes:
        title: its heading.
        sections: what stands in it; each function yields its sections from a source, or none.
        sentences: below the heading.
        grid: whether small sections stand side by side where the screen is wide enough.
    """

    title: str
    sections: tuple[Callable[[Source], Iterator[Section]], ...]
    sentences: tuple[str, ...] = ()
    grid: bool = False

    def of(self, source: Source) -> Part:
        """Return the chapter as a part of a page."""
        made = tuple(section for function in self.sections for section in function(source))
        return Part(self.title, made, self.sentences, self.grid, folded=True)


_DESCRIPTIVE = "Descriptive: trials of a search are chosen, not drawn, so nothing here says which family is better."
_TRIED = (
    "A line is a complete trial, drawn through the axes of its parameters (each from one end of its range to the "
    f"other) down to its value. {_DESCRIPTIVE}"
)

_CHOSEN = "The best trial of each family in the search, chosen by its value, all on the same axes."
_BY_RATE = (
    f"The validation score of every finished trial, pruned ones as open marks, all on the same axes. {FAILED_RUNS}"
)

CHAPTERS = (
    Chapter(
        "Verdict",
        (
            verdict_tables.at_a_glance,
            forest.differences,
            standing.standing,
            better.how_often_better,
            verdict_tables.controls,
            verdict_tables.claims,
            verdict_tables.tuning_budgets,
            verdict_tables.headroom,
            verdict_tables.beyond_the_plan,
            verdict_tables.epoch_budgets,
        ),
    ),
    Chapter("Scores", (scores.spread, scores.by_block)),
    Chapter("Published numbers", (record_tables.published,)),
    Chapter("Schedules", (schedules.best_schedules, schedules.fixed_schedules)),
    Chapter("Schedules side by side", (schedules.side_by_side,), (_CHOSEN,), grid=True),
    Chapter("Learning curves", (learning.overview,)),
    Chapter("Loss and rate", (learning.each_candidate,), grid=True),
    Chapter("What runs reported besides", (further.further_numbers,), grid=True),
    Chapter(
        "Search",
        (
            search.search_history,
            endings.endings,
            verdict_tables.pruning_audit,
            costs.score_by_cost,
            search.complete_values,
            budgets.what_more_trials_buy,
        ),
        (_DESCRIPTIVE,),
    ),
    Chapter("Score by base_lr", (base_lr.by_base_lr,), (_BY_RATE, _DESCRIPTIVE), grid=True),
    Chapter("Which parameter mattered", (parameters.importance,), (_DESCRIPTIVE,)),
    Chapter("How wide the good region is", (verdict_tables.good_region,)),
    Chapter("What was tried", (parameters.tried,), (_TRIED,), grid=True),
    Chapter(
        "Plan and provenance",
        (record_tables.plan, record_tables.readings, record_tables.provenance, record_tables.study_file),
    ),
)
"""The whole report. A chapter without a section is left out."""


def report_parts(source: Source) -> tuple[Part, ...]:
    """Return the first page and every chapter with something to show."""
    first = Part("First page", tuple(section for function in FIRST_PAGE for section in function(source)), grid=True)
    return tuple(part for part in (first, *(chapter.of(source) for chapter in CHAPTERS)) if part.sections)


def report_html(source: Source) -> str:
    """Return the report of a study as one self-contained HTML file; equal sources give equal files."""
    comparison, parts = source.comparison, (chapter.of(source) for chapter in CHAPTERS)
    page = Page(
        title=source.study.name,
        subtitle=source.config.description or "Which learning-rate schedule?",
        lead=_lead(source),
        parts=tuple(part for part in parts if part.sections),
        folded=() if comparison is None else comparison.sentences,
        warnings=() if comparison is None else comparison.warnings,
        first=tuple(section for function in FIRST_PAGE for section in function(source)),
    )
    return render(page)


def over_studies_html(together: OverStudies) -> str:
    """Return the page of what several studies say together."""
    ranked = "Ranks are by the mean, among the candidates that all studies have."
    apart = "Each study decides at its own error rate; nothing is pooled."
    sections = (
        Section("Candidates", (ranked,), None, (together.table(),)),
        Section("Pairs", (apart,), None, (together.pair_table(),)),
    )
    part = Part("Together", sections)
    return render(Page("Several studies", ", ".join(together.studies), together.sentences, (part,)))


def _lead(source: Source) -> tuple[str, ...]:
    """Return the four lines with their cost, as HTML; or why there is no verdict."""
    if (comparison := source.comparison) is not None:
        return tuple(map(Markup, comparison.lines_html))
    return (
        f"There is no verdict: {source.why_not}.",
        "What follows is the search alone. The best of many noisy trials looks better than it is, and says nothing "
        "about which family is better.",
    )
