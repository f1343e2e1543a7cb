"""What a file names is not imported before a person has named it; tests/fuzz/test_trust.py tries the commands."""

from __future__ import annotations

import pytest

from lrsearch.config import BUILT_IN_WORKLOAD
from lrsearch.config.trust import require_trusted
from lrsearch.errors import InputError
from lrsearch.workloads import load_workload


def test_another_workload_is_refused_with_both_ways_out() -> None:
    """The line names who asks, the workload, the flag that trusts, and its keyword in Python."""
    with pytest.raises(InputError) as caught:
        require_trusted("nobodys.module:f", source="the configuration", trust="--trust-config")
    for part in ("the configuration names", "'nobodys.module:f'", "--workload", "--trust-config", "trust_config=True"):
        assert part in str(caught.value)


def test_the_built_in_workload_and_a_loaded_one_are_trusted() -> None:
    """What this process has loaded was named by its user."""
    require_trusted(BUILT_IN_WORKLOAD, source="a", trust="--b")
    load_workload("tests.workload_examples:regression")
    require_trusted("tests.workload_examples:regression", source="a", trust="--b")
