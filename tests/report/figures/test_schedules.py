"""The schedules that are drawn, and what tells them apart."""

from lrsearch.report.figures.schedules import best_samples, own_parameters
from lrsearch.schedules import make_schedule
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.storage.attributes import StudyAttributes
from tests.report.report_helpers import EPOCHS, small_config, trial


def test_the_best_of_each_family_are_drawn_the_best_family_first():
    """One schedule a family, under its name."""
    search = StudyPart("s", small_config(), StudyAttributes(), read=lambda: [trial(0, "a", 0.9), trial(1, "b", 0.95)])
    best = StoredStudy("s", (search,)).best_by_family()
    assert ["b", "a"] == [sample.name for sample in best_samples(best, epochs=EPOCHS)]


def test_own_parameters_leave_out_what_says_nothing():
    """The family, the length of the run and a warm-up of 0 are not shown; a final rate of 0 is."""
    schedule = make_schedule("cosine", total_steps=40, base_lr=0.1, final_lr=0.0).params()
    assert {"base_lr", "final_lr"} <= own_parameters(schedule).keys()
    assert not {"family", "total_steps", "warmup_steps"} & own_parameters(schedule).keys()
    warm = make_schedule("cosine", total_steps=40, base_lr=0.1, final_lr=0.0, warmup_steps=5).params()
    assert 5 == own_parameters(warm)["warmup_steps"]
