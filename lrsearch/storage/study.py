"""Studies: made once, opened again only as what they are, and what they carry besides their trials."""

from __future__ import annotations

import subprocess
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import Metric
from lrsearch.names import search_names
from lrsearch.storage.attributes import LEDGER, SCHEMA_VERSION
from lrsearch.storage.database.address import existing_storage
from lrsearch.storage.database.trial_cache import cached
from lrsearch.storage.same_study import require_same_study
from lrsearch.storage.study_part import StudyPart, stored_metric

_LAST_WRITTEN = "study_file"
"""The attribute that is written last into a new study: other machines wait for it."""
_FILLING_SECONDS = 5.0
"""How long that takes at most; a study that lacks it after that was left by a killed process."""
_PACKAGES = ("lrsearch", "optuna", "torch", "torchvision", "numpy", "scipy")


def create_study(
    storage: BaseStorage,
    name: str,
    config: StudyConfig,
    *,
    metric: Metric,
    data_fingerprint: str,
    attributes: Mapping[str, Any],
) -> Study:
    """Create the study `name`, or open it where it exists and is the same search.

    Args:
        storage: from `open_storage`.
        name: the study's name in the storage.
        config: what the study is; stored whole.
        metric: the direction of the study, and how the dashboard calls the trials' values.
        data_fingerprint: of the data set; another one is another study.
        attributes: further user attributes of a new study (split seed, lanes, ...).

    Raises:
        InputError: if a study of this name exists and differs; the message names the difference.
    """
    attributes = {
        "schema": SCHEMA_VERSION,
        "data_fingerprint": data_fingerprint,
        "versions": {package: metadata.version(package) for package in _PACKAGES},
        "git_commit": _git_commit(),
        **attributes,
        "study_text": config.text,
        _LAST_WRITTEN: config.model_dump(mode="json"),
    }
    if name not in stored_names(storage):
        with suppress(DuplicatedStudyError):  # another machine began at the same moment
            return _filled(
                optuna.create_study(study_name=name, storage=cached(storage), direction=metric.direction),
                attributes,
                metric.name,
            )
    study = optuna.load_study(study_name=name, storage=cached(storage))
    if _left_unfilled(study) and study.direction.name.lower() == metric.direction:
        return _filled(study, attributes, metric.name)
    facts = {"direction": metric.direction, "metric": metric.name, **attributes.get("workload_facts", {})}
    require_same_study(StudyPart.of(study), config, data_fingerprint, facts, attributes.get("workload_source", ""))
    return study


def _left_unfilled(study: Study) -> bool:
    """Wait until the process that makes this study has filled it; return False then, True if it was killed before."""
    until = time.monotonic() + _FILLING_SECONDS
    while _LAST_WRITTEN not in study.user_attrs and not study.get_trials(deepcopy=False):
        if time.monotonic() > until:
            return not study.user_attrs or "schema" in study.user_attrs
        time.sleep(_FILLING_SECONDS / 50)
    return False


def _filled(study: Study, attributes: Mapping[str, Any], metric_name: str) -> Study:
    """Write into a new study what it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([metric_name])
    for key, value in attributes.items():
        study.set_user_attr(key, value)
    return study


def stored_names(storage: BaseStorage) -> list[str]:
    """Return the names of a storage's studies, sorted."""
    return sorted(study.study_name for study in storage.get_all_studies())


@dataclass(frozen=True)
class StudyHead:
    """What a list says of a study; `study_file` is as it is stored, unchecked."""

    name: str
    metric: Metric
    study_file: Any


def study_heads(storage: BaseStorage) -> list[StudyHead]:
    """Return what a list says of every study of a storage, by name."""
    heads = [
        StudyHead(
            study.study_name,
            stored_metric(study.directions[0], study.user_attrs),
            study.user_attrs.get("study_file"),
        )
        for study in storage.get_all_studies()
    ]
    return sorted(heads, key=lambda head: head.name)


def load_study(storage: BaseStorage, name: str) -> Study:
    """Open an existing study.

    Raises:
        InputError: if there is none of this name, naming those that exist.
    """
    try:
        return optuna.load_study(study_name=name, storage=cached(storage))
    except KeyError:
        names = ", ".join(stored_names(storage)) or "none"
        raise InputError(f"there is no study {name!r} in this storage; there are: {names}") from None


def as_stored(config: StudyConfig, address: str, name: str) -> StudyConfig:
    """Return a study with the sampler of its search in a storage, and its ROPE, where neither file nor flag names one.

    The ROPE of points has a default; that of any other unit is then the one of the search. A storage that cannot be
    read is left for `open_storage` to refuse.
    """
    names_sampler, names_rope = "sampler" in config.search.model_fields_set, config.plan.rope is not None
    if names_sampler and names_rope:
        return config
    try:
        storage = existing_storage(address)
    except InputError:
        return config
    if storage is None:
        return config
    for search in search_names(stored_names(storage), name):
        stored = load_study(storage, search)
        if _LAST_WRITTEN in stored.user_attrs:
            part = StudyPart.of(stored)
            changes: dict[str, Any] = {} if names_sampler else {"search.sampler": part.config.search.sampler}
            if not names_rope and part.metric.default_rope is None:
                changes["plan.rope"] = part.config.plan.rope
            return config.changed(changes)
    return config


def study_id(storage: BaseStorage, name: str) -> int:
    """Return the number of a study in its storage, by which the dashboard's pages are named."""
    return storage.get_study_id_from_name(load_study(storage, name).study_name)


def storage_of(study: Study) -> tuple[BaseStorage, str]:
    """Return the storage of a study and its address.

    Optuna's studies hold their storage in a private attribute; only this function reads it.
    """
    storage = study._storage
    backend = getattr(storage, "_backend", storage)
    return storage, str(getattr(backend, "url", ""))


def _git_commit() -> str:
    """Return the commit of the working directory, with `+` if something is uncommitted; empty outside git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def enter_in_ledger(study: Study, block: int, reading: Mapping[str, Any]) -> None:
    """Write down a reading of the test set in a block; one process has a block, so none overwrites another's."""
    key = f"{LEDGER}{block:04d}"
    study.set_user_attr(key, [*study.user_attrs.get(key, []), dict(reading)])
