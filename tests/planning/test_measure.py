"""What a training function is, from what short runs of it have shown."""

import pytest

from lrsearch.errors import InputError
from lrsearch.planning import measure as module
from lrsearch.planning.measure import NOMINAL_RATE, Measured, measure, trial_spec, varied
from lrsearch.planning.trial_run import Trial

TRAINING = "tests.runs.training_examples:quadratic"


def measured(monkeypatch, *trials: Trial) -> Measured:
    """Return what is made of these trial runs."""
    left = list(trials)
    monkeypatch.setattr(module, "try_run", lambda _spec, **_how: left.pop(0))
    found = measure(TRAINING)
    assert not left
    return found


def test_the_length_of_a_run_is_measured(monkeypatch) -> None:
    """Ten times the updates of one epoch; all those of a loop of its own; where steps are counted the study decides."""
    by_epoch = measured(monkeypatch, Trial((1.0, 0.5), (30, 60), (2.0, 3.0), "epochs", 60, 60, "AdamW", 3e-4))
    assert (300, 10, True, 3e-4, True, "minimize") == (
        by_epoch.total_steps,
        by_epoch.reports,
        by_epoch.counted,
        by_epoch.base_lr,
        by_epoch.own_rate,
        by_epoch.direction,
    )
    whole = Trial((0.1, 0.2, 0.3), (7, 14, 21), (1.0, 2.0, 3.0), "own", 21, 21, "SGD", NOMINAL_RATE)
    own = measured(monkeypatch, Trial((0.1, 0.2), (7, 14), (1.0, 2.0), "own", 14, 14), whole)
    assert (21, 3, True, 0.1, False, "maximize") == (
        own.total_steps,
        own.reports,
        own.counted,
        own.base_lr,
        own.own_rate,
        own.direction,
    )
    counted = Trial((1.0, 1.0), (100, 200), (1.0, 2.0), "steps", 0, 200, "", None)
    assert (1000, False, 1e-3) == (
        (steps := measured(monkeypatch, Trial(loop="steps"), counted)).total_steps,
        steps.counted,
        steps.base_lr,
    )


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (Trial(loop="epochs"), "it never reports"),
        (Trial((1.0,), (0,), (1.0,), "epochs"), "it never uses the schedule"),
        (
            Trial((1.0,), (1,), (1.0,), "epochs", 19, 1, "SGD"),
            "19 optimizer steps and 1 scheduler step at report 1",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line(monkeypatch, trial, why) -> None:
    """A function that never reports, uses no schedule, or steps it once an epoch."""
    with pytest.raises(InputError, match=f"{TRAINING}: {why}"):
        measured(monkeypatch, trial)


def test_one_seed_is_changed_at_a_time(tmp_path) -> None:
    """The others stay."""
    spec = trial_spec(TRAINING, tmp_path, total_steps=10, reports=2)
    other = varied(spec, "order")
    assert spec.seeds.order != other.seeds.order
    assert (spec.seeds.init, spec.seeds.split) == (other.seeds.init, other.seeds.split)
