"""The report's parts about the search, all of them descriptive."""

from __future__ import annotations

from lrsearch.report.figures import budgets as budget
from lrsearch.report.figures import parameters, search
from lrsearch.report.page import Part, Section
from lrsearch.report.source import Source
from lrsearch.report.style import OUTSIDE
from lrsearch.report.verdict_tables import audit_table, good_regions_table
from lrsearch.search.importance import FEWEST_TRIALS

_DESCRIPTIVE = "Descriptive: trials of a search are chosen, not drawn, so nothing here says which family is better."


def search_parts(source: Source) -> tuple[Part, ...]:
    """Return what the search has found, which parameters mattered, and what was tried."""
    return (
        Part("Search", _search(source), (_DESCRIPTIVE,)),
        Part("Which parameter mattered", _importance(source), (_DESCRIPTIVE,)),
        Part("How wide the good region is", _good_region(source)),
        Part("What was tried", _tried(source), (_TRIED,), grid=True),
    )


def _search(source: Source) -> tuple[Section, ...]:
    trials = source.study.trials
    if not any(record.finished for record in trials):
        return ()
    config, metric = source.config, source.metric
    histories = [
        search.history_data(part.records, scale=source.scale, maximize=part.maximize) for part in source.study.searches
    ]
    endings = search.endings_data(
        trials,
        config.search.families,
        epochs=config.training.epochs,
        scale=source.scale,
        maximize=source.study.maximize,
    )
    values = search.values_by_family(trials, scale=source.scale)
    improved, table = search.history_table(histories, metric), search.endings_table(endings, metric)
    history = search.history_figure(histories, metric, maximize=source.study.maximize)
    sections = [
        Section("History", ("Open marks are pruned trials.", OUTSIDE), history, (improved,)),
        Section("How trials ended", (_PRUNING[config.search.pruner],), search.endings_figure(endings), (table,)),
    ]
    if source.audit is not None:
        sections.append(Section("Pruning audited", (_AUDITED,), None, (audit_table(source.audit),)))
    if values:
        ecdf = search.ecdf_figure(values, metric, maximize=source.study.maximize)
        sentence = "Complete trials alone: a pruned one has no value at the last epoch."
        sections.append(Section("Values of complete trials", (sentence,), ecdf, (search.ecdf_table(values),)))
    if values and config.search.sampler == "random" and config.search.pruner == "none":
        curves = budget.budget_data(values, maximize=source.study.maximize, alpha=config.plan.alpha)
        sentences = (
            "The expected best of k random trials; the band is that of the median best of k, drawn where the trials "
            "give it both limits.",
        )
        figure = budget.budget_figure(curves, metric)
        sections.append(Section("What more trials buy", sentences, figure, (budget.budget_table(curves),)))
    else:
        sentence = "Budget curves need random, unpruned trials (--sampler random --pruner none): none is drawn here."
        sections.append(Section("What more trials buy", (sentence,)))
    return tuple(sections)


_PRUNING = {
    "rungs": "At a quarter, half and three quarters of the epochs the worst third within the family is stopped.",
    "median": "After each epoch what is below the median of its family is stopped.",
    "none": "Nothing was pruned.",
}


_AUDITED = (
    "A random sample of the pruned trials was trained to the end after all, and held against the trials of its family "
    "that were not pruned."
)


_TRIED = (
    "A line is a complete trial, drawn through the axes of its parameters (each from one end of its range to the "
    "other) down to its value. "
) + _DESCRIPTIVE


def _importance(source: Source) -> tuple[Section, ...]:
    if source.importances:
        sentence = (
            f"PED-ANOVA over the complete trials of each family with at least {FEWEST_TRIALS} of them, in per cent."
        )
        shown = parameters.importance_figure(source.importances)
        table = parameters.importance_table(source.importances)
        return (Section("Share of each parameter", (sentence,), shown, (table,)),)
    sentence = f"No family has {FEWEST_TRIALS} complete trials: a share would be noise."
    return (Section("Share of each parameter", (sentence,)),) if source.study.searches else ()


def _good_region(source: Source) -> tuple[Section, ...]:
    if source.verdict is None or not source.study.searches:
        return ()
    regions, rope = source.verdict.good_regions, source.config.plan.rope
    if regions.why_not:
        return (Section("Share of the search space", (f"Not known: {regions.why_not}.",)),)
    sentence = (
        f"The share of random trials within {rope:g} points of their family's best, with exact limits. A wide region "
        "forgives a rough choice."
    )
    return (Section("Share of the search space", (sentence,), None, (good_regions_table(regions),)),)


def _tried(source: Source) -> tuple[Section, ...]:
    sections = []
    for family, ranges in source.study.searched_space.items():
        data = parameters.parallel_data(
            [record for record in source.study.trials if record.family == family],
            ranges,
            metric=f"select {source.study.metric}",
            scale=source.scale,
            maximize=source.study.maximize,
        )
        if data is not None:
            drawn = parameters.parallel_figure(data)
            sections.append(Section(family, (), drawn, (parameters.parallel_table(data),)))
    return tuple(sections)
