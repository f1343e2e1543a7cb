"""Whether a stored study is the one that is asked for: the same search, data and workload, under the same plan."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from lrsearch.config import StudyConfig
from lrsearch.config.messages import shortened
from lrsearch.errors import InputError
from lrsearch.names import base_name, is_search
from lrsearch.storage.study_part import StudyPart

logger = logging.getLogger(__name__)

_FIXED_BEFOREHAND = ("alpha", "rope", "contrasts", "claims", "looks")


def require_same_study(
    part: StudyPart, config: StudyConfig, data_fingerprint: str, facts: Mapping[str, Any], source: str = ""
) -> None:
    """Raise InputError, naming the difference, if a study was made from another study file, data or workload.

    Args:
        part: the study.
        config, data_fingerprint: as they are now.
        facts: of the workload now; those that the study does not say, as one of an older version, are not compared.
        source: a digest of the source of what is trained; another one is a warning, once a study.
    """
    said = {"direction": part.metric.direction, "metric": part.metric.name} | part.attributes.workload_facts
    stored = part.config.identity() | {"data": part.attributes.data_fingerprint} | said
    given = config.identity() | {"data": data_fingerprint} | {k: v for k, v in facts.items() if k in said}
    differences = [
        f"{key} is {stored.get(key)!r}, not {given[key]!r}" for key in given if stored.get(key) != given[key]
    ]
    if differences:
        raise InputError(
            f"study {part.name!r} is another one: its {'; '.join(differences)}. "
            "Choose another --study-name or --storage, or run with what it was made with"
        )
    before = part.attributes.workload_source
    if before != source and len(before) == len(source):  # earlier versions stored a shorter digest, of less source
        _warn_of_source(base_name(part.name), source)


@cache
def _warn_of_source(study: str, source: str) -> None:
    """Warn that the source of a study is another one, once for all parts of the study."""
    logger.warning(f"the source of what study {study!r} trains has changed since the study was made ({source})")


def require_same_plan(part: StudyPart, config: StudyConfig) -> None:
    """Raise InputError, naming the difference, if a study was planned otherwise: its error rate, ROPE or contrasts.

    The plan is fixed before anything runs. What was searched or confirmed under one plan is not judged by another. A
    ROPE that a search left open may still be stated before its winners are confirmed.
    """
    stored, given = (
        c.plan.model_dump(mode="json") | {"rope": c.plan.rope_for(part.metric)} for c in (part.config, config)
    )
    differences = [
        f"plan.{key} is {shortened(stored[key])}, not {shortened(given[key])}"
        for key in _FIXED_BEFOREHAND
        if stored[key] != given[key] and not (key == "rope" and stored[key] is None and is_search(part.name))
    ]
    if differences:
        raise InputError(
            f"study {part.name!r} was planned otherwise: its {'; '.join(differences)}. The plan is fixed before "
            "anything runs: go on with the plan it was made with, or begin a new study under another --study-name"
        )
