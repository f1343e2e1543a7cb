"""Finished trials of a study of one's own, made with `suggest_schedule`, as a search that is confirmed and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, create_trial

from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.experiment.space import FAMILY, Space
from lrsearch.schedules import schedule_from_sample
from lrsearch.storage import budget_sentence, create_study
from lrsearch.trials.history import FINISHED


@dataclass(frozen=True)
class Adoption:
    """A study that holds the trials of another.

    Attributes:
        study: that now holds them.
        trials: of each family, those that it holds.
        left_out: finished trials of the other study that hold no schedule.
    """

    study: Study
    trials: Mapping[str, int]
    left_out: int

    @property
    def unequal(self) -> str:
        """What is unequal between the families, in one sentence."""
        return budget_sentence(self.trials)


def adopt(source: Study, experiment: Experiment, storage: BaseStorage, name: str) -> Adoption:
    """Copy the finished trials of a study into a search of lrsearch's; those that it holds already are left alone.

    Args:
        source: with one value a trial, whose objective asked `suggest_schedule` for a schedule.
        experiment: of the study file, which says how long a run is and what was searched beside the schedule.
        storage: that takes them.
        name: of the search there.

    Raises:
        InputError: if the study has no such trial, or was made with another direction, length, families or parameters
            than the study file says.
    """
    config = experiment.config
    if config.run is None:
        raise InputError("adopt needs a study file with [run]: the function that confirms, metric and total_steps")
    if config.search.replicates > 1:
        raise InputError(f"adopt makes one search of one study, and [search] replicates is {config.search.replicates}")
    if len(source.directions) > 1 or source.direction.name.lower() != config.run.direction:
        directions = ", ".join(direction.name.lower() for direction in source.directions)
        raise InputError(
            f"study {source.study_name!r} has the direction {directions}, and [run] {config.run.direction}"
        )
    finished = source.get_trials(deepcopy=False, states=FINISHED)
    suggested = [trial for trial in finished if FAMILY in trial.params]
    if not suggested:
        raise InputError(f"study {source.study_name!r} has no finished trial with a schedule from suggest_schedule")
    copies = [_copy(trial, experiment) for trial in suggested]
    trials = Counter(str(trial.params[FAMILY]) for trial in suggested)
    study = create_study(
        storage,
        name,
        config,
        metric=experiment.metric,
        data_fingerprint=experiment.data_fingerprint,
        attributes={
            **experiment.stored_facts,
            "space": _space(suggested, experiment).to_json(),
            "adopted": dict(trials),
        },
    )
    held = {trial.user_attrs.get("adopted") for trial in study.get_trials(deepcopy=False)}
    if None in held:
        raise InputError(f"study {name!r} holds trials of its own: adopt under another --study-name")
    study.add_trials([copy for copy in copies if copy.user_attrs["adopted"] not in held])
    study.set_user_attr("adopted", dict(trials))
    return Adoption(study, trials, len(finished) - len(suggested))


def _copy(trial: FrozenTrial, experiment: Experiment) -> FrozenTrial:
    """Return a trial as one of a search of lrsearch's; raise InputError where it is not one of the study file's."""
    config, params, where = experiment.config, trial.params, f"trial {trial.number}"
    family, named = str(params[FAMILY]), experiment.space.by_family
    if family not in named:
        raise InputError(f"{where} is of the family {family}, and [search] families are {', '.join(named)}")
    if missing := [name for name in named[family] if name not in params]:
        raise InputError(f"{where} has no {missing[0]!r}, which the study file searches in {family}")
    if others := [name for name in params if name != FAMILY and name not in named[family]]:
        raise InputError(f"{where} searched {others[0]!r}: name it in [parameters], so that confirm repeats it")
    schedule = schedule_from_sample(
        family,
        {name: params[name] for name in named[family] if name not in config.searched},
        total_steps=experiment.total_steps,
        steps_per_epoch=experiment.steps_per_epoch,
    ).params()
    held = trial.user_attrs.get("schedule")
    if isinstance(held, Mapping) and held.get("total_steps") != experiment.total_steps:
        raise InputError(
            f"{where} was suggested with total_steps = {held.get('total_steps')}, and [run] total_steps is "
            f"{experiment.total_steps}"
        )
    return create_trial(
        state=trial.state,
        value=trial.value,
        params=params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
        user_attrs={"schedule": schedule, "epochs": experiment.epochs, "adopted": trial.number},
    )


def _space(trials: list[FrozenTrial], experiment: Experiment) -> Space:
    """Return what was searched, as the trials say it."""
    by_family: dict[str, dict[str, BaseDistribution]] = {}
    for trial in trials:
        searched = {name: kind for name, kind in trial.distributions.items() if name != FAMILY}
        by_family.setdefault(str(trial.params[FAMILY]), searched)
    searched_beside = tuple(experiment.config.searched)
    return Space(experiment.total_steps, experiment.steps_per_epoch, by_family, searched_beside)
