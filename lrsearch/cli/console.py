"""What the commands print: tables and prose on standard output, remarks in the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from lrsearch.cli.text_table import table_lines
from lrsearch.records import json_text
from lrsearch.tables import Table, table, text
from lrsearch.text import counted, plain, short_time

if TYPE_CHECKING:
    from lrsearch.comparison import Comparison
    from lrsearch.planning.plan import StudyPlan
    from lrsearch.search.progress import SearchState
    from lrsearch.verdict.over_studies import OverStudies
    from lrsearch.verdict.sequential_verdict import SequentialVerdict
    from lrsearch.verdict.study_verdict import StudyVerdict

logger = logging.getLogger(__name__)

output = Console(highlight=False, soft_wrap=True)


def print_table(shown: Table, form: str = "table") -> None:
    """Print a table as JSON, as CSV, or for people: fitting the terminal, elsewhere each row on one line, however long.

    Args:
        shown: the table.
        form: "table", "json" or "csv".
    """
    if form == "json":
        print(json_text(shown.records()))
    elif form == "csv":
        sys.stdout.write(shown.to_csv())
    elif not shown.rows:
        logger.info("nothing to show")
    else:
        for line in table_lines(shown.for_people, Console().width if sys.stdout.isatty() else sys.maxsize):
            output.print(line)


def print_search(families: Table, state: SearchState, cost: str = "") -> None:
    """Print the table per family, its last two columns (parameters, those near a bound) in one; and the search's cost.

    Args:
        families: from `family_table`.
        state: of the search.
        cost: in words, for runs of one's own; else it is told by epoch.
    """
    marked = ((*first, _marked(parameters, near)) for *first, parameters, near in families.rows)
    print_table(table((*families.columns[:-2], "best parameters (* near a bound)"), marked))
    times = state.times
    if cost:
        logger.info(f"{cost}; {short_time(times.wall)} have passed")
        return
    if times.trial_epochs:
        each = 1000 / times.trial_epochs
        logger.info(
            f"{times.trial_epochs} trial-epochs in {short_time(times.wall)}; in ms per trial-epoch and process: "
            f"training {times.training * each:.1f}, sampler {times.sampler * each:.1f}, "
            f"storage {times.storage * each:.1f}, pruner {times.pruner * each:.1f}; "
            f"memory at most {times.peak_mib:.0f} MiB"
        )
    if (untimed := state.trial_epochs - times.trial_epochs) > 0:
        logger.info(
            f"the times of {untimed} of {state.trial_epochs} trial-epochs are not known: a process was killed and took "
            "its own with it, or another command trained them"
        )


def _marked(parameters: Mapping[str, Any], near: Sequence[str]) -> str:
    return ", ".join(f"{name}={text(value)}{'*' * (name in near)}" for name, value in parameters.items())


def print_families(rows: Sequence[dict[str, Any]]) -> None:
    """Print each family with its formula, its parameters and their ranges."""
    for row in rows:
        output.print(Text(row["family"], style="bold"), Text(f"  {row['formula']}"))
        output.print(Text(f"    {row['description']}"))
        output.print(Text(f"    {row['source']}", style="dim"))
        for name, meaning in row["parameters"].items():
            output.print(Text(f"    {name}: {meaning}"))
        output.print(Text("    searched: " + ", ".join(f"{name} {r}" for name, r in row["ranges"].items())))
        if row["twins"]:
            twins = ", ".join(f"{name} of {library}" for library, name in row["twins"].items())
            output.print(Text(f"    elsewhere: {twins}"))
        output.print(Text(f"    exports: {', '.join(row['exports'])}"))


def print_crashed(crashed: Table) -> None:
    """Print each trial that has crashed with the end of its output."""
    for row in crashed.records():
        print_title(f"trial {row['number']} of {row['family']} in {row['study']}: {row['error']}")
        for line in str(row["output"]).splitlines():
            output.print(Text(plain(f"    {line}")))
    if not crashed.rows:
        logger.info("no trial has crashed")


def print_title(title: str) -> None:
    """Print a line in bold on standard output."""
    output.print(Text(plain(title), style="bold"))


def print_study_verdict(verdict: StudyVerdict, shown: Table, *, details: bool = False) -> None:
    """Print the verdict of a confirmation, its controls, claims, smaller budgets and exploratory results."""
    print_verdict(verdict.comparison, shown, details=details)
    if verdict.headroom:
        output.print()
        print_prose(verdict.headroom)
    if verdict.controls:
        logger.info("the difference of a control is to the candidate that it was made from")
        for control in verdict.controls:
            print_prose(f"{control.sentence}.")
    if verdict.claims or verdict.claims_note:
        output.print()
        print_title("Claims (each with its own interval; p by Holm over all)")
        for claim in verdict.claims:
            print_prose(claim.sentence)
        if verdict.claims_note:
            print_prose(verdict.claims_note)
    if verdict.tuning_budgets:
        output.print()
        print_title("If fewer trials can be afforded (each at its own error rate)")
        for budget in verdict.tuning_budgets:
            print_prose(budget.sentence)
    if verdict.exploratory is not None:
        output.print()
        print_title("Exploratory, with blocks beyond the plan: not a part of the verdict above")
        print_prose(verdict.exploratory.verdict_text)


def print_plan(plan: StudyPlan, blocks: Table) -> None:
    """Print what several numbers of blocks buy, and how it was calculated."""
    print_table(blocks)
    noise = plan.noise
    logger.info(
        f"power of {counted(plan.columns, 'column')} at a family-wise error of {plan.alpha:g}; "
        f"SD {noise.noise.sd:.3g} {plan.unit}, correlation {noise.noise.correlation:.2g} ({noise.source})"
    )
    trials = counted(plan.trials, "run" if plan.of_runs else "trial")
    epochs = "" if plan.of_runs else f" of {counted(plan.epochs, 'epoch')}"
    logger.info(f"{_pace(plan)}; {f'{trials}{epochs} a search' if plan.trials else 'nothing is searched'}")
    for remark in plan.remarks:
        logger.info(remark)


def _pace(plan: StudyPlan) -> str:
    """Return what one trial, or run, costs here."""
    if not plan.of_runs:
        side_by_side = f"{counted(plan.workers, 'process')} side by side"
        return f"{plan.seconds_per_trial_epoch:.3g} s a trial-epoch, measured here by a short one; {side_by_side}"
    start = f" after a start of {plan.start_seconds:.3g} s" if plan.start_seconds else ""
    each = f"{plan.seconds_per_trial_epoch:.3g} s from one report to the next{start}, measured here by the first two"
    return f"{each}; a run takes {short_time(plan.seconds_a_run)}; {plan.workers} at a time"


def note_check(name: str, ok: bool, detail: str) -> None:
    """Print one check of the doctor on standard output."""
    output.print(Text(f"{'ok ' if ok else 'BAD'} {plain(name)}: {plain(detail)}"))


def print_over_studies(together: OverStudies) -> None:
    """Print what several studies say together: in words, by candidate, and by pair."""
    for sentence in together.sentences:
        output.print(Text(plain(sentence)))
    for shown in (together.table(), together.pair_table()):
        output.print()
        print_table(shown)


def print_sequential(verdict: SequentialVerdict) -> None:
    """Print the verdict on one candidate in words, then the table of its interim analyses."""
    print_prose(verdict.sentence)
    output.print()
    print_table(verdict.table())
    logger.info(verdict.note)


def print_verdict(comparison: Comparison, shown: Table, *, details: bool = False) -> None:
    """Print the four lines and their cost, then the table per family, with `details` the statistics in words too."""
    first, *others = comparison.lines
    print_prose(first, bold=len(first))
    for line in others:
        print_prose(line, bold=line.index(":") + 1)
    if comparison.cost:
        print_prose(f"Cost: {comparison.cost}.")
    for warning in comparison.warnings:
        logger.info(f"warning: {warning}")
    output.print()
    print_table(shown)
    print_prose(comparison.note)
    if details:
        output.print()
        print_prose(comparison.verdict_text)


def print_prose(text: str, *, bold: int = 0) -> None:
    """Print a paragraph, its first `bold` characters bold; on a terminal wrapped at words, elsewhere on one line."""
    said = Text(plain(text))
    said.stylize("bold", 0, bold)
    if not sys.stdout.isatty():
        output.print(said)
        return
    width = max(Console().width - 2, 20)
    for place, line in enumerate(said.wrap(output, width)):
        line.rstrip()
        output.print(Text("  ") + line if place else line)
