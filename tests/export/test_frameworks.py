"""What transformers and timm share here: refusals that name the difference, and the nearest curve."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.export import FORMATS, render
from lrsearch.export.source_code import run_rates
from lrsearch.schedules import PerEpoch, ReduceOnPlateau
from tests.export.documents import document, example, refusal
from tests.export.libraries import RATES

REFUSED = {
    "hf, unknown family": ("hf", example("rex"), "has no such schedule"),
    "hf, warm-up from a rate": (
        "hf",
        example("cosine", warmup_begin_lr=0.02),
        "warm-up begins at 0, this one's at 0.02",
    ),
    "hf, its wsd warms up from the final rate": (
        "hf",
        example("warmup_stable_decay"),
        "begins at 0.01, this one's at 0",
    ),
    "hf, cosine over early": ("hf", example("cosine", decay_steps=200), "after 256 steps, this one after 200"),
    "hf, cycles that grow": ("hf", example("cosine_restarts", cycle_mult=2), "these grow by 2"),
    "hf, cycles to a rate": ("hf", example("cosine_restarts", final_lr=0.1), "cycles end at 0"),
    "hf, uneven cycles": ("hf", example("cosine_restarts", first_cycle_steps=100), "these begin every 100 steps"),
    "hf, by the epoch": ("hf", PerEpoch(example("cosine")), "steps at every update"),
    "hf, plateau after warm-up": ("hf", ReduceOnPlateau(0.5, 40, 5), "has no warm-up, this one has 5 steps"),
    "hf, no decay": ("hf", example("linear", final_lr=0.3), "final rate must be below base_lr = 0.3"),
    "timm, unknown family": ("timm", example("one_cycle"), "has no such schedule"),
    "timm, drops between steps": ("timm", example("step", step_size=70.5), "every 70.5 steps"),
    "timm, cycles between steps": ("timm", example("cosine_restarts", first_cycle_steps=50.5), "take 50.5 steps"),
    "timm, cycles that triple": ("timm", example("cosine_restarts", cycle_mult=3), "misses restarts by a rounding"),
    "timm, decay between steps": ("timm", example("warmup_stable_decay", decay_steps=99.5), "rounds the length"),
    "timm, an epoch late": ("timm", PerEpoch(example("cosine"), 0.3), "this one an epoch late"),
    "timm, plateau": ("timm", ReduceOnPlateau(0.5, 40), "deprecated"),
    "optax, plateau": ("optax", ReduceOnPlateau(0.5, 40), "reads the validation loss"),
    "csv, plateau": ("csv", ReduceOnPlateau(0.5, 40), "depend on the validation loss"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_library_cannot_express_is_refused_with_the_difference(name):
    """The refusal is one line that says what differs and which format can."""
    form, schedule, difference = REFUSED[name]
    message = refusal(schedule, form)
    assert difference in message
    assert "--format python" in message
    assert "\n" not in message


NEAR = {
    "hf, its wsd warms up from the final rate": ("hf", example("warmup_stable_decay")),
    "hf, warm-up from a rate": ("hf", example("linear", warmup_begin_lr=0.02)),
    "hf, cosine over early": ("hf", example("cosine", decay_steps=200)),
    "hf, cycles to a rate": ("hf", example("cosine_restarts", final_lr=0.02)),
    "hf, cycles of uneven length": ("hf", example("cosine_restarts", first_cycle_steps=256 / 3)),
    "hf, cycles that grow": ("hf", example("cosine_restarts", first_cycle_steps=256 / 7, cycle_mult=2, final_lr=0.001)),
    "timm, drops between steps": ("timm", example("step", step_size=70.5)),
    "timm, cycles between steps": ("timm", example("cosine_restarts", first_cycle_steps=50.5)),
    "timm, decay between steps": ("timm", example("warmup_stable_decay", decay_steps=99.5)),
    "timm, an epoch late": ("timm", PerEpoch(example("cosine"), 0.3)),
}


@pytest.mark.parametrize("name", NEAR)
def test_the_nearest_curve_differs_by_what_is_said(name, caplog):
    """--approximate takes it; refusal, warning and file say the largest difference, which the library really has."""
    form, schedule = NEAR[name]
    said = re.search(
        r"--approximate one that (differs by up to (\S+) % of base_lr, (\S+) % on average)$", refusal(schedule, form)
    )
    actual = np.array(RATES[form](schedule, schedule.total_steps, approximate=True))
    apart = 100 * np.abs(actual - run_rates(schedule)) / schedule.base_lr
    stated = (float(said[2]), float(said[3]))
    assert (np.max(apart), np.mean(apart)) == pytest.approx(stated, rel=0.06, abs=1e-6)
    note = f"approximate, {said[1]}, from the searched {schedule.family}"
    assert note in caplog.text
    assert note[1:] in render(document(schedule), form, approximate=True)
    assert "e+" not in note


@pytest.mark.parametrize(("form", "family"), [("hf", "rex"), ("hf", "step"), ("timm", "one_cycle")])
def test_what_has_nothing_near_stays_refused(form, family):
    """Without a like schedule in the library, --approximate does not help, and is not offered."""
    assert "--approximate" not in refusal(example(family), form)
    with pytest.raises(InputError, match="has no such schedule"):
        render(document(example(family)), form, approximate=True)


def test_what_is_exact_is_not_called_approximate():
    """The flag changes nothing where nothing differs."""
    for form in FORMATS:
        text = render(document(example("cosine")), form)
        assert text == render(document(example("cosine")), form, approximate=True)
