"""What the commands show: progress with the time left, and tables. Progress goes to standard error."""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from lrsearch.comparison import Comparison
    from lrsearch.planning import StudyPlan
    from lrsearch.search.confirm import ConfirmState
    from lrsearch.search.loop import SearchState
    from lrsearch.verdict import StudyVerdict

_PLAIN_SECONDS = 10.0
_BROKEN = {"recommended": "recom- mended", "diverged": "diver- ged", "accuracy": "accu- racy"}

errors = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, soft_wrap=True)


def note(message: str) -> None:
    """Print a line for people on standard error."""
    errors.print(Text(message))


class Progress:
    """One line that says how far a run is: redrawn on a terminal, printed every ten seconds otherwise."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._begun = time.monotonic()
        self._next_line = self._begun + _PLAIN_SECONDS

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return max(time.monotonic() - self._begun, 1e-9)

    def show(self, what: str, fraction: float, *, since: float = 0.0, more: Sequence[str] = ()) -> None:
        """Show a line: the share, what is done, the time left, and last what a narrow terminal may cut.

        Args:
            what: what has been done.
            fraction: how much of the work is done, 0 to 1.
            since: the fraction at which this run began, from which its pace is measured.
            more: what else there is to say, the most useful first.
        """
        elapsed = self.elapsed
        left = elapsed * (1 - fraction) / (fraction - since) if fraction > since else None
        ending = [] if left is None else [f"{duration(left)} left"]
        line = " · ".join([f"{fraction:4.0%}", what, *ending, *more, f"{duration(elapsed)} elapsed"])
        if self._live is not None:
            self._live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _PLAIN_SECONDS
            note(line)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress while the body runs."""
    if not errors.is_terminal:
        yield Progress(None)
        return
    with Live(Text("preparing"), console=errors, auto_refresh=False, transient=True) as live:
        yield Progress(live)


def duration(seconds: float) -> str:
    """Return a time as people say it: 8 s, 12 min, 3:05 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{str(timedelta(seconds=round(seconds / 60) * 60))[:-3]} h"


def number(value: Any) -> str:
    """Return a number with up to four significant digits, and anything else as text; None is a dash."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(text: str) -> str:
    """Return text without control characters, so that no name in a storage can write to the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table that fits the terminal; elsewhere each row is one line, however long."""
    width = Console().width if sys.stdout.isatty() else sys.maxsize
    for line in table_lines(columns, [list(row) for row in rows], width):
        output.print(line)


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> list[Text]:
    """Return the lines of a table, columns of numbers to the right, none ending in a blank.

    Cells break after commas alone, headers and the names of the first column at spaces: no word, number or interval is
    cut. Columns that do not fit into `width` characters follow in a table of their own, the first column repeated.
    """
    made = [_Column.of(name, [row[i] for row in rows], named=i == 0) for i, name in enumerate(columns)]
    shown = next((n for n in range(len(made), 2, -1) if _layout(made[:n], width)[2]), min(len(made), 2))
    widths, gap, _ = _layout(made[:shown], width)
    lines = []
    for at, cells in enumerate(zip(*[own.folded(w) for own, w in zip(made, widths, strict=False)], strict=True)):
        for parts in zip_longest(*cells, fillvalue=""):
            placed = [own.placed(part, w) for own, part, w in zip(made, parts, widths, strict=False)]
            lines.append(Text((" " * gap).join(placed).rstrip(), style="" if at else "bold", no_wrap=True))
    if shown == len(made):
        return lines
    rest = table_lines([columns[0], *columns[shown:]], [[row[0], *row[shown:]] for row in rows], width)
    return [*lines, Text(), *rest]


@dataclass(frozen=True)
class _Column:
    head: str
    cells: tuple[str, ...]
    right: bool
    separator: str  # after which a cell may break

    @classmethod
    def of(cls, head: str, values: Sequence[Any], *, named: bool) -> _Column:
        right = all(isinstance(value, int | float | None) for value in values)
        return cls(head, tuple(map(plain, _aligned(values))), right, " " if named else ", ")

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """On one line; the header broken at spaces; cells broken too; a word of the header broken too."""
        whole, head = cell_len(self.head), max(map(cell_len, self.head.split(" ")))
        broken = max(map(cell_len, _BROKEN.get(self.head, self.head).split(" ")))
        cells = max(map(cell_len, self.cells), default=0)
        least = max((cell_len(part) for cell in self.cells for part in _parts(cell, self.separator)), default=0)
        return max(cells, whole), max(cells, head), max(least, head), max(least, broken)

    def folded(self, width: int) -> list[list[str]]:
        """Return the lines of the header and those of each cell."""
        broken = max(map(cell_len, self.head.split(" "))) > width
        head = _BROKEN.get(self.head, self.head) if broken else self.head
        return [_folded(head.split(" "), width), *[_folded(_parts(cell, self.separator), width) for cell in self.cells]]

    def placed(self, text: str, width: int) -> str:
        blanks = " " * (width - cell_len(text))
        return blanks + text if self.right else text + blanks


