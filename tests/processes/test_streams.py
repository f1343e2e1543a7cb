"""Standard output that is closed, full, read by `head` or in ASCII: no traceback, and no search that stops."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrsearch.processes.streams import output_problem, patient_streams
from lrsearch.storage import load_study, open_storage, records

ROOT = str(Path(__file__).parents[2])
PROGRAM = """
import sys
from lrsearch.processes.streams import output_problem, patient_streams
with patient_streams():
    print("é" * 100)
    print("to standard error", file=sys.stderr)
    print("lost:", output_problem(), file=sys.stderr)
"""


def _shell(command: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of a shell in which $PYTHON and $PROGRAM are set."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "PYTHON": sys.executable, "PROGRAM": PROGRAM, **variables}
    whole = ["bash", "-c", f"set -o pipefail; {command}"]
    return subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_reader_that_has_gone_loses_nothing_worth_saying(folder) -> None:
    """As with `| head -1`: no error, no line."""
    shown = _shell('"$PYTHON" -c "$PROGRAM" | true', folder)
    assert (0, "to standard error\nlost: \n") == (shown.returncode, shown.stderr)


def test_output_that_is_closed_or_full_is_said(folder) -> None:
    """Why it was lost is known afterwards; closed descriptors are not those of the next file that is opened."""
    assert "lost: No space left on device\n" in _shell('"$PYTHON" -c "$PROGRAM" >/dev/full', folder).stderr
    assert "lost: it is closed\n" in _shell('"$PYTHON" -c "$PROGRAM" >&-', folder).stderr
    opened = "from lrsearch.processes.streams import patient_streams as p\nwith p(): print(open('a', 'w').fileno())"
    closed = _shell('"$PYTHON" -c "$PROGRAM" <&- 2>&-', folder, PROGRAM=opened)
    assert (0, True) == (closed.returncode, int(closed.stdout) > 2)


def test_characters_that_the_terminal_lacks_are_escaped(folder) -> None:
    """An ASCII locale shows what it can."""
    shown = _shell('"$PYTHON" -c "$PROGRAM"', folder, PYTHONIOENCODING="ascii")
    assert (0, r"\xe9" * 100 + "\n") == (shown.returncode, shown.stdout)


def test_redirected_streams_are_left_alone(capsys) -> None:
    """A notebook's streams, or a test's, are not replaced."""
    before = sys.stdout
    with patient_streams():
        assert before is sys.stdout
        assert "" == output_problem()


@pytest.mark.integration
def test_a_search_without_a_reader_of_its_output_is_run_to_its_end(study_file) -> None:
    """With both streams read by a `head` that has gone, every budget of the search is finished, with exit code 0."""
    flags = "--epochs 1,2 --trials 3 --workers 1 --device cpu"
    done = _shell(f'"$PYTHON" -m lrsearch optimize tab.toml {flags} 2>&1 | true', study_file.parent)
    assert 0 == done.returncode
    storage = open_storage(f"sqlite:///{study_file.parent}/lrsearch.db")
    for name in ("tab/epochs-1", "tab/epochs-2"):
        assert 3 == sum(record.finished for record in records(load_study(storage, name)))


@pytest.mark.integration
def test_a_command_says_in_one_line_that_its_output_is_lost(folder) -> None:
    """Exit code 1, no traceback, and no next step after what could not be read."""
    full = _shell('"$PYTHON" -m lrsearch families >/dev/full', folder)
    said = "lrsearch: standard output cannot be written: No space left on device\n"
    assert (1, said) == (full.returncode, full.stderr)
