"""What an audit has shown of the pruner, against trials made by hand."""

from __future__ import annotations

from optuna import create_study
from optuna.trial import TrialState, create_trial

from lrsearch.storage import StoredStudy, StudyPart, records
from lrsearch.storage.attributes import StudyAttributes
from lrsearch.storage.study_part import stored_metric
from lrsearch.verdict.pruning_audit import audit_result
from tests.search.run_helpers import hand_made, make_config

CONFIG = make_config()
DONE, CUT = TrialState.COMPLETE, TrialState.PRUNED


def _audited(rows, direction="maximize"):
    study = create_study(direction=direction)
    for number, (replicate, family, value) in enumerate(rows):
        attributes = {"replicate": replicate, "entry": family, "audited": number}
        study.add_trial(create_trial(state=DONE, value=value, user_attrs=attributes))
    return study


def _result(audit, searches):
    """Return what an audit found; both are studies that were made by hand."""

    def part(name, study):
        return StudyPart(
            name, CONFIG, StudyAttributes(), metric=stored_metric(study.direction, {}), read=lambda: records(study)
        )

    made = tuple(part(f"tab/search-{place:02d}", study) for place, study in enumerate(searches))
    return audit_result(StoredStudy("tab", made, audit=part("tab/audit", audit)))


def test_a_trial_is_held_against_its_own_family_in_its_own_replicate() -> None:
    """The counts are those of a hand calculation; ties do not beat; pruned trials move no median."""
    first = hand_made([("cosine", DONE, v) for v in (0.1, 0.5, 0.9)] + [("linear", DONE, 0.2), ("cosine", CUT, 0.99)])
    second = hand_made([("cosine", DONE, v) for v in (0.6, 0.7, 0.8)])
    rows = [(0, "cosine", 0.6), (0, "cosine", 0.5), (0, "linear", 0.3), (1, "cosine", 0.6), (1, "cosine", 0.85)]
    audit = _result(_audited(rows), [first, second])
    assert (3, 5) == (audit.beat_median.count, audit.beat_median.total)
    assert (2, 5) == (audit.beat_best.count, audit.beat_best.total)
    assert audit.beat_best.low < 0.4 < audit.beat_best.high


def test_where_lower_is_better_less_beats() -> None:
    """The median and the best are those of a loss."""
    search_ = hand_made([("cosine", DONE, v) for v in (1.0, 2.0, 3.0)], "minimize")
    rows = [(0, "cosine", 1.5), (0, "cosine", 0.5), (0, "cosine", 2.5)]
    audit = _result(_audited(rows, "minimize"), [search_])
    assert (2, 1) == (audit.beat_median.count, audit.beat_best.count)
