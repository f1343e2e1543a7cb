"""Sections of tables alone on the verdict: families, controls, claims, other budgets, the audit, good regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from lrsearch.comparison import Comparison
from lrsearch.comparison.controls import Control
from lrsearch.comparison.inference.proportions import Proportion, PruningAudit
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.tables import MISSING, Column, Interval, PValue, Share, Table, number, table
from lrsearch.verdict.claims import JudgedClaim
from lrsearch.verdict.good_regions import GoodRegions

_KINDS = {"aa": "no difference is the truth", "positive": "it is worse in truth"}
_FOUND = {True: "the truth was found", False: "the truth was missed", None: "not tested: failed runs"}


def controls_table(controls: Sequence[Control]) -> Table:
    """Return what the comparison found of candidates whose truth is known."""
    rows = [
        (
            control.name,
            control.of,
            _KINDS.get(control.kind, control.kind),
            control.difference,
            Interval(control.low, control.high),
            PValue(control.p),
            _FOUND[control.passed],
        )
        for control in controls
    ]
    decimals = controls[0].settings.metric.decimals
    measured = (Column(name, decimals=decimals, signed=True) for name in ("difference", "interval"))
    return table(("control", "beside", "what is true", *measured, "p", "found"), rows)


def claims_table(claims: Sequence[JudgedClaim]) -> Table:
    """Return the claims of the study file: estimates with their intervals, and whether each is shown."""
    rows = [
        (
            judged.claim.text,
            judged.holds,
            judged.contrast.estimate,
            judged.contrast.low,
            judged.contrast.high,
            judged.claim.unit,
            PValue(judged.p_holm),
        )
        for judged in claims
    ]
    columns = ("claim", "shown", "estimate", "low", "high", "unit", "p (Holm)")
    return table(columns, rows, title="Pointwise intervals; Holm over all claims")


def budgets_table(by_budget: Mapping[int, Comparison], unit: str) -> Table:
    """Return the mean and the ranks that the tests leave of every family at each budget of epochs or of trials."""
    names = list(dict.fromkeys(name for comparison in by_budget.values() for name in comparison.families))
    rows = [(name, *(_mean_and_ranks(comparison, name) for comparison in by_budget.values())) for name in names]
    columns = ("family", *(f"{budget} {unit}" for budget in by_budget))
    return table(columns, rows, title="Mean, and the ranks that the tests leave")


def _mean_and_ranks(comparison: Comparison, name: str) -> str:
    if name not in comparison.families:
        return MISSING
    place = comparison.families.index(name)
    low, high = comparison.recommendation.rank_low[place], comparison.recommendation.rank_high[place]
    ranks = "failed runs" if isnan(low) else f"rank {low:.0f} to {high:.0f}"
    return f"{number(float(comparison.means.mean[place]), decimals=comparison.settings.metric.decimals)} ({ranks})"


def audit_table(audit: PruningAudit) -> Table:
    """Return how many of the pruned trials that were finished after all beat their family, with exact limits."""
    counted = {"beat their family's median": audit.beat_median, "beat their family's best": audit.beat_best}
    return table(("pruned trials that, finished,", *_PROPORTION), ((what, *_cells(c)) for what, c in counted.items()))


def good_regions_table(regions: GoodRegions) -> Table:
    """Return the share of each family's search space that is within the ROPE of its best, with exact limits."""
    best_first = sorted(regions.shares.items(), key=lambda item: -item[1].count / item[1].total)
    return table(("family", *_PROPORTION), ((family, *_cells(share)) for family, share in best_first))


_PROPORTION = ("trials", "share", "low", "high")


def _cells(of: Proportion) -> tuple[str, Share, Share, Share]:
    return f"{of.count} of {of.total}", Share(of.count / of.total), Share(of.low), Share(of.high)


def at_a_glance(source: Source) -> Iterator[Section]:
    """Yield the table of the families."""
    if source.comparison is not None:
        yield Section("At a glance", (source.comparison.note,), None, (source.comparison.family_table(),))


def controls(source: Source) -> Iterator[Section]:
    """Yield what was found of the controls."""
    if source.verdict is not None and (judged := source.verdict.controls):
        sentence = "Candidates whose truth is known went through the same pipeline; the verdict itself leaves them out."
        yield Section("Controls", (sentence,), None, (controls_table(judged),))


def claims(source: Source) -> Iterator[Section]:
    """Yield the claims of the study file."""
    if (verdict := source.verdict) is not None and (verdict.claims or verdict.claims_note):
        sentences = (verdict.claims_note,) if verdict.claims_note else ()
        yield Section("Claims", sentences, None, (claims_table(verdict.claims),) if verdict.claims else ())


def tuning_budgets(source: Source) -> Iterator[Section]:
    """Yield the verdict after fewer trials, where the plan asked for it."""
    if source.verdict is not None and (budgets := source.verdict.tuning_budgets):
        by_trials = {budget.trials: budget.comparison for budget in budgets if budget.comparison is not None}
        shown = (budgets_table(by_trials, "trials"),) if by_trials else ()
        yield Section(
            "If fewer trials can be afforded", tuple(f"{budget.sentence}." for budget in budgets), None, shown
        )


def headroom(source: Source) -> Iterator[Section]:
    """Yield what the best named family leaves to the free form, where one was searched."""
    if source.verdict is not None and source.verdict.headroom:
        yield Section("What the named families leave on the table", (source.verdict.headroom,))


def beyond_the_plan(source: Source) -> Iterator[Section]:
    """Yield the comparison over all blocks, where more were run than planned."""
    if source.verdict is not None and (comparison := source.verdict.exploratory) is not None:
        sentence = f"With the blocks beyond the plan, exploratory: {comparison.verdict_text}"
        yield Section("Beyond the plan", (sentence,), None, (comparison.family_table(),))


def epoch_budgets(source: Source) -> Iterator[Section]:
    """Yield how the verdicts at several epoch budgets agree."""
    if source.agreement:
        shown = (budgets_table(source.by_epochs, "epochs"),) if source.by_epochs else ()
        yield Section("At other epoch budgets", source.agreement, None, shown)


def pruning_audit(source: Source) -> Iterator[Section]:
    """Yield what finishing a sample of the pruned trials has shown."""
    if source.audit is not None:
        sentence = (
            "A random sample of the pruned trials was trained to the end after all, and compared with the trials of "
            "its family that were not pruned."
        )
        yield Section("Pruning audited", (sentence,), None, (audit_table(source.audit),))


def good_region(source: Source) -> Iterator[Section]:
    """Yield the share of each family's search space that is nearly as good as its best."""
    if source.verdict is None or not source.study.searches:
        return
    title, regions = "Share of the search space", source.verdict.good_regions
    settings = source.verdict.comparison.settings
    if not regions.shares:
        return
    sentence = (
        f"The share of random trials within {number(settings.rope)} {settings.metric.unit} of their family's best, "
        "with exact limits. A wide region forgives a rough choice."
    )
    yield Section(title, (sentence,), None, (good_regions_table(regions),))
