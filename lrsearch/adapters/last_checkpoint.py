"""The checkpoint of a library's own from which a run goes on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from lrsearch.runs.run import Run


class LastCheckpoint:
    """The newest whole checkpoint that a library wrote into the run's folder: the run's own one holds its name.

    Args:
        run: goes on where it was when that checkpoint was written.

    Attributes:
        path: of the file or folder; None where the run begins.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.path: Path | None = None
        run.resume(library=self)

    def state_dict(self) -> dict[str, Any]:
        """Return the name of the checkpoint."""
        assert self.path is not None
        return {"name": self.path.name}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the checkpoint of a name; FileNotFoundError where it is gone."""
        path = self._run.folder / state["name"]
        path.stat()
        self.path = path

    def replace(self, path: Path) -> None:
        """Let the run go on from a new checkpoint from now on, and remove the one before."""
        before, self.path = self.path, path
        self._run.checkpoint(library=self)
        if before is None or before == path:
            return
        if before.is_dir():
            shutil.rmtree(before, ignore_errors=True)
        else:
            before.unlink(missing_ok=True)