def _layout(columns: Sequence[_Column], width: int) -> tuple[list[int], int, bool]:
    """Return the columns' widths, the gap between them, and whether they fit; the widest columns give way first."""
    bounds = [own.widths for own in columns]
    for gap, stages in ((2, 3), (1, 3), (1, 4)):
        widths = [own[0] for own in bounds]
        excess = sum(widths) + gap * (len(columns) - 1) - width
        for stage in range(1, stages):
            for i in sorted(range(len(columns)), key=lambda i: -widths[i]):
                cut = max(min(excess, widths[i] - bounds[i][stage]), 0)
                widths[i], excess = widths[i] - cut, excess - cut
        if excess <= 0:
            break
    return widths, gap, excess <= 0


def _parts(text: str, separator: str) -> list[str]:
    """Return the pieces between which a text may break, the comma of a separator kept."""
    pieces = text.split(separator)
    return [piece + separator.rstrip() for piece in pieces[:-1]] + pieces[-1:]


def _folded(parts: Sequence[str], width: int) -> list[str]:
    """Return lines of at most `width` characters, or of one part where that is longer."""
    lines = [parts[0]]
    for part in parts[1:]:
        if cell_len(lines[-1]) + 1 + cell_len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _aligned(values: Sequence[Any]) -> list[str]:
    """Return a column as texts: its numbers with the same decimals, four significant digits of the largest."""
    largest = max((abs(v) for v in values if isinstance(v, float) and math.isfinite(v)), default=0.0)
    if largest < 1e-3 or largest >= 1e6:
        return [number(value) for value in values]
    decimals = min(max(3 - math.floor(math.log10(largest)), 0), 4)
    return [f"{value:.{decimals}f}" if isinstance(value, float) else number(value) for value in values]


def search_progress(shown: Progress, epochs: int) -> Callable[[SearchState], None]:
    """Return what a search calls after every epoch to show how far it is."""
    first: list[float] = []

    def show(state: SearchState) -> None:
        finished = state.complete + state.pruned
        first.append(finished / state.total if not first else first[0])
        # Running trials count by the epochs they have had, so that the first minutes have an estimate too.
        begun = finished - first[0] * state.total
        partly = min(max(state.times.trial_epochs / epochs - begun, 0.0), state.running)
        best = [] if state.best is None else [f"best {state.best:.4f} ({state.best_family})"]
        what = f"{state.complete} done, {state.pruned} pruned, {state.running} running of {state.total}"
        more = [*best, f"{state.times.trial_epochs / shown.elapsed:.2f} trial-epochs/s"]
        shown.show(what, min((finished + partly) / state.total, 1.0), since=first[0], more=more)

    return show


def print_search(rows: Sequence[dict[str, Any]], state: SearchState) -> None:
    """Print the table per family, and what the search itself cost."""
    columns = [name for name in rows[0] if name not in ("best parameters", "near a bound")]
    table = [[row[c] for c in columns] + [_parameters(row)] for row in rows]
    print_table([*columns, "best parameters (* near a bound)"], table)
    times = state.times
    if times.trial_epochs:
        each = 1000 / times.trial_epochs
        note(
            f"{times.trial_epochs} trial-epochs in {duration(times.training)} of training, after "
            f"{duration(times.preparation)} of preparation (compiling included); the search itself, "
            f"in ms per trial-epoch: sampler {times.sampler * each:.1f}, storage {times.storage * each:.1f}, "
            f"pruner {times.pruner * each:.1f}; memory at most {times.peak_mib:.0f} MiB"
        )


def _parameters(row: dict[str, Any]) -> str:
    near = row["near a bound"]
    return ", ".join(f"{name}={number(value)}{'*' * (name in near)}" for name, value in row["best parameters"].items())


