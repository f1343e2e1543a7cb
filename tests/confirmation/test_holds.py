"""Which process trains which block: told to others while it lives, and no longer."""

import time

import pytest
from optuna import create_study
from optuna.study import Study

from lrsearch.confirmation.blocks import Block
from lrsearch.confirmation.holds import epochs_held, held, is_held_by_another, release_holds
from lrsearch.experiment.experiment import Seeds
from lrsearch.storage import worker_name

ONE, TWO = (Block(index, Seeds.of(0, "confirm", index), ()) for index in (1, 2))
FAR = "elsewhere:1:1"
DEAD = worker_name() + "0"  # our own number, but of a process that began at another time


@pytest.fixture
def study() -> Study:
    return create_study()


def _hold(study: Study, block: Block, worker: str, *, ago: float = 0.0, epochs: int = 0) -> None:
    given = {"worker": worker, "when": time.time() - ago, "epochs": epochs}
    study.set_user_attr(f"hold:{block.index:04d}", given)


def test_a_block_is_held_while_its_body_runs(study) -> None:
    """How far its runs are is told; an error gives the block up as an end does."""
    with held(study, ONE) as told:
        assert (0, 0) == (epochs_held(study.user_attrs, ONE), epochs_held(study.user_attrs, TWO))
        told(7)
        assert 7 == epochs_held(study.user_attrs, ONE)
        assert not is_held_by_another(study, ONE)
    assert {"hold:0001": {}} == study.user_attrs
    with pytest.raises(ZeroDivisionError), held(study, TWO):
        raise ZeroDivisionError
    assert {} == study.user_attrs["hold:0002"]


@pytest.mark.parametrize(
    ("worker", "ago", "by_another"),
    [(FAR, 0.0, True), (FAR, 1700.0, True), (FAR, 1900.0, False), (DEAD, 0.0, False), ("", 0.0, False)],
    ids=["elsewhere", "half an hour nearly", "half an hour", "dead", "unheld"],
)
def test_who_is_dead_or_silent_holds_nothing(study, worker, ago, by_another) -> None:
    """Of this machine's processes it is known; one elsewhere is given up after half an hour without an epoch."""
    _hold(study, ONE, worker, ago=ago)
    assert (by_another, False) == (is_held_by_another(study, ONE), is_held_by_another(study, TWO))


def test_epochs_of_dead_processes_do_not_count(study) -> None:
    """What they trained is lost."""
    _hold(study, ONE, DEAD, epochs=5)
    _hold(study, TWO, FAR, epochs=3)
    assert (0, 3) == (epochs_held(study.user_attrs, ONE), epochs_held(study.user_attrs, TWO))


def test_blocks_of_lost_processes_are_released_and_no_others(study) -> None:
    """A scheduler knows that its process is lost before half an hour has gone."""
    _hold(study, ONE, FAR)
    _hold(study, TWO, "elsewhere:2:2")
    release_holds(study, [ONE, TWO], {FAR, worker_name()})
    assert (False, True) == (is_held_by_another(study, ONE), is_held_by_another(study, TWO))
