"""The files that a command and lrsearch share; docs/own_commands.md describes every field of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lrsearch.errors import InputError
from lrsearch.runs.command.lines import Finished, line_of
from lrsearch.runs.messages import Answer, Message
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.schedules import Schedule, schedule_from_params

VARIABLE = "LRSEARCH_RUN"
VERSION = 1
MOST_RATES = 1_000_000
"""Updates of a run up to which its rates are written down."""

_COPIED = ("parameters", "total_steps", "reports", "epochs", "purpose", "test", "checkpoint_seconds", "rungs")


@dataclass(frozen=True)
class RunFiles:
    """Where the files of a run lie.

    Attributes:
        folder: of the run.
    """

    folder: Path

    @property
    def run(self) -> Path:
        """What the run is told: the file that LRSEARCH_RUN names."""
        return self.folder / "run.json"

    @property
    def rates(self) -> Path:
        """The rate of every update, one a line."""
        return self.folder / "rates.txt"

    @property
    def reports(self) -> Path:
        """To which the run appends its reports, one JSON object a line."""
        return self.folder / "reports.jsonl"

    @property
    def answer(self) -> Path:
        """What the search says to the last report."""
        return self.folder / "answer.json"

    @property
    def score(self) -> Path:
        """The score of a script that never reports."""
        return self.folder / "score.json"

    @property
    def ranks(self) -> Path:
        """Where the ranks of a distributed run meet."""
        return self.folder / "ranks"

    def write(self, spec: RunSpec) -> None:
        """Write down what the run is told, and remove what an earlier attempt has said."""
        for old in (self.answer, self.score):
            old.unlink(missing_ok=True)
        self.reports.write_bytes(b"")
        self.ranks.mkdir(exist_ok=True)
        for old in self.ranks.iterdir():
            old.unlink(missing_ok=True)
        (self.folder / "files").mkdir(exist_ok=True)
        has_rates = spec.total_steps <= MOST_RATES
        if has_rates:
            schedule = schedule_from_params(spec.schedule)
            assert isinstance(schedule, Schedule)
            rates = schedule.lr(np.arange(spec.total_steps)).tolist()
            self.rates.write_text("".join(f"{rate!r}\n" for rate in rates), encoding="ascii")
        content = {
            "version": VERSION,
            "name": spec.training,
            "schedule": dict(spec.schedule),
            **{name: getattr(spec, name) for name in _COPIED},
            "seeds": {**asdict(spec.seeds), "evaluation": spec.seeds.evaluation},
            "folder": str(self.folder / "files"),
            "rates_file": str(self.rates) if has_rates else None,
            "reports_file": str(self.reports),
            "answer_file": str(self.answer),
            "score_file": str(self.score),
        }
        _replace(self.run, json.dumps(content, indent=2, default=str))

    def read(self) -> RunSpec:
        """Return what the run is told.

        Raises:
            InputError: if the file cannot be read, or is of another version.
        """
        try:
            content = json.loads(self.run.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{VARIABLE} names {self.run}, which cannot be read: {error}") from error
        if content.get("version") != VERSION:
            raise InputError(
                f"{self.run} must be of version {VERSION}, got {content.get('version')!r}: install the same version of "
                "lrsearch for the script as for the search"
            )
        seeds = content["seeds"]
        return RunSpec(
            training=content["name"],
            schedule=content["schedule"],
            seeds=RunSeeds(seeds["init"], seeds["order"], seeds["split"]),
            folder=str(self.folder),
            **{name: content[name] for name in _COPIED},
        )

    def write_answer(self, answer: Answer) -> None:
        """Tell the run what the search says."""
        _replace(self.answer, json.dumps(asdict(answer)))

    def read_answer(self) -> Answer | None:
        """Return what the search said last; None before its first answer."""
        try:
            return Answer(**json.loads(self.answer.read_text(encoding="ascii")))
        except FileNotFoundError:
            return None

    def append(self, message: Message | Finished) -> None:
        """Say something to the search, in one line."""
        with self.reports.open("a", encoding="utf-8") as file:
            file.write(line_of(message) + "\n")


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
