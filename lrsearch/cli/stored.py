"""The flags that say which stored study a command reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from lrsearch.cli import completion
from lrsearch.cli.flags import Name, Storage
from lrsearch.errors import InputError
from lrsearch.names import DEFAULT_STORAGE


@dataclass(frozen=True)
class StoredFlags:
    """Which stored study is read, and where it is kept."""

    study: Annotated[
        str | None,
        typer.Argument(
            metavar="[STUDY]",
            help="A stored study's name, a study file or a built-in study; the only one stored if none.",
            autocompletion=completion.stored_studies,
        ),
    ] = None
    storage: Storage = DEFAULT_STORAGE
    study_name: Name = None

    @property
    def name(self) -> str | None:
        """The name under which the study is stored: that of a study file, which --study-name replaces, or as given.

        Raises:
            InputError: if the study file is invalid, or a stored study is named twice.
        """
        from lrsearch.config import StudyConfig, is_study_file

        if self.study is None:
            return self.study_name
        if is_study_file(self.study):
            return self.study_name or StudyConfig.load(self.study).name
        if self._typed_name not in (None, self.study):
            raise InputError(f"{self.study} says which study is read: leave out --study-name")
        return self.study

    def refuse_beside(self, flag: str) -> None:
        """Raise InputError where a flag that says what is read stands beside a study; the environment may name one."""
        if self.study is not None or self._typed_name is not None:
            other = "--study-name" if self.study is None else "STUDY"
            raise InputError(f"{flag} says what is read: leave out {other}")

    @property
    def _typed_name(self) -> str | None:
        return None if self.study_name == os.environ.get("LRSEARCH_STUDY") else self.study_name
