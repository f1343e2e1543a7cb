"""The flags of `compare` for a table of one's own, and what it prints for one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lrsearch.cli.next_step import next_step, say_next
from lrsearch.errors import InputError


@dataclass(frozen=True)
class ScoresFlags:
    """A table, and how it is judged; what is None is as the table's reader has it."""

    scores: Annotated[
        Path | None, typer.Option(help="A CSV table of your own: block, family, score (points: 88.2); block may lack.")
    ] = None
    rope: Annotated[
        float | None,
        typer.Option(help="The difference that would not matter; not the one a study planned: exploratory."),
    ] = None
    alpha: Annotated[float | None, typer.Option(help="The family-wise error, as --rope; 0.05 if none.")] = None
    seed: Annotated[int | None, typer.Option(help="With --scores: of the null distribution; 0 if none.")] = None
    direction: Annotated[
        Literal["maximize", "minimize"] | None, typer.Option(help="With --scores: whether more is better, or less.")
    ] = None
    metric: Annotated[str | None, typer.Option(help="With --scores: what a score measures, such as AUC.")] = None
    unit: Annotated[str | None, typer.Option(help="With --scores: the unit of a score, such as nats.")] = None
    failed_at: Annotated[
        float | None, typer.Option(help="With --scores: a run that scores worse than this has failed.")
    ] = None
    sigma: Annotated[
        float | None, typer.Option(help="With --scores and no column block: the SD of a run, known beforehand.")
    ] = None
    baseline: Annotated[str | None, typer.Option(help="With --scores: compare each family with this one alone.")] = None
    one_sided: Annotated[
        bool | None, typer.Option("--one-sided", help="With --baseline and no column block: only better ones count.")
    ] = None
    sequential: Annotated[
        bool | None,
        typer.Option("--sequential", help="With --scores: valid after every run; exit code 0 for, 4 against, else 3."),
    ] = None
    candidate: Annotated[str | None, typer.Option(help="With --sequential: what is held against --baseline.")] = None

    def given(self) -> dict[str, Any]:
        """Return the flags that were given, besides the table."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "scores"}
        return {name: value for name, value in values.items() if value is not None}

    def refuse(self, names: list[str], why: str) -> None:
        """Raise InputError where one of the flags `names` was given."""
        if named := ", ".join(f"--{name.replace('_', '-')}" for name in names if name in self.given()):
            raise InputError(f"{named} cannot be given {why}")


def print_scores(
    flags: ScoresFlags, table: Path, form: str, *, details: bool = False, target: Path | None = None
) -> int:
    """Print the verdict on a table, "table" or "json" in `form`, and return the exit code.

    With `details` the statistics are said in words too; `target` is a file for the JSON besides.
    """
    from lrsearch.cli import console
    from lrsearch.cli.flags import print_json, write_verdict_json
    from lrsearch.verdict.scores_csv import compare_table
    from lrsearch.verdict.sequential import compare_growing_table

    given = flags.given()
    if given.pop("sequential", False):
        flags.refuse(["rope", "seed", "sigma", "one_sided"], "with --sequential")
        if flags.candidate is None or flags.baseline is None:
            raise InputError("--sequential needs two families of the table: --candidate NAME --baseline NAME")
        verdict = compare_growing_table(table, **given)
        write_verdict_json(target, verdict.to_dict())
        if form == "json":
            print_json(verdict.to_dict())
        else:
            console.print_sequential(verdict)
            say_next(verdict.next_step)
        return verdict.exit_code
    flags.refuse(["candidate"], "without --sequential")
    comparison = compare_table(table, **given)
    write_verdict_json(target, comparison.to_dict())
    if form == "json":
        typer.echo(comparison.to_json())
    else:
        console.print_verdict(comparison, comparison.family_table(), details=details)
        next_step("init", to="search and compare schedules in a training of your own")
    return 0
