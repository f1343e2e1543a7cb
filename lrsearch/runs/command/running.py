"""A command that was started, as the search holds it: by the process that watches over it."""

from __future__ import annotations

import subprocess

from lrsearch.runs.process.running import RunningProcess, environment_of
from lrsearch.runs.spec import RunSpec

_KILL_SECONDS = 15.0
"""What the watching process has to kill a run and all that it has started."""


class RunningCommand(RunningProcess):
    """A command and all processes that it starts, watched over by supervisor.py, which signals reach alone."""

    _module = "lrsearch.runs.command.supervisor"

    @staticmethod
    def _told(spec: RunSpec) -> object:
        """Return the run, and the environment of its command, which is not that of lrsearch's own processes."""
        return spec.to_json(), environment_of(spec)

    def kill(self) -> None:
        """Kill the run and what it has started: the watching process does so when the pipe's other end is closed."""
        self.connection.close()
        try:
            self._process.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            super().kill()
