"""Checkpoints of a search's lanes, from which a trial resumes where its process was killed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.records import LearningCurve
from lrsearch.runs.checkpoints.pace import Pace, pause_seconds
from lrsearch.storage import storage_file
from lrsearch.training.lane import Checkpoint
from lrsearch.training.train import load_checkpoint, save_checkpoint
from lrsearch.trials.trial_log import TrialLog

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "LRSEARCH_CHECKPOINTS"
_BESIDE, _RUNS_BESIDE = ".checkpoints", ".runs"


def checkpoint_folder(storage: str, ending: str = _BESIDE) -> Path:
    """Return where the checkpoints of the studies in a storage lie, or with ".runs" the files of their runs.

    LRSEARCH_CHECKPOINTS names one folder for all of them; else it is `FILE.checkpoints` beside an SQLite or journal
    file, and for a database server a folder of this user's cache, which other machines do not see.
    """
    if common := os.environ.get(FOLDER_VARIABLE):
        return Path(common).expanduser()
    if (path := storage_file(storage)) is not None:
        return Path(f"{path}{ending}")
    from platformdirs import user_cache_path

    return user_cache_path("lrsearch") / ending.removeprefix(".")


@dataclass(eq=False)
class Checkpoints:
    """The checkpoints of one study: one file for each of its running trials, by the number under which it first ran.

    A file resumes only the trial that wrote it: same study, data, study file, parameters, seeds and device. What
    cannot be read or is of another trial is ignored with one line on standard error, and so is what cannot be written:
    a search never ends for want of a checkpoint.

    Args:
        folder: made when the first file is written.
        identity: of the study; see `study_identity`.
        runs: what runs of training functions write, each into a folder of its own.
        pace: says when the lanes are to be saved.
    """

    folder: Path
    identity: str
    runs: Path
    pace: Pace = field(default_factory=Pace)
    _complained: bool = field(init=False, default=False)

    def run_folder(self, name: str) -> Path:
        """Return the folder of a run of this study, beside which its output stays."""
        return self.runs / self._prefix() / name

    def save(self, log: TrialLog, state: Checkpoint, curve: LearningCurve) -> None:
        """Write where a trial stands, whole or not at all."""
        begun = time.perf_counter()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            saved = replace(state, kernels=log.experiment.kernels)
            save_checkpoint(self._path(log.origin), saved, curve, self._identity(log))
        except (OSError, RuntimeError, InputError) as error:  # torch.save raises RuntimeError where a disk is full
            if not self._complained:
                logger.warning(
                    f"checkpoints cannot be written ({error}); trials that are killed begin again from epoch 0"
                )
            self._complained = True
        self.pace.spent(time.perf_counter() - begun)

    def load(self, log: TrialLog, *, like: Checkpoint) -> tuple[Checkpoint, LearningCurve] | None:
        """Return where a resumed trial stood, or None if nothing is known.

        Args:
            log: the trial.
            like: a checkpoint of the same model, whose shapes this one must have.
        """
        path = self._path(log.origin)
        if not path.exists():
            return None
        try:
            saved, curve = load_checkpoint(path, self._identity(log), like=like)
            if not len(curve.select_accuracy) == saved.epoch < log.experiment.epochs:
                raise InputError(f"{saved.epoch} epochs")
        except InputError:
            logger.warning(
                f"checkpoint {path} is damaged or of another trial: trial {log.trial.number} begins from epoch 0"
            )
            return None
        if saved.kernels not in ("", kernels := log.experiment.kernels):
            logger.warning(
                f"trial {log.trial.number} resumes with the kernels {kernels}, and was begun with {saved.kernels}: its "
                "result is equal up to rounding, not to the bit"
            )
        return saved, curve

    def remove(self, origin: int) -> None:
        """Remove the checkpoint of a trial that has ended."""
        for path in self.folder.glob(f"*{self._path(origin).name}*"):  # and what was killed while it was written
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def tidy(self, unfinished: Collection[int]) -> None:
        """Remove what killed processes left of this study's trials, but for those `unfinished`, by first number."""
        for left in set(self.run_folder("").glob("[0-9]*/")) - {self.run_folder(f"{o:06d}") for o in unfinished}:
            shutil.rmtree(left, ignore_errors=True)
        keep = {self._path(origin).name for origin in unfinished}
        for path in self.folder.glob(f"*{self._prefix()}-*"):
            if not any(name in path.name for name in keep):
                with suppress(OSError):
                    path.unlink()
        if self.folder.name.endswith(_BESIDE):  # one that a person named stays
            with suppress(OSError):  # of a folder in which something is left
                self.folder.rmdir()

    def _prefix(self) -> str:
        return self.identity[:16]

    def _path(self, origin: int) -> Path:
        return self.folder / f"{self._prefix()}-{origin:06d}.pt"

    def _identity(self, log: TrialLog) -> str:
        lane, params = log.lane, dict(log.params)
        trial = [log.origin, params, lane.init_seed, lane.order_seed, log.experiment.device]
        return f"{self.identity} {json.dumps(trial, sort_keys=True)}"


def study_identity(study: Study, config: StudyConfig) -> str:
    """Return what tells a study from every other, one of the same name in a database made again included."""
    of_study = [study.study_name, study.user_attrs.get("key", ""), study.user_attrs.get("data_fingerprint", "")]
    content = json.dumps([of_study, config.identity()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def open_checkpoints(study: Study, config: StudyConfig, storage: str) -> Checkpoints:
    """Return the checkpoints of a study in the storage of this address.

    Raises:
        InputError: if LRSEARCH_CHECKPOINT_SECONDS is no number of seconds.
    """
    return Checkpoints(
        checkpoint_folder(storage),
        study_identity(study, config),
        checkpoint_folder(storage, _RUNS_BESIDE),
        Pace(pause_seconds()),
    )
