"""Which trials are asked for, and one line for each."""

import pytest

from lrsearch.errors import InputError
from lrsearch.storage import TrialFilter, TrialLine


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (TrialFilter(), "abcd"),
        (TrialFilter("cosine"), "acd"),
        (TrialFilter(state="fail"), "d"),
        (TrialFilter(replicate=1), "bc"),
        (TrialFilter("cosine", "complete", 1), "c"),
        (TrialFilter("rex"), ""),
    ],
)
def test_a_filter_takes_what_has_all_that_it_asks_for(wanted, taken) -> None:
    """A search without replicates is replicate 0; a confirmation is none."""
    trials = {
        "a": ("tab/confirm", "complete", "cosine"),
        "b": ("tab/search-01", "complete", "linear"),
        "c": ("tab/search-01", "complete", "cosine"),
        "d": ("tab", "fail", "cosine"),
    }
    assert taken == "".join(name for name, trial in trials.items() if wanted.takes(*trial))
    assert wanted.of_trials == (wanted not in (TrialFilter(), TrialFilter(replicate=1)))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (TrialFilter("cosin"), "no family 'cosin' here; did you mean 'cosine'"),
        (TrialFilter(state="done"), "state must be one of complete, pruned, running, waiting, fail, got 'done'"),
        (TrialFilter(replicate=2), r"replicate must be one of this study's \(0, 1\), got 2"),
    ],
)
def test_what_no_trial_could_have_is_refused(wanted, said) -> None:
    """A name that is mistyped is told from one that no trial has yet."""
    with pytest.raises(InputError, match=said):
        wanted.require_possible(["tab/search-00", "tab/search-01", "tab/confirm"], ["", "plain"])
    TrialFilter("plain", "fail", 1).require_possible(["tab/search-01"], ["plain"])
    TrialFilter("rex").require_possible([], [])


def test_a_line_has_what_was_sampled_or_the_schedule() -> None:
    """What is not what it should be stays at its default; the name of a candidate goes before its family."""
    sampled = TrialLine.of(
        "tab",
        3,
        "complete",
        value=0.5,
        epochs=2,
        params={"family": "cosine", "base_lr": 0.1},
        attributes={"seconds": 2},
    )
    assert ("cosine", {"base_lr": 0.1}, 2.0, None) == (
        sampled.family,
        sampled.parameters,
        sampled.seconds,
        sampled.block,
    )
    attributes = {"entry": "plain", "schedule": {"base_lr": 0.2}, "block": 4, "seconds": "long"}
    fixed = TrialLine.of("tab", 3, "complete", value=float("nan"), epochs=2, params={}, attributes=attributes)
    assert ("plain", {"base_lr": 0.2}, None, 4, None) == (
        fixed.family,
        fixed.parameters,
        fixed.seconds,
        fixed.block,
        fixed.value,
    )
