"""Whether the lanes of a study train side by side: chosen once, stored in the study, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lrsearch.experiment.experiment import Experiment
from lrsearch.storage import Storage, StudyPart, load_study, stored_names


def with_training_way(experiment: Experiment, storage: Storage, names: Sequence[str], lanes: int) -> Experiment:
    """Return the experiment with the way in which its studies train.

    Args:
        experiment: of a new process.
        storage: where its studies are kept.
        names: of the studies that it may have; the first that is stored decides.
        lanes: trials that would be trained side by side, for a choice by time where none is stored.
    """
    stored = set(stored_names(storage))
    for name in names:
        if name in stored:
            way = StudyPart.of(load_study(storage, name)).attributes.training_way
            return replace(experiment, way=way or experiment.fastest_way())
    return replace(experiment, way=experiment.fastest_way(lanes))
