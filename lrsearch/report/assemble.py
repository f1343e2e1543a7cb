"""From what the database holds to the report: the verdict first, then everything that it rests on."""

from __future__ import annotations

from lrsearch.comparison import Comparison
from lrsearch.report import record_tables as tables
from lrsearch.report import verdict_tables as beside
from lrsearch.report.assemble_search import search_parts
from lrsearch.report.figures import better, learning, schedules, scores, verdict
from lrsearch.report.page import Page, Part, Section, render, without_empty
from lrsearch.report.source import Source
from lrsearch.report.style import OUTSIDE, colours
from lrsearch.verdict.study_verdict import StudyVerdict


def report_html(source: Source) -> str:
    """Return the report of a study as one self-contained HTML file; equal sources give equal files."""
    parts = without_empty(
        (
            Part("Verdict", (*_verdict(source.comparison), *_beside(source.verdict), *_budgets(source))),
            Part("Scores", _scores(source.comparison)),
            Part("Published numbers", _printed(source)),
            Part("Schedules", _schedules(source)),
            *_learning(source),
            *search_parts(source),
            Part("Plan and provenance", _records(source)),
        )
    )
    subtitle = source.config.description or "Which learning-rate schedule?"
    return render(Page(source.study.name, subtitle, _lead(source), parts))


def _lead(source: Source) -> tuple[str, ...]:
    if source.verdict is not None:
        comparison = source.verdict.comparison
        return (*comparison.sentences, *(f"Warning: {warning}." for warning in comparison.warnings))
    return (
        f"There is no verdict: {source.why_not}.",
        "What follows is the search alone. The best of many noisy trials looks better than it is, and says nothing "
        "about which family is better.",
    )


def _verdict(comparison: Comparison | None) -> tuple[Section, ...]:
    if comparison is None:
        return ()
    pairs = verdict.forest_data(comparison)
    standing = verdict.standing_data(comparison)
    sections = [Section("At a glance", (), None, (comparison.family_table(),))]
    if pairs:
        sections.append(
            Section(
                "Differences",
                (
                    f"A row is a pair: the mean difference over {comparison.blocks} paired blocks with its "
                    f"simultaneous {comparison.level} interval. An interval that does not touch 0 separates "
                    f"the pair; one inside the band, {comparison.settings.rope:g} {comparison.settings.unit} to either "
                    "side of 0, shows that the difference does not matter.",
                    *_shown(len(verdict.headline(pairs)), len(pairs)),
                ),
                verdict.forest_figure(verdict.headline(pairs), comparison.settings),
                (verdict.forest_table(pairs, comparison.settings),),
            )
        )
    if standing.names:
        groups = _GROUPS if standing.complete else _NO_GROUPS
        sections.append(
            Section(
                "Standing",
                (groups,),
                verdict.standing_figure(standing, comparison.settings.scale_label),
                (verdict.standing_table(standing, comparison.settings),),
            )
        )
        sections.append(
            Section(
                "How often one run beats another",
                ("In per cent: the chance that a run of the row beats a run of the column.",),
                better.better_figure(comparison),
                (better.better_table(comparison),),
            )
        )
    return tuple(sections)


def _beside(found: StudyVerdict | None) -> tuple[Section, ...]:
    """Return the sections about controls, claims and what goes beyond the plan."""
    if found is None:
        return ()
    sections = []
    if found.controls:
        sentence = "Entries whose truth is known went through the same pipeline; the verdict itself leaves them out."
        sections.append(Section("Controls", (sentence,), None, (beside.controls_table(found.controls),)))
    if found.claims or found.claims_note:
        tables_of_claims = (beside.claims_table(found.claims),) if found.claims else ()
        note = (found.claims_note,) if found.claims_note else ()
        sections.append(Section("Claims", note, None, tables_of_claims))
    sections += _efforts(found)
    if found.exploratory is not None:
        text = (f"With the blocks beyond the plan, exploratory: {found.exploratory.verdict_text}",)
        sections.append(Section("Beyond the plan", text, None, (found.exploratory.family_table(),)))
    return tuple(sections)


def _efforts(found: StudyVerdict) -> list[Section]:
    """Return the section about smaller tuning efforts, where the plan asked for them."""
    if not found.efforts:
        return []
    by_trials = {effort.trials: effort.comparison for effort in found.efforts if effort.comparison is not None}
    shown = (beside.budgets_table(by_trials, "trials"),) if by_trials else ()
    return [Section("If fewer trials can be afforded", tuple(f"{e.sentence}." for e in found.efforts), None, shown)]


