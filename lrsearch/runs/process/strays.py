"""Processes that a run has left behind, in any session: its folder is in their environment."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

FOLDER = "LRSEARCH_RUN_FOLDER"
"""The variable that every process of a run has from the one that started it."""


def end_strays(folder: str) -> None:
    """Kill the processes of the run with this folder, but for this one; those of other users are out of reach."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(FOLDER) == folder:
                process.kill()
