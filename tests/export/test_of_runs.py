"""The configuration of a run of a training function, in every format."""

import pytest

from lrsearch.errors import InputError
from lrsearch.export.document import Configuration
from lrsearch.export.formats import FORMATS, render
from lrsearch.export.retrain import train_configuration
from lrsearch.schedules import make_schedule

DOCUMENT = {
    "schedule": make_schedule("cosine", total_steps=100, base_lr=0.1).params(),
    "run": {"training": "train:train", "reports": 10, "seeds": {"split": 1, "init": 2, "order": 3}},
    "parameters": {"weight_decay": 0.1, "kind": "a"},
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_the_function_and_what_was_searched(form) -> None:
    """Beside the rates of the schedule."""
    text = render(DOCUMENT, form)
    assert "train:train" in text
    assert "weight_decay" in text


def test_a_run_is_not_trained_by_lrsearch() -> None:
    """One line names the function that is to be called."""
    with pytest.raises(InputError, match="it is a run of train:train, which lrsearch cannot train again by itself"):
        train_configuration(Configuration.from_dict(DOCUMENT), trust_config=True)


def test_a_configuration_is_not_of_a_workload_and_of_a_run() -> None:
    """What is trained would not be known."""
    with pytest.raises(InputError, match="either training or run"):
        Configuration.from_dict({**DOCUMENT, "training": {"epochs": 3}})
