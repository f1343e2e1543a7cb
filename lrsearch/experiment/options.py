"""How a study is run on the machines at hand, which does not change what it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, WorkerPayload
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.processes.dask import cluster_size
from lrsearch.processes.local import auto_workers
from lrsearch.storage import DEFAULT_STORAGE, absolute_address, is_in_memory

_MOST_WORKERS = 1000
_MOST_LANES = {"cuda": 64, "cpu": 8}


@dataclass(frozen=True)
class RunOptions:
    """How a study is run, which does not change what it is.

    Attributes:
        storage: where the study is kept.
        study_name: its name in the storage; the study file's if None.
        device: "auto", "cpu" or "cuda".
        lanes: trials that a process trains side by side, or None to choose.
        workers: processes, or None for one a core (one on a GPU).
        timeout_seconds: stop at the first epoch boundary after this long; None for no limit.
        backend: "loky" for processes of this machine, "dask" for those of a Dask scheduler, wherever they are.
        scheduler: the address of that scheduler, such as tcp://127.0.0.1:8786.
        retry_crashed: whether runs that have crashed are queued once more.
        runs_per_gpu: how many runs share a GPU, where runs have GPUs of their own; 1 if None.
        replicates_at_once: how many replicates of a search a process trains together, or None to choose.
    """

    storage: str = field(default=DEFAULT_STORAGE, repr=False)  # its address may hold a password
    study_name: str | None = None
    device: str = "auto"
    lanes: int | None = None
    workers: int | None = None
    timeout_seconds: float | None = None
    backend: Literal["loky", "dask"] = "loky"
    scheduler: str | None = None
    retry_crashed: bool = False
    runs_per_gpu: int | None = None
    replicates_at_once: int | None = None

    def __post_init__(self) -> None:
        if self.lanes is not None and self.lanes < 1:
            raise InputError(f"lanes must be at least 1 (or auto), got {self.lanes}")
        if self.workers is not None and not 1 <= self.workers <= _MOST_WORKERS:
            raise InputError(f"workers must be 1 to {_MOST_WORKERS} (or auto), got {self.workers}")
        if is_in_memory(self.storage) and (self.scheduler is not None or (self.workers or 1) > 1):
            raise InputError(f"a storage in memory is of one process: workers must be 1, got {self.workers}")
        if self.runs_per_gpu is not None and not 1 <= self.runs_per_gpu <= _MOST_WORKERS:
            raise InputError(f"runs-per-gpu must be 1 to {_MOST_WORKERS}, got {self.runs_per_gpu}")
        if self.replicates_at_once is not None and self.replicates_at_once < 1:
            raise InputError(f"replicates-at-once must be at least 1 (or auto), got {self.replicates_at_once}")
        if self.timeout_seconds is not None and not self.timeout_seconds > 0:
            raise InputError(f"timeout must be above 0 seconds, got {self.timeout_seconds}")
        if (self.backend == "dask") != (self.scheduler is not None):
            raise InputError(
                f"backend dask and a scheduler (tcp://host:8786) go together, got {self.backend} and {self.scheduler}"
            )

    def resolved(self, experiment: Experiment) -> RunOptions:
        """Return the same with the number of processes, and with a file's whole path where others are to open it.

        Runs that are processes of their own are all begun by this process, side by side.

        Raises:
            InputError: if there is a scheduler and it cannot be reached or has no processes that will do, or lanes are
                asked for where nothing trains in lanes.
        """
        here = self.scheduler is None
        if isinstance(experiment, RunExperiment):
            if self.lanes is not None:
                raise InputError("--lanes is for a workload, and this study has [run]: give --workers")
            if self.replicates_at_once is not None:
                raise InputError("--replicates-at-once is for a workload, and this study has [run]")
            if here and not experiment.run.in_process:
                return replace(self, workers=1, lanes=experiment.at_once)
            self = replace(self, lanes=1)
        alone = 1 if is_in_memory(self.storage) else None
        workers = (
            self.workers or alone or (auto_workers(experiment.device) if here else cluster_size(str(self.scheduler)))
        )
        if here and workers == 1:
            return replace(self, workers=workers)
        # Processes of this machine too may be in another folder: they are kept from one run to the next.
        return replace(self, workers=workers, storage=absolute_address(self.storage))

    def at_budgets(self, config: StudyConfig) -> list[tuple[StudyConfig, RunOptions]]:
        """Return the study at each of its epoch budgets, with the options that hold its name in the storage."""
        named = config.changed({"name": self.study_name}).at_budgets()
        return [
            (budget, replace(self, study_name=name.name))
            for budget, name in zip(config.at_budgets(), named, strict=True)
        ]

    def worker_payload(self, experiment: Experiment) -> WorkerPayload:
        """Return what the processes of this run are given of the experiment."""
        return experiment.payload(elsewhere=None if self.scheduler is None else self.device)


def lanes_of(options: RunOptions, trials: int, device: str) -> int:
    """Return how many trials one process trains side by side: as asked for, or chosen.

    All processes together train at most a quarter of the search's trials at a time, or TPE would search at random. A
    GPU gains most from the first 64 lanes; a processor gains little beyond a few, and memory grows with every one.
    """
    workers = options.workers or auto_workers(device)
    return options.lanes or max(1, min(_MOST_LANES[device], trials // 4) // workers)


def study_names(name: str, replicates: int) -> list[str]:
    """Return the names of a search's studies: NAME itself, or NAME/search-00 ... with several replicates."""
    return [name] if replicates == 1 else [f"{name}/search-{replicate:02d}" for replicate in range(replicates)]