def print_families(rows: Sequence[dict[str, Any]]) -> None:
    """Print each family with its formula, its parameters and their ranges."""
    for row in rows:
        output.print(Text(row["family"], style="bold"), Text(f"  {row['formula']}"))
        output.print(Text(f"    {row['source']}", style="dim"))
        for name, meaning in row["parameters"].items():
            output.print(Text(f"    {name}: {meaning}"))
        output.print(Text("    searched: " + ", ".join(f"{name} {r}" for name, r in row["ranges"].items())))


def print_rows(rows: Sequence[dict[str, Any]], form: str) -> None:
    """Print rows as a table, as JSON or as CSV."""
    if form == "json":
        print(json.dumps(rows, indent=2))
    elif form == "csv":
        writer = csv.writer(sys.stdout)
        if rows:
            writer.writerow(rows[0])
        for row in rows:
            writer.writerow([json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()])
    elif not rows:
        note("nothing to show")
    else:
        shown = [{name: _cell(value) for name, value in row.items()} for row in rows]
        print_table(list(shown[0]), [list(row.values()) for row in shown])


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name}={number(item)}" for name, item in value.items())
    return value


def confirm_progress(shown: Progress) -> Callable[[ConfirmState], None]:
    """Return what a confirmation calls after every epoch of a block."""
    first: list[float] = []

    def show(state: ConfirmState) -> None:
        fraction = state.fraction
        first.append(fraction if not first else first[0])
        epochs = state.done * state.epochs + state.epochs_in_training
        what = f"{state.done} of {state.total} runs done, {epochs} of {state.total * state.epochs} epochs"
        shown.show(what, fraction, since=first[0])

    return show


def print_title(title: str) -> None:
    """Print a line in bold on standard output."""
    output.print(Text(plain(title), style="bold"))


def print_study_verdict(verdict: StudyVerdict, rows: Sequence[dict[str, Any]]) -> None:
    """Print the verdict of a confirmation and whatever stands beside it."""
    print_verdict(verdict.comparison, rows)
    if verdict.controls:
        note("the interval of a control is to the entry that it stands beside, not to the best")
    if verdict.claims or verdict.claims_note:
        output.print()
        print_title("The article's claims (each with its own interval; p by Holm over all)")
        for claim in verdict.claims:
            output.print(Text(plain(f"  {claim.sentence}")))
        if verdict.claims_note:
            output.print(Text(plain(verdict.claims_note)))
    if verdict.exploratory is not None:
        output.print()
        print_title("Exploratory, with blocks beyond the plan: not a part of the verdict above")
        output.print(Text(plain(verdict.exploratory.verdict_text)))
    if verdict.good_regions.why_not:
        note(f"how wide each family's good region is, is not known: {verdict.good_regions.why_not}")


def print_plan(plan: StudyPlan, rows: Sequence[dict[str, Any]]) -> None:
    """Print what several numbers of blocks buy, and by what it was reckoned."""
    timed = [row | {"time": duration(found.seconds)} for row, found in zip(rows, plan.rows, strict=True)]
    print_rows(timed, "table")
    noise = plan.noise
    note(
        f"power of {plan.columns} columns at a family-wise error of {plan.alpha:g}; SD {noise.noise.sd:.3g} points, "
        f"correlation {noise.noise.correlation:.2g} ({noise.source})"
    )
    note(
        f"{plan.seconds_per_trial_epoch:.3g} s a trial-epoch, measured here by a short one; {plan.workers} "
        f"{'process' if plan.workers == 1 else 'processes'} side by side; "
        + (f"{plan.trials} trials of {plan.epochs} epochs a search" if plan.trials else "nothing is searched")
    )
    for remark in plan.remarks:
        note(remark)


def note_check(name: str, ok: bool, detail: str) -> None:
    """Print one check of the doctor on standard output."""
    output.print(Text(f"{'ok ' if ok else 'BAD'} {name}: {plain(detail)}"))


def print_verdict(comparison: Comparison, rows: Sequence[dict[str, Any]]) -> None:
    """Print the verdict in words, then the table per family."""
    output.print(Text(plain(comparison.verdict_text)))
    for warning in comparison.warnings:
        note(f"warning: {warning}")
    output.print()
    print_rows(rows, "table")
    note(
        f"differences in points of {comparison.metric}, simultaneous {1 - comparison.alpha:.0%} intervals; "
        f"region of practical equivalence {comparison.rope:g} points; {comparison.contrasts}"
    )
