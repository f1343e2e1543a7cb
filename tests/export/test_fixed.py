"""Tables of rates and joined schedules in every format."""

import numpy as np
import pytest

import lrsearch
from lrsearch.config.rates_file import read_rates
from lrsearch.export import load_configuration, render
from lrsearch.schedules import PerEpoch, make_schedule, schedule_from_params
from tests.export.documents import assert_same_rates, document, refusal, run_code
from tests.export.libraries import READERS

DENSE = lrsearch.tabulated(np.linspace(0.3, 0.01, 24) ** 1.3)
PAIRS = lrsearch.tabulated([(0, 0.1), (7, 0.0), (9, 0.3)], total_steps=24)
JOINED = lrsearch.join(
    [make_schedule("linear", total_steps=12, base_lr=0.3, final_lr=0.1, warmup_steps=3), PAIRS, DENSE], [8, 13]
)
EACH = {"dense": DENSE, "pairs": PAIRS, "flat": lrsearch.tabulated([(0, 0.2)], total_steps=5), "joined": JOINED}


CASES = [(name, form) for form in READERS if form not in ("hf", "timm") for name in EACH]


# optax compiles every curve anew, which takes half a second; the joined one holds tables, too.
@pytest.mark.parametrize(("name", "form"), [case for case in CASES if case[1] != "optax" or case[0] == "joined"])
def test_the_file_has_their_rates(name, form) -> None:
    """Whatever reads it."""
    schedule = EACH[name]
    rates = READERS[form](schedule, schedule.total_steps)
    assert_same_rates(schedule.lr(np.arange(schedule.total_steps)), rates, schedule.base_lr)


@pytest.mark.parametrize("name", ["dense", "joined"])
def test_plain_python_has_the_same_bits_and_steps_by_the_epoch(name) -> None:
    """`lr(step)` of the file, to the bit, also after the last step."""
    schedule = EACH[name]
    lr = run_code(PerEpoch(schedule), "python")["lr"]
    steps = range(schedule.total_steps + 3)
    np.testing.assert_allclose([lr(step) for step in steps], schedule.lr(list(steps)), rtol=1e-15)


@pytest.mark.parametrize("form", ["hf", "timm"])
@pytest.mark.parametrize("name", ["dense", "joined"])
def test_libraries_without_such_a_curve_refuse(name, form) -> None:
    """In one line."""
    assert "exactly: it has no such schedule; export --format python can" in refusal(EACH[name], form)


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
@pytest.mark.parametrize("name", EACH)
def test_documents_come_back(tmp_path, name, form) -> None:
    """With an equal schedule."""
    path = tmp_path / f"one.{form}"
    path.write_text(render(document(EACH[name]), form))
    assert EACH[name] == load_configuration(path).to_schedule()


def test_an_exported_csv_is_a_table_of_rates(tmp_path) -> None:
    """What is exported here may be somebody's own schedule tomorrow."""
    path = tmp_path / "rates.csv"
    path.write_text(render(document(JOINED), "csv"))
    again = lrsearch.tabulated(read_rates(path).rates)
    assert JOINED.lr(np.arange(37)).tolist() == again.lr(np.arange(37)).tolist()


def test_a_table_that_yaml_cannot_hold_is_refused_and_one_that_it_can_comes_back(tmp_path) -> None:
    """JSON holds it."""
    table = lrsearch.tabulated(np.linspace(0.3, 0.1, 12_000))
    assert "yaml may hold 10000 values, and this has 120" in refusal(table, "yaml")
    path = tmp_path / "one.json"
    path.write_text(render(document(table), "json"))
    assert table == load_configuration(path).to_schedule()
    path = tmp_path / "one.yaml"
    most = document(lrsearch.tabulated(np.linspace(0.3, 0.1, 9_970)))
    path.write_text(render(most, "yaml"))
    assert load_configuration(path).to_schedule() == schedule_from_params(most["schedule"])
