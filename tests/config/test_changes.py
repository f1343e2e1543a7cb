"""Changes to a study by dotted key."""

import pytest

from lrsearch.config.changes import named_as_flag, with_changes
from lrsearch.errors import InputError


def test_values_are_replaced_in_their_tables_and_what_excludes_them_goes() -> None:
    """A table that is not there is made; another way to say the same gives way; None changes nothing."""
    data = {"seed": 1, "training": {"budgets": [1, 2]}, "run": {"command": "python a.py"}}
    changes = {"training.epochs": 3, "plan.rope": 0.1, "seed": None, "run.training": "a:f"}
    changed = with_changes(data, changes, of_run=False)
    assert {"seed": 1, "training": {"epochs": 3}, "run": {"training": "a:f"}, "plan": {"rope": 0.1}} == changed


def test_a_workloads_flag_is_refused_of_runs() -> None:
    """It would change nothing."""
    with pytest.raises(InputError, match="--batch-size is for a workload, and this study has"):
        with_changes({}, {"training.batch_size": 8}, of_run=True)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("study: training.epochs: must be 1", "--epochs: must be 1"),
        ("study: name: must be short", "--study-name: must be short"),
        ("study: seed: must be 0", "seed: must be 0"),
    ],
)
def test_what_is_wrong_with_a_change_is_told_as_its_flag(error, said) -> None:
    """What was not changed keeps its key."""
    assert said == named_as_flag(error, ["training.epochs", "name"])
