"""Where a configuration comes from: the searches of one name, and their confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.errors import InputError
from lrsearch.names import base_name, confirmation_name, is_search
from lrsearch.storage import family_of, load_study, open_existing, redacted, storage_of, study_config, to_record
from lrsearch.verdict.study_verdict import compare_study


@dataclass(frozen=True)
class Source:
    """What a storage holds under one name.

    Attributes:
        searches: one a replicate; none where only fixed schedules were confirmed.
        confirmation: of the winners or of the fixed schedules, or None.
        storage: its address without a password.
    """

    searches: tuple[Study, ...]
    confirmation: Study | None
    storage: str

    @classmethod
    def open(cls, url: str, name: str | None = None) -> Source:
        """Open the studies of `name`, or of the only name in the storage.

        Raises:
            InputError: if the storage holds no such name, or several of which one must be named.
        """
        return cls._read(open_existing(url), name, url)

    @classmethod
    def of(cls, study: Study) -> Source:
        """Return the source that a search, one of its replicates or its confirmation belongs to."""
        storage, url = storage_of(study)
        return cls._read(storage, base_name(study.study_name), url)

    @classmethod
    def _read(cls, storage: BaseStorage, name: str | None, url: str) -> Source:
        studies = [study.study_name for study in storage.get_all_studies()]
        names = sorted({base_name(study) for study in studies})
        if name is None and len(names) != 1:
            raise InputError(
                f"name one of the storage's studies with --study-name: {', '.join(names) or 'there are none'}"
            )
        name = names[0] if name is None else name
        base = base_name(name)
        wanted = [study for study in sorted(studies) if study == name or base_name(study) == name]
        confirmation = confirmation_name(base)
        if not wanted:
            raise InputError(f"there is no study {name!r} in this storage; there are: {', '.join(names) or 'none'}")
        searches = tuple(load_study(storage, study) for study in wanted if is_search(study))
        confirmed = load_study(storage, confirmation) if confirmation in studies else None
        for study in (*searches, *([confirmed] if confirmed else [])):
            study_config(study)  # which refuses what lrsearch has not written
        return cls(searches, confirmed, redacted(url))

    def best(self, family: str | None = None, top: int = 1) -> list[tuple[Study, FrozenTrial]]:
        """Return the `top` best trials with their studies: of a family, or of all.

        Searched trials go by the select metric at the last epoch, whichever replicate they are of. Where no searched
        trial fits, the confirmed entries do (baselines, by name), by their mean over blocks, each as its first block.

        Raises:
            InputError: if fewer trials are complete.
        """
        if top < 1:
            raise InputError(f"top must be at least 1, got {top}")
        ranked = self._searched(family) or self._confirmed(family)
        if len(ranked) < top:
            known = sorted({family_of(trial) for _, trial in (*self._searched(None), *self._confirmed(None))})
            raise InputError(
                f"{top} complete trials of {family or 'any family'} were asked for, got {len(ranked)}; "
                f"complete are: {', '.join(known) or 'none'}"
            )
        return ranked[:top]

    def recommended(self) -> list[tuple[Study, FrozenTrial]]:
        """Return the best trial of each family that the confirmation has not shown to be worse than the best one.

        Raises:
            InputError: if there is no confirmation, or it has too few blocks for a verdict.
        """
        if self.confirmation is None:
            raise InputError("nothing is recommended before it is confirmed: run lrsearch confirm first")
        recommended = compare_study(self.confirmation).recommended
        if not recommended:
            raise InputError("nothing is recommended: each family has a failed run (lrsearch compare); export --family")
        return [found for name in recommended for found in self.best(name)]

    def _searched(self, family: str | None) -> list[tuple[Study, FrozenTrial]]:
        found = [
            (_worseness(study, float(trial.values[0])), place, trial.number, study, trial)
            for place, study in enumerate(self.searches)
            for trial in _complete(study)
            if family in (None, family_of(trial))
        ]
        return [(study, trial) for *_, study, trial in sorted(found, key=lambda row: row[:3])]

    def _confirmed(self, family: str | None) -> list[tuple[Study, FrozenTrial]]:
        if self.confirmation is None:
            return []
        study, entries = self.confirmation, dict[str, list[FrozenTrial]]()
        controls = study.user_attrs.get("controls", ())
        for trial in _complete(study):
            if to_record(trial).confirmed and family in (None, family_of(trial)) and family_of(trial) not in controls:
                entries.setdefault(family_of(trial), []).append(trial)
        means = {entry: fmean(trial.values[0] for trial in trials) for entry, trials in entries.items()}
        ranked = sorted(entries, key=lambda entry: _worseness(study, means[entry]))
        return [(study, entries[entry][0]) for entry in ranked]


def _complete(study: Study) -> list[FrozenTrial]:
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    found = [(trial, to_record(trial)) for trial in trials]
    return [trial for trial, record in found if record.value is not None and record.schedule]


def _worseness(study: Study, value: float) -> float:
    return -value if study.direction.name == "MAXIMIZE" else value