def _budgets(source: Source) -> tuple[Section, ...]:
    if not source.agreement:
        return ()
    shown = (beside.budgets_table(source.by_epochs, "epochs"),) if source.by_epochs else ()
    return (Section("At other epoch budgets", source.agreement, None, shown),)


_GROUPS = "A line joins, at its dots, families of whom no test separates two; families without a line in common differ."
_NO_GROUPS = "Not all pairs were planned, so that no lines join families here."


def _shown(shown: int, total: int) -> tuple[str, ...]:
    return () if shown == total else (f"Drawn are the pairs with the best mean; the table holds all {total}.",)


def _scores(comparison: Comparison | None) -> tuple[Section, ...]:
    if comparison is None:
        return ()
    data, metric = scores.scores_data(comparison), comparison.settings.scale_label
    return (
        Section("Spread", (OUTSIDE,), scores.box_figure(data, metric), (scores.box_table(data),)),
        Section(
            "Block by block",
            ("A thin line is one block: one split, initialisation and order of the data, shared by all.",),
            scores.paired_figure(data, metric),
            (scores.paired_table(data),),
        ),
    )


def _printed(source: Source) -> tuple[Section, ...]:
    found = tables.printed_table(source)
    sentence = "Our runs at the last epoch beside what the study file says was printed of them."
    return () if found is None else (Section("Ours and theirs", (sentence,), None, (found,)),)


def _schedules(source: Source) -> tuple[Section, ...]:
    best = source.study.best_by_family()
    epochs = source.config.training.epochs
    sections = []
    if best:
        samples = schedules.best_samples(best, epochs=epochs)
        table = schedules.best_table(best, metric=source.metric, scale=source.scale)
        drawn = schedules.curves_figure(samples, colours(list(best)), height=520, legend=True)
        sections.append(Section("The best of each family in the search", (), drawn, (table,)))
    fixed = {baseline.name for baseline in source.config.baseline}
    first = {run.family: run for run in reversed(source.confirmation) if run.family in fixed and run.schedule}
    if first:
        samples = [
            schedules.Sample(name, dict(run.schedule), learning.run_rates([run], epochs=epochs)[0])
            for name, run in reversed(first.items())
        ]
        drawn = schedules.curves_figure(samples, colours([s.name for s in samples]), height=440, legend=True)
        sections.append(Section("Fixed schedules", (), drawn, (schedules.samples_table(samples),)))
    return tuple(sections)


def _learning(source: Source) -> tuple[Part, ...]:
    if source.confirmation:
        runs = {run.family: [r for r in source.confirmation if r.family == run.family] for run in source.confirmation}
        sentence = "Lines are means over the confirmed runs, bands one SD of the runs to both sides."
    else:
        best = source.study.best_by_family()
        runs = {family: [record] for family, (_, record) in best.items()}
        sentence = "The best trial of each family in the search: one run each, chosen by its result."
    epochs = source.config.training.epochs
    found = [learning.learning_data(name, own, epochs=epochs, scale=source.scale) for name, own in runs.items()]
    entries = [entry for entry in found if entry is not None]
    if not entries:
        return ()
    colour_of = colours([entry.name for entry in entries])
    columns = [learning.entry_table(entry, source.study.metric) for entry in entries]
    cards = tuple(
        Section(
            entry.name,
            (f"{entry.runs} run{'s' * (entry.runs > 1)}; the rate on the right.",),
            learning.entry_figure(entry, colour_of[entry.name]),
            (table,),
        )
        for entry, table in zip(entries, columns, strict=True)
    )
    parts = sorted({entry.part for entry in entries})
    overview = Section(
        f"{source.metric} by epoch, {', '.join(parts)} part",
        (OUTSIDE,),
        learning.overview_figure(entries, source.metric, maximize=source.study.maximize),
        (learning.overview_table(entries, source.metric),),
    )
    return (Part("Learning curves", (overview,), (sentence,)), Part("Loss and rate", cards, (), grid=True))


def _records(source: Source) -> tuple[Section, ...]:
    ledger = tables.ledger_table(source)
    read = () if ledger is None else (Section("Readings of the test set", (), None, (ledger,)),)
    return (
        Section("Plan", (), None, (tables.plan_table(source),)),
        *read,
        Section("Provenance", (), None, (tables.provenance_table(source), tables.seeds_table(source))),
        Section("Study file", (), preformatted=tables.study_file(source)),
    )
